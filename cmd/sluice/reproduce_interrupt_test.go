//go:build unix

package main

import (
	"regexp"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReproduceInterrupt: Ctrl-C ends with 130 and the way that goes on where it stopped, which may be stopped again. What is trained
// is the real thing, of which a second is seen.
func TestReproduceInterrupt(t *testing.T) {
	dir := t.TempDir()
	at := "0"
	for _, args := range [][]string{{"--seeds", "2"}, {"--seeds", "2", "--out", "runs/reproduce-published-20x4"}} {
		c, end := begin(t, dir, append([]string{"reproduce", "published-20x4", "--device", "cpu"}, args...)...)
		require.NoError(t, c.Process.Signal(syscall.SIGINT))
		said := end()
		require.Equal(t, 130, c.ProcessState.ExitCode(), said)
		if at != "0" {
			require.Contains(t, said, "sluice: runs/reproduce-published-20x4/seed-2 goes on at iteration "+at+" of 62500 on cpu/")
		}
		const how = `\nsluice: published-20x4: seed 2: run: interrupted at iteration (\d+); to go on: ` +
			`sluice reproduce published-20x4 --out runs/reproduce-published-20x4, with the same flags; what is finished is kept\n$`
		found := regexp.MustCompile(how).FindStringSubmatch(said)
		require.NotNil(t, found, said)
		at = found[1]
	}
}
