package run

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// This file is how anything is written: to a temporary name, flushed to disk, then renamed. A crash leaves the old file or the new
// one, never a part.

// tempPrefix marks what a crash may leave behind; Open removes it.
const tempPrefix = ".tmp-"

// WriteFile replaces path by what write produces. On an error the old file is untouched and the new one is gone.
func WriteFile(path string, write func(io.Writer) error) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, tempPrefix+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("run: %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err = writeSynced(f, path, write); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("run: %s: %w", path, err)
	}
	return syncDir(dir)
}

// createFile writes a new file inside a directory that is itself still temporary.
func createFile(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("run: %s: %w", path, err)
	}
	return writeSynced(f, path, write)
}

// writeSynced writes, flushes and closes f; an error names path.
func writeSynced(f *os.File, path string, write func(io.Writer) error) error {
	err := write(fileWriter(f))
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("run: %s: %w", path, err)
	}
	return nil
}

// fileWriter is what every write goes through; tests put a disk that fills up in its place.
var fileWriter = func(f *os.File) io.Writer { return f }

func writeText(path, text string) error {
	return WriteFile(path, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}
