//go:build linux && !cu && !cuda && (amd64 || arm64)

package driver_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/driver/drivertest"
)

// The loading binding on the simulator as libcuda.so.1: every call by NVIDIA's interface. Building that library takes some seconds.
func TestLibsim(t *testing.T) {
	drv, err := driver.OpenLibrary(buildLibsim(t))
	require.NoError(t, err)
	require.Equal(t, "libcuda (purego)", drv.Name())
	drivertest.Test(t, drv)
	t.Run("lazy", func(t *testing.T) { drivertest.Lazy(t, drv) })
	t.Run("fault", func(t *testing.T) { drivertest.Fault(t, drv) })
}

// buildLibsim builds package libsim as a driver and as cuBLAS, or skips where it cannot.
func buildLibsim(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("building the simulator as a library takes some seconds")
	}
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "gcc"
	}
	for _, tool := range []string{cc, "go"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("the simulator cannot be built as a library here:", err)
		}
	}
	dir := t.TempDir()
	library := filepath.Join(dir, "libcuda.so.1")
	build := exec.Command("go", "build", "-tags", "libsim", "-buildmode=c-shared", "-o", library, "./libsim")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	blas := filepath.Join(dir, "libcublas.so.12")
	require.NoError(t, os.Symlink(library, blas))
	t.Cleanup(driver.SetBLAS(filepath.Join(dir, "libcublas.so.13"), blas))
	return library
}

// Without cuBLAS there is an error to tell by, and the rest works.
func TestNoBLAS(t *testing.T) {
	f := working()
	_, c := f.open(t)
	t.Cleanup(driver.SetBLAS("/nowhere/libcublas.so.12"))
	_, err := c.BLAS()
	require.ErrorIs(t, err, driver.ErrNoBLAS)
	require.ErrorContains(t, err, "/nowhere/libcublas.so.12")

	f.names = driver.BLASSymbols()[:3]
	driver.SetBLAS(f.build(t))
	_, err = c.BLAS()
	require.ErrorIs(t, err, driver.ErrNoBLAS)
	require.ErrorContains(t, err, driver.BLASSymbols()[3])
	require.False(t, errors.Is(err, driver.ErrNoDriver))
}
