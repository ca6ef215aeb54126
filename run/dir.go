package run

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"
)

// This file is the run directory: who may write to it, and what lies where.

// ErrExists is a directory that already holds something.
var ErrExists = errors.New("run: the directory is not empty")

// ErrNoRun is a directory that holds no run.
var ErrNoRun = errors.New("run: no config.toml there, so no run")

// Dir is a run directory held by this process.
type Dir struct {
	Path string
	lock *flock.Flock
}

// Create makes a new run directory, or takes an empty one, and writes the config. A directory with anything in it is ErrExists.
func Create(path string, c Config) (*Dir, error) {
	text, err := c.Encode()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return leftover(e.Name()) })
	if len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(path, configName)); err == nil {
			return nil, fmt.Errorf("%w: %s; to go on with the run in it: sluice resume %s", ErrExists, path, path)
		}
		return nil, fmt.Errorf("%w: %s", ErrExists, path)
	}
	d, err := take(path)
	if err != nil {
		return nil, err
	}
	err = d.sweep()
	if err == nil {
		err = writeText(filepath.Join(path, configName), string(text))
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// leftover is whether a file may lie in a directory whose run was killed before it had a config.
func leftover(name string) bool {
	return name == lockName || name == pidName || strings.HasPrefix(name, tempPrefix)
}

// CreateNext is Create in the first of path, path-2, path-3, ... that does not exist yet.
func CreateNext(path string, c Config) (*Dir, error) {
	free, err := Reserve(path)
	if err != nil {
		return nil, err
	}
	return Create(free, c)
}

// Reserve makes the first of path, path-2, ... that does not exist. Mkdir decides, so two processes never get one directory.
func Reserve(path string) (string, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", fmt.Errorf("run: %w", err)
	}
	free := path
	for n := 2; ; n++ {
		err := os.Mkdir(free, 0o755)
		if err == nil {
			return free, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("run: %w", err)
		}
		free = fmt.Sprintf("%s-%d", path, n)
	}
}

// Open takes an existing run directory to go on with it, and reads its config.
func Open(path string) (*Dir, Config, error) {
	c, err := ReadConfig(path)
	if err != nil {
		return nil, c, err
	}
	d, err := take(path)
	if err != nil {
		return nil, c, err
	}
	if err := d.sweep(); err != nil {
		d.Close()
		return nil, c, err
	}
	return d, c, nil
}

// ReadConfig is the config of a run directory, which is left alone.
func ReadConfig(path string) (Config, error) {
	file := filepath.Join(path, configName)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Config{}, fmt.Errorf("%w: %s", ErrNoRun, path)
	} else if err != nil {
		return Config{}, fmt.Errorf("run: %w", err)
	}
	return Parse(file, text, nil)
}

const (
	configName      = "config.toml"
	manifestName    = "manifest.json"
	metricsName     = "metrics.jsonl"
	checkpointsName = "checkpoints"
	latestName      = "latest"
	plotsName       = "plots"
)

func take(path string) (*Dir, error) {
	l, err := lock(path)
	if err != nil {
		return nil, err
	}
	return &Dir{Path: path, lock: l}, nil
}

// Close lets go of the directory.
func (d *Dir) Close() error {
	// The number goes first: after Unlock it may already be someone else's.
	os.Remove(d.file(pidName))
	return d.lock.Close()
}

func (d *Dir) file(name string) string { return filepath.Join(d.Path, name) }

// sweep removes what a crash left half written.
func (d *Dir) sweep() error {
	for _, dir := range []string{d.Path, d.file(checkpointsName), d.file(plotsName)} {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return fmt.Errorf("run: %w", err)
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), tempPrefix) {
				if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
					return fmt.Errorf("run: %w", err)
				}
			}
		}
	}
	return nil
}

// write replaces a file of the directory.
func (d *Dir) write(name string, write func(io.Writer) error) error {
	return WriteFile(d.file(name), write)
}
