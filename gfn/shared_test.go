package gfn_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/nn"
)

// Where layers are wide and rows many, workers compute one lane's products together: eight trajectories of fifteen steps are one lane of
// 120 rows, 24 are three for two workers.
func TestHashOfSharedProducts(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4)) // a device of more workers than processors shares nothing
	for _, batch := range []int{8, 24} {
		given := make([][]int32, batch)
		for i := range given {
			for k := range 14 { // seven steps along each axis, in some order
				given[i] = append(given[i], int32(k+i)%2)
			}
			given[i] = append(given[i], 2)
		}
		job := func(tier string, workers int) string {
			t.Setenv("SLUICE_CPU", tier)
			d, err := cpu.Open(cpu.Config{Workers: workers})
			require.NoError(t, err)
			defer d.Close()
			j := grid8(1, balance.TB{}, gfn.Learned)
			j.Device, j.Batch, j.Net = d, batch, nn.MLP{Hidden: []int{256, 200}}
			tr, err := gfn.New(j)
			require.NoError(t, err)
			defer tr.Close()
			for range 3 {
				_, err := tr.StepOn(given)
				require.NoError(t, err)
			}
			return tr.Policy().Hash()
		}
		want := job("go", 1)
		for _, workers := range []int{1, 2, 3} {
			for range 3 { // who takes what differs from run to run
				require.Equal(t, want, job("", workers), "batch %d, %d workers", batch, workers)
			}
		}
	}
}
