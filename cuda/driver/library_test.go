//go:build linux && !cu && !cuda && (amd64 || arm64)

package driver_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/driver/drivertest"
)

// Whatever this machine has, Lib says it in the words that callers know.
func TestLib(t *testing.T) {
	drv, err := driver.Lib()
	if err == nil {
		require.Equal(t, "libcuda (purego)", drv.Name())
		return
	}
	require.Nil(t, drv)
	var e *driver.Error
	known := errors.Is(err, driver.ErrNoDriver) || errors.Is(err, driver.ErrOldDriver) || errors.As(err, &e)
	require.True(t, known, "%v", err)
	again, err2 := driver.Lib()
	require.Nil(t, again)
	require.Equal(t, err, err2)
}

// Where there is a GPU, it keeps the promises too.
func TestThisMachine(t *testing.T) {
	drv, err := driver.Lib()
	if err != nil {
		t.Skip(err)
	}
	drivertest.Test(t, drv)
}

func TestNoLibrary(t *testing.T) {
	text := filepath.Join(t.TempDir(), "libcuda.so.1")
	require.NoError(t, os.WriteFile(text, []byte("no library"), 0o600))
	_, err := driver.OpenLibrary("/nowhere/libcuda.so.1", text)
	require.ErrorIs(t, err, driver.ErrNoDriver)
	require.ErrorContains(t, err, "/nowhere/libcuda.so.1")
	require.ErrorContains(t, err, text)
	require.NotContains(t, err.Error(), "\n")
}

func TestLibrariesThatWillNotDo(t *testing.T) {
	old := working()
	old.version, old.names = 9020, nil
	broken := working()
	broken.init = 999
	absent := working()
	absent.init = 100
	for _, c := range []struct {
		name string
		fake fake
		is   error
		says []string
	}{
		{"too old, and without what came later", old, driver.ErrOldDriver, []string{"9.2", "10.0"}},
		{"a name is missing", working().without("cuGraphLaunch"), nil, []string{"libfake.so", "no cuGraphLaunch"}},
		{"both names are missing", working().without("cuGraphInstantiateWithFlags"), nil,
			[]string{"no cuGraphInstantiateWithFlags or cuGraphInstantiate"}},
		{"no device", absent, driver.ErrNoDevice, []string{"cuInit", "CUDA_ERROR_NO_DEVICE (100)", "what it means"}},
		{"does not start", broken, nil, []string{"cuInit", "(999)", "what it means"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			drv, err := driver.OpenLibrary(c.fake.build(t))
			require.Error(t, err)
			require.Nil(t, drv)
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			}
			for _, word := range c.says {
				require.ErrorContains(t, err, word)
			}
		})
	}
}

// The first release that takes PTX 6.3 lacks three names, and is enough.
func TestOldestDriver(t *testing.T) {
	f := working()
	f.version, f.names = 10000, driver.Symbols(true)
	require.NotContains(t, f.names, "cuGraphInstantiateWithFlags")
	drv, c := f.open(t)
	v, err := drv.Version()
	require.NoError(t, err)
	require.Equal(t, 10000, v)
	require.NoError(t, c.BeginCapture(0))
	_, err = c.Instantiate(0)
	require.NoError(t, err)
	require.NoError(t, c.Close())
}

func TestDriverWithoutDevices(t *testing.T) {
	f := working()
	f.count = 0
	drv, err := driver.OpenLibrary(f.build(t))
	require.NoError(t, err)
	_, err = drv.Devices()
	require.ErrorIs(t, err, driver.ErrNoDevice)
}
