//go:build amd64 && !noasm

package cpu

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/nn"
	"github.com/sluice-ml/sluice/nn/optim"
	"github.com/sluice-ml/sluice/testdata"
)

// TestGoldenOnAVX512 trains on the AVX-512 kernels that ship, on the processor or in asmsim, and must print the committed hashes. The
// second one is 0.6 GFLOP, which takes the interpreter its seconds.
func TestGoldenOnAVX512(t *testing.T) {
	simulateAVX512(t)
	d, err := open[float32](Config{Workers: 2}, tierAVX512)
	require.NoError(t, err)
	defer d.Close()
	rates := map[string]optim.Schedule{optim.Policy: optim.Steps(1e-3, 800, 1e-4), optim.LogZ: optim.Steps(1e-1, 800, 1e-2)}
	j := gfn.Job{Device: d, World: world.Hypergrid(2, 8), LogReward: reward.Hypergrid{Side: 8, R0: .1, R1: .5, R2: 2},
		Balance: balance.TB{}, Net: nn.MLP{Hidden: []int{32, 32}}, Backward: gfn.Learned, Batch: 16, Iterations: 20, Seed: 1,
		Optim: optim.Adam{Rates: rates}}
	p, err := gfn.Train(context.Background(), j)
	require.NoError(t, err)
	require.Equal(t, committed(t, "tb-learned-20"), p.Hash())
	if testing.Short() {
		return
	}
	j.Net, j.Batch, j.Iterations, j.Explore = nn.MLP{Hidden: []int{128, 128}}, 32, 50, optim.Linear(.2, 0, 25)
	p, err = gfn.Train(context.Background(), j)
	require.NoError(t, err)
	require.Equal(t, committed(t, "tb-learned-50"), p.Hash())
}

// committed is a line of testdata/hashes.txt; the settings are those of gfn/hash_test.go.
func committed(t *testing.T, name string) string {
	hash, ok := testdata.Hashes()[name]
	require.True(t, ok)
	return hash
}
