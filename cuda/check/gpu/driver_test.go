package gpu

import (
	"testing"

	"github.com/sluice-ml/sluice/cuda/driver/drivertest"
)

// The driver's calls do what package cuda relies on, on kernels of the test's own: where this fails, all else may.
func TestDriver(t *testing.T) {
	d, _ := card(t)
	if simulated {
		t.Skip("go test ./cuda/driver/... runs it there, by the interface and by libcuda's names")
	}
	drivertest.Test(t, d)
}
