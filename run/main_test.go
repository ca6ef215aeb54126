package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
)

// This file is what the tests share: a tiny run, and this test binary as a process that can be killed.

// childDir makes the test binary train into a directory instead of testing; childLimit forbids it files longer than so many bytes.
const (
	childDir   = "SLUICE_TEST_CHILD_DIR"
	childLimit = "SLUICE_TEST_CHILD_FILE_LIMIT"
)

func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		inMemory()
		os.Exit(m.Run())
	}
	err := limitFiles(os.Getenv(childLimit))
	if err == nil {
		err = childTrain(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// disk is where the tests' directories would be but for inMemory.
var disk string

// inMemory puts the tests' directories where a flush is free, unless TMPDIR says where they shall be: there are thousands of flushes,
// and what a killed process leaves behind is the same on a disk.
func inMemory() {
	disk = os.TempDir()
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err == nil && info.IsDir() && os.Getenv("TMPDIR") == "" {
		os.Setenv("TMPDIR", memory)
	}
}

// childTrain starts the run of dir or goes on with it, whichever is possible, as a user's script would.
func childTrain(dir string) error {
	fmt.Println("ready")
	l, err := startOrGoOn(dir, killed())
	if err != nil {
		return err
	}
	defer l.Dir.Close()
	_, err = l.Run(context.Background())
	return err
}

// killed is the run that is killed: a checkpoint after every iteration, so that most moments are in the middle of one; short, since each
// of them is flushed to disk.
func killed() Config { return tiny("checkpoint.every=1", "train.iterations=20", "eval.every=8") }

func startOrGoOn(dir string, c Config) (*Loop, error) {
	device := cpu.New(cpu.Config{Workers: 1})
	l, err := GoOn(dir, device, "")
	if !errors.Is(err, ErrNoRun) {
		return l, err
	}
	d, err := Create(dir, c)
	if err != nil {
		return nil, err
	}
	return &Loop{Dir: d, Config: c, Device: device}, nil
}

// tiny is a run of a few milliseconds with a checkpoint every other iteration.
func tiny(set ...string) Config {
	set = append([]string{"policy.hidden=[16]", "train.batch=16", "train.iterations=50", "eval.every=20", "metrics.every=5",
		"checkpoint.every=2", "world.side=5"}, set...)
	c, err := Parse("tiny", nil, set)
	if err != nil {
		panic(err) // a mistake in a test
	}
	return c
}

// watch calls a function after every iteration.
type watch func(Status)

func (w watch) See(s Status) { w(s) }

func (watch) Done() {}

// train runs c in a new directory to its end and returns the directory.
func train(t *testing.T, c Config) (string, *Evaluation) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	d, err := Create(dir, c)
	require.NoError(t, err)
	l := Loop{Dir: d, Config: c, Device: cpu.New(cpu.Config{Workers: 1})}
	e, err := l.Run(context.Background())
	require.NoError(t, err)
	require.NoError(t, d.Close())
	return dir, e
}

// stopAt runs c in a new directory and interrupts it after an iteration.
func stopAt(t *testing.T, c Config, iteration int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	d, err := Create(dir, c)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l := Loop{Dir: d, Config: c, Device: cpu.New(cpu.Config{Workers: 1}), Watch: watch(func(s Status) {
		if s.Iteration == iteration {
			cancel()
		}
	})}
	_, err = l.Run(ctx)
	require.ErrorIs(t, err, ErrInterrupted)
	require.EqualError(t, err, fmt.Sprintf("run: interrupted at iteration %d", iteration))
	require.NoError(t, d.Close())
	return dir
}

// goOn resumes a directory to its end.
func goOn(t *testing.T, dir, from string) (*Evaluation, error) {
	t.Helper()
	l, err := GoOn(dir, cpu.New(cpu.Config{Workers: 1}), from)
	if err != nil {
		return nil, err
	}
	defer l.Dir.Close()
	return l.Run(context.Background())
}

// timeless are a directory's metrics without the one key that is allowed to differ.
func timeless(t *testing.T, dir string) []Line {
	t.Helper()
	lines, err := ReadMetrics(dir)
	require.NoError(t, err)
	for i := range lines {
		lines[i].TrajPerSec = nil
	}
	return lines
}
