package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// This file is what the tests share: this test binary as the command, run as a script runs it.

// asCommand makes the test binary the command.
const asCommand = "SLUICE_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

// command is sluice in a directory, with SLUICE_CPU and the like from env.
func command(dir string, env []string, args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], args...)
	c.Dir = dir
	c.Env = append(append(os.Environ(), asCommand+"=1"), env...)
	return c
}

type outcome struct {
	out, err string
	code     int
}

func sluice(t *testing.T, dir string, args ...string) outcome {
	t.Helper()
	return with(t, dir, nil, args...)
}

func with(t *testing.T, dir string, env []string, args ...string) outcome {
	t.Helper()
	c := command(dir, env, args...)
	var out, err strings.Builder
	c.Stdout, c.Stderr = &out, &err
	if e := c.Run(); e != nil {
		require.IsType(t, &exec.ExitError{}, e)
	}
	return outcome{out.String(), err.String(), c.ProcessState.ExitCode()}
}

// do is sluice where nothing may go wrong; it returns what went to stdout.
func do(t *testing.T, dir string, args ...string) string {
	t.Helper()
	r := sluice(t, dir, args...)
	require.Zero(t, r.code, r.err)
	return r.out
}

// tiny are settings of a run of a few milliseconds.
func tiny(args ...string) []string {
	return append([]string{"train", "hypergrid-8x8", "--set", "train.iterations=20", "--set", "policy.hidden=[16]", "--set", "train.batch=16",
		"--set", "world.side=5", "--set", "eval.every=10", "--set", "metrics.every=5"}, args...)
}

// object is a JSON object.
func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &v), text)
	return v
}

// mustHash is the params_hash of a run directory's newest checkpoint.
func mustHash(t *testing.T, dir string) string {
	t.Helper()
	hash, ok := object(t, do(t, filepath.Dir(dir), "eval", dir, "--json"))["params_hash"].(string)
	require.True(t, ok)
	require.Len(t, hash, 64)
	return hash
}
