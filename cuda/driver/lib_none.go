//go:build !((linux || windows) && (amd64 || arm64))

package driver

import (
	"fmt"
	"runtime"
)

// Lib is NVIDIA's driver, which this platform does not have.
func Lib() (Driver, error) {
	return nil, fmt.Errorf("%w: NVIDIA makes none for %s/%s that could be used here", ErrNoDriver, runtime.GOOS, runtime.GOARCH)
}
