package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// openTerminal is both ends of a new terminal.
func openTerminal(t *testing.T, width int) (ours, theirs *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	t.Cleanup(func() { ours.Close() })
	fd := int(ours.Fd())
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(width)}))
	theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	return ours, theirs
}

var escape = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")

// TestTerminal: on a terminal there is one progress line, which is written over and never as wide as the terminal.
func TestTerminal(t *testing.T) {
	widths := []int{80, 30, 120}
	if testing.Short() {
		widths = widths[:1]
	}
	for _, width := range widths {
		dir := t.TempDir()
		ours, theirs := openTerminal(t, width)
		c := command(dir, []string{"TERM=xterm", "NO_COLOR="}, tiny("--set", "train.iterations=2000", "--set", "eval.every=500", "--out", "run")...)
		var out bytes.Buffer
		c.Stdout, c.Stderr = &out, theirs
		require.NoError(t, c.Start())
		require.NoError(t, theirs.Close())
		var b bytes.Buffer
		_, _ = io.Copy(&b, ours) // ends with an error when the other end is closed
		require.NoError(t, c.Wait(), b.String())

		lines := strings.Split(strings.TrimRight(strings.ReplaceAll(b.String(), "\r\n", "\n"), "\n"), "\n")
		require.Len(t, lines, 4, "what starts, the progress, two pictures: %q", lines)
		require.Contains(t, lines[1], "\x1b[", "colour, and a line that is cleared to its end")
		shown := strings.Split(strings.TrimPrefix(escape.ReplaceAllString(lines[1], ""), "\r"), "\r")
		require.Greater(t, len(shown), 1)
		for _, s := range shown {
			require.Less(t, utf8.RuneCountInString(s), width, "%q", s)
		}
		last := shown[len(shown)-1]
		require.True(t, strings.HasPrefix(last, "2000/2000"), last)
		if width >= 80 {
			require.Regexp(t, `^2000/2000(  ━+)?  loss \S+  log Z \d\.\d{3}/1\.504  TV 0\.\d{4}  \S+ traj/s  0:00 left$`, last)
		}
		require.Contains(t, out.String(), "total variation")
	}
}
