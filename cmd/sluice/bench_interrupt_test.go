//go:build unix

package main

import (
	"bufio"
	"bytes"
	"io"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBenchInterrupt: Ctrl-C ends a measurement after the iteration under way.
func TestBenchInterrupt(t *testing.T) {
	c := command(t.TempDir(), nil, "bench", "loss", "--rows", "77", "--width", "16", "--workers", "1,2", "--rounds", "100000", "--warm", "0s")
	var out bytes.Buffer
	c.Stdout = &out
	pipe, err := c.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	r := bufio.NewReader(pipe)
	line, err := r.ReadString('\n')
	require.NoError(t, err)
	require.Regexp(t, `^sluice: loss on cpu/\w+: 2 workloads, rounds: 100000\n$`, line) // so it listens, and is far from done
	require.NoError(t, c.Process.Signal(syscall.SIGINT))
	said, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Error(t, c.Wait())
	require.Equal(t, 130, c.ProcessState.ExitCode(), string(said))
	require.Equal(t, "sluice: bench: interrupted\n", string(said))
	require.Empty(t, out.String())
}
