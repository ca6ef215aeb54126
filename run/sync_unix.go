//go:build !windows

package run

import (
	"errors"
	"fmt"
	"os"
)

// syncDir makes renames and removals in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("run: %s: %w", dir, err)
	}
	return nil
}
