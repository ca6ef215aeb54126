package driver_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/driver"
)

// CUDA 10.0 is the first that takes PTX 6.3.
func TestCheckVersion(t *testing.T) {
	require.NoError(t, driver.CheckVersion(10000))
	require.NoError(t, driver.CheckVersion(13010))
	err := driver.CheckVersion(9020)
	require.ErrorIs(t, err, driver.ErrOldDriver)
	require.EqualError(t, err, "cuda: the NVIDIA driver is too old: it knows CUDA 9.2, the kernels need 10.0")
	require.Equal(t, "12.4", driver.Release(12040))
}
