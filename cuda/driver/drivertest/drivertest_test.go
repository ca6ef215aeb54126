package drivertest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/driver/drivertest"
	"github.com/sluice-ml/sluice/cuda/sim"
)

func TestSimulator(t *testing.T) {
	drv := sim.Driver(sim.Config{})
	drivertest.Test(t, drv)
	t.Run("lazy", func(t *testing.T) { drivertest.Lazy(t, drv) })
	t.Run("fault", func(t *testing.T) { drivertest.Fault(t, drv) })
}

// kernels.ptx is what its source's first lines say.
func TestKernelsAreTheirSource(t *testing.T) {
	clang, err := exec.LookPath("clang-19")
	if err != nil {
		t.Skip("no clang-19 here:", err)
	}
	out := filepath.Join(t.TempDir(), "kernels.ptx")
	said, err := exec.Command(clang, "-x", "cuda", "kernels.cu", "--cuda-device-only", "--cuda-gpu-arch=sm_70", "--cuda-feature=+ptx63",
		"-nocudainc", "-nocudalib", "-O3", "-ffp-contract=off", "-S", "-o", out).CombinedOutput()
	require.NoError(t, err, "%s", said)
	want, err := os.ReadFile(out)
	require.NoError(t, err)
	got, err := os.ReadFile("kernels.ptx")
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}
