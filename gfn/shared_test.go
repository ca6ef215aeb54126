package gfn_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/nn"
)

// Where layers are wide, workers compute one lane's products together: a batch of eight is one lane, one of 24 three for two workers.
func TestHashOfSharedProducts(t *testing.T) {
	for _, batch := range []int{8, 24} {
		job := func(tier string, workers int) string {
			t.Setenv("SLUICE_CPU", tier)
			d, err := cpu.Open(cpu.Config{Workers: workers})
			require.NoError(t, err)
			defer d.Close()
			j := grid8(1, balance.TB{}, gfn.Learned)
			j.Device, j.Batch, j.Iterations, j.Net = d, batch, 8, nn.MLP{Hidden: []int{256, 200}}
			return train(t, j)
		}
		want := job("go", 1)
		for _, workers := range []int{1, 2, 3} {
			for range 3 { // who takes what differs from run to run
				require.Equal(t, want, job("", workers), "batch %d, %d workers", batch, workers)
			}
		}
	}
}
