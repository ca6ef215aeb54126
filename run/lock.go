package run

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

// This file keeps two processes out of one run directory.

// InUseError is a run directory that a live process holds.
type InUseError struct {
	Dir string
	PID int // 0: not known
}

func (e *InUseError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("run: %s is in use by another process", e.Dir)
	}
	return fmt.Sprintf("run: %s is in use by process %d", e.Dir, e.PID)
}

const (
	lockName = "lock"
	// The number stands beside the lock: on Windows a locked file cannot be read.
	pidName = "lock.pid"
)

// lock takes a directory. The operating system lets go of it when the process dies, however it dies.
func lock(dir string) (*flock.Flock, error) {
	l := flock.New(filepath.Join(dir, lockName))
	ok, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("run: %s: cannot be locked: %w", dir, err)
	}
	if !ok {
		text, _ := os.ReadFile(filepath.Join(dir, pidName))
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		return nil, &InUseError{Dir: dir, PID: pid}
	}
	if err := writeText(filepath.Join(dir, pidName), strconv.Itoa(os.Getpid())+"\n"); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}
