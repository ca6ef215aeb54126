//go:build unix

package run

import (
	"bufio"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
)

// child is this test binary training in a directory.
func child(dir string) *exec.Cmd {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childDir+"="+dir)
	c.Stderr = os.Stderr
	return c
}

// TestKilledRunsResume kills a training process with SIGKILL at random moments, 50 times (5 with -short), and resumes: every run ends
// with the hash and the metrics of the one that was left alone. The run writes a checkpoint every iteration, so that
// many kills hit one half written; every fifth kill is aimed at that, and every fifth comes at any moment from the start of the process.
// It takes its seconds for starting 50 processes that each write dozens of checkpoints, twice.
func TestKilledRunsResume(t *testing.T) {
	c := killed()
	whole, want := train(t, c)
	lines := timeless(t, whole)

	// How long a run takes here, so that kills fall inside it.
	begin := time.Now()
	first := child(filepath.Join(onDisk(t), "run"))
	begun, err := ready(first)
	require.NoError(t, err)
	startup := begun.Sub(begin)
	require.NoError(t, first.Wait())
	training := time.Since(begun)

	rounds := 50
	if testing.Short() {
		rounds = 5
	}
	var killed, halves atomic.Int32
	random := rand.New(rand.NewPCG(1, 2))
	t.Run("rounds", func(t *testing.T) {
		for round := range rounds {
			early, aimed, moment := round%5 == 4, round%5 == 3, random.Float64()
			t.Run("", func(t *testing.T) {
				t.Parallel() // disks are waited for most of the time
				dir := filepath.Join(onDisk(t), "run")
				p := child(dir)
				if early {
					require.NoError(t, p.Start())
					time.Sleep(time.Duration(moment * float64(startup)))
				} else {
					_, err := ready(p)
					require.NoError(t, err)
					time.Sleep(time.Duration(moment * float64(training) * .7))
					for end := time.Now().Add(training); aimed && len(half(t, dir)) == 0 && time.Now().Before(end); {
						// The next checkpoint is not long in coming.
					}
				}
				require.NoError(t, p.Process.Kill())
				p.Wait()
				if p.ProcessState.Sys().(syscall.WaitStatus).Signaled() {
					killed.Add(1)
				}
				halves.Add(int32(len(half(t, dir))))
				l, err := startOrGoOn(dir, c)
				require.NoError(t, err)
				at := l.At()
				e, err := l.Run(t.Context())
				require.NoError(t, err, "resumed at %d", at)
				require.NoError(t, l.Dir.Close())
				require.Equal(t, want.ParamsHash, e.ParamsHash, "resumed at %d", at)
				require.Equal(t, lines, timeless(t, dir), "resumed at %d", at)
				require.NoError(t, filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
					require.NotContains(t, filepath.Base(path), tempPrefix)
					return err
				}))
			})
		}
	})
	require.Greater(t, int(killed.Load()), rounds/3, "kills came in time")
	t.Logf("%d of %d kills came in time, %d left a checkpoint half written", killed.Load(), rounds, halves.Load())
}

// onDisk is a directory where a flush takes its time, so that a kill often falls into one; see inMemory.
func onDisk(t *testing.T) string {
	dir, err := os.MkdirTemp(disk, "sluice-kill-*")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// half are the checkpoints of a run that are being written, or were when it was killed.
func half(t *testing.T, dir string) []string {
	found, err := filepath.Glob(filepath.Join(dir, checkpointsName, tempPrefix+"*"))
	require.NoError(t, err)
	return found
}

// limitFiles makes every longer file fail to be written in this process, as on a disk that is full.
func limitFiles(bytes string) error {
	if bytes == "" {
		return nil
	}
	n, err := strconv.ParseUint(bytes, 10, 64)
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ) // by default it ends the process; ignored, write returns EFBIG
	limit := syscall.Rlimit{Cur: n, Max: n}
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}

// TestFileLimit trains in a process that may write no file as long as a checkpoint's: it fails and names the file, what was there
// before survives, and without the limit the run goes on to the same bits.
func TestFileLimit(t *testing.T) {
	c := killed()
	_, want := train(t, c)
	dir := stopAt(t, c, 10)
	p := exec.Command(os.Args[0])
	p.Env = append(os.Environ(), childDir+"="+dir, childLimit+"=1500")
	out, err := p.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "checkpoints/step-00000011/optim.safetensors: ")
	require.Contains(t, string(out), syscall.EFBIG.Error())
	e, err := Judge(dir, cpu.New(cpu.Config{}))
	require.NoError(t, err)
	require.Equal(t, 10, e.Iteration)
	e, err = goOn(t, dir, "")
	require.NoError(t, err)
	require.Equal(t, want.ParamsHash, e.ParamsHash)
}

// ready starts a child and waits until it trains.
func ready(c *exec.Cmd) (time.Time, error) {
	out, err := c.StdoutPipe()
	if err != nil {
		return time.Time{}, err
	}
	if err := c.Start(); err != nil {
		return time.Time{}, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err == nil && strings.TrimSpace(line) != "ready" {
		err = &exec.Error{Name: line, Err: exec.ErrNotFound}
	}
	return time.Now(), err
}

// TestLiveProcessHoldsItsDirectory asks another process's directory for itself.
func TestLiveProcessHoldsItsDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	p := child(dir)
	_, err := ready(p)
	require.NoError(t, err)
	require.NoError(t, p.Process.Signal(syscall.SIGSTOP), "alive, and not finished before it is asked")
	for deadline := time.Now().Add(10 * time.Second); ; {
		_, err = goOn(t, dir, "")
		if !errors.Is(err, ErrNoRun) || time.Now().After(deadline) {
			break
		}
		// Stopped before it had its directory: let it go on a little.
		require.NoError(t, p.Process.Signal(syscall.SIGCONT))
		time.Sleep(time.Millisecond)
		require.NoError(t, p.Process.Signal(syscall.SIGSTOP))
	}
	busy, ok := err.(*InUseError)
	require.True(t, ok, "%v", err)
	require.Equal(t, p.Process.Pid, busy.PID)
	require.NoError(t, p.Process.Kill())
	p.Wait()
	_, err = goOn(t, dir, "")
	require.NoError(t, err, "the lock dies with its process")
}
