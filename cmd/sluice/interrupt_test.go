//go:build unix

package main

import (
	"bufio"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// long is a run that is still going when it has shown itself. It saves only at its end or when it is stopped.
func long(args ...string) []string {
	return tiny(append([]string{"--set", "train.iterations=3000", "--set", "eval.every=100", "--set", "checkpoint.every=0"}, args...)...)
}

// begin starts a command and returns once it trains. The second result waits for its end and is all that it said.
func begin(t *testing.T, dir string, args ...string) (*exec.Cmd, func() string) {
	t.Helper()
	c := command(dir, nil, args...)
	pipe, err := c.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	var said strings.Builder
	r := bufio.NewReader(pipe)
	for !strings.Contains(said.String(), "msg=train") {
		line, err := r.ReadString('\n')
		said.WriteString(line)
		require.NoError(t, err, said.String())
	}
	return c, func() string {
		_, err := r.WriteTo(&said)
		require.NoError(t, err)
		_ = c.Wait() // the exit code is the caller's to judge
		return said.String()
	}
}

// TestInterrupt: Ctrl-C, or the SIGTERM of a machine that shuts down, saves the run and exits with 130. It can be judged and sampled
// as it is; stopped twice and gone on with twice, it ends with the bits of a run that was left alone.
func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	want := object(t, do(t, dir, long("--out", "whole", "--json")...))
	at := 0
	for _, s := range []struct {
		args   []string
		signal syscall.Signal
	}{{long("--out", "stopped"), syscall.SIGINT}, {[]string{"resume", "stopped"}, syscall.SIGTERM}} {
		c, end := begin(t, dir, s.args...)
		require.NoError(t, c.Process.Signal(s.signal))
		said := end()
		require.Equal(t, 130, c.ProcessState.ExitCode(), said)
		e := object(t, do(t, dir, "eval", "stopped", "--json"))
		for _, key := range []string{"tv", "kl_nats", "log_z", "log_z_true", "log_z_error", "expected_reward"} {
			require.IsType(t, 0., e[key], key)
		}
		require.Len(t, e["params_hash"], 64)
		require.NotEqual(t, want["params_hash"], e["params_hash"])
		require.Equal(t, false, e["finished"])
		require.Greater(t, e["iteration"], float64(at))
		at = int(e["iteration"].(float64))
		require.Less(t, at, 3000)
		require.True(t, strings.HasSuffix(said, fmt.Sprintf("\nsluice: stopping after this iteration, with a checkpoint; once more stops at once\n"+
			"sluice: run: interrupted at iteration %d; to go on: sluice resume stopped\n", at)), said)
		require.Equal(t, 6, strings.Count(do(t, dir, "sample", "stopped", "-n", "5"), "\n"))
	}
	r := sluice(t, dir, "resume", "stopped", "--json", "--workers", "2")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.err, fmt.Sprintf("sluice: stopped goes on at iteration %d of 3000 on cpu/", at))
	require.Equal(t, want, object(t, r.out))
}

// TestInterruptSweep: Ctrl-C in a sweep says how to go on, and that does.
func TestInterruptSweep(t *testing.T) {
	dir := t.TempDir()
	seeds := func(more ...string) []string { return long(append([]string{"--seeds", "1,2"}, more...)...) }
	want := do(t, dir, seeds("--out", "whole", "--quiet")...)
	c, end := begin(t, dir, seeds()...)
	require.NoError(t, c.Process.Signal(syscall.SIGINT))
	said := end()
	require.Equal(t, 130, c.ProcessState.ExitCode(), said)
	require.Regexp(t, `\nsluice: seed 1: run: interrupted at iteration \d+; to go on: the same command with --out runs/hypergrid-8x8-seeds; `+
		`seeds that are finished are kept\n$`, said)
	c, end = begin(t, dir, seeds("--out", "runs/hypergrid-8x8-seeds")...)
	require.NoError(t, c.Process.Signal(syscall.SIGINT))
	said = end()
	require.Regexp(t, `^sluice: runs/hypergrid-8x8-seeds/seed-1 goes on at iteration \d+ of 3000 on cpu/`, said)
	require.Contains(t, said, "; to go on: the same command; seeds that are finished are kept\n")
	r := sluice(t, dir, seeds("--out", "runs/hypergrid-8x8-seeds")...)
	require.Equal(t, want, r.out, r.err)
	r = sluice(t, dir, seeds("--out", "runs/hypergrid-8x8-seeds")...)
	require.Equal(t, outcome{want, "sluice: runs/hypergrid-8x8-seeds/seed-1 is finished: iteration 3000 of 3000\n" +
		"sluice: runs/hypergrid-8x8-seeds/seed-2 is finished: iteration 3000 of 3000\n", 0}, r)
	r = sluice(t, dir, seeds("--out", "runs/hypergrid-8x8-seeds", "--set", "train.batch=8")...)
	require.Equal(t, outcome{"", "sluice: seed 1: run: the directory is not empty: the run in runs/hypergrid-8x8-seeds/seed-1 has other settings: " +
		"train.batch was 16, is 8\n", 2}, r)
}

// TestInUse: a directory that a live process writes to can be read and not be written by another. When the process dies, however it
// dies, the directory is free.
func TestInUse(t *testing.T) {
	dir := t.TempDir()
	c, end := begin(t, dir, long("--out", "busy")...)
	require.NoError(t, c.Process.Signal(syscall.SIGSTOP), "alive, and not finished before it is asked")
	r := sluice(t, dir, "resume", "busy")
	require.Equal(t, outcome{"", fmt.Sprintf("sluice: run: busy is in use by process %d\n", c.Process.Pid), 1}, r)
	require.Equal(t, 2, sluice(t, dir, long("--out", "busy")...).code)
	require.Len(t, mustHash(t, dir+"/busy"), 64)
	require.NoError(t, c.Process.Kill())
	end()
	r = sluice(t, dir, "resume", "busy", "--set", "x=1")
	require.Equal(t, outcome{"", "sluice: unknown flag: --set; see sluice resume --help\n", 2}, r)
	r = sluice(t, dir, "resume", "busy")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.err, "sluice: busy goes on at iteration 0 of 3000 on ")
}
