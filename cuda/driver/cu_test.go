//go:build linux && (cu || cuda) && (amd64 || arm64)

package driver_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/driver/drivertest"
)

// The linked binding on whatever libcuda the program was started with: tagged.sh starts it with the simulator.
func TestLinked(t *testing.T) {
	drv, err := driver.Lib()
	require.NoError(t, err)
	require.Equal(t, "libcuda (gorgonia.org/cu)", drv.Name())
	drivertest.Test(t, drv)
	if os.Getenv("LIBSIM") == "" {
		return // a GPU, that others may be using
	}
	t.Run("lazy", func(t *testing.T) { drivertest.Lazy(t, drv) })
	t.Run("fault", func(t *testing.T) { drivertest.Fault(t, drv) })
}
