package gfn_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/nn"
	"github.com/sluice-ml/sluice/nn/optim"
)

// grid8 is the 8x8 hypergrid with R0=.1 R1=.5 R2=2 at the settings of the published runs: batch 32, 1,000 iterations, rate 1e-3 and
// 1e-1 for log Z, a tenth of both in the last fifth.
func grid8(seed uint64, b balance.Balance, back gfn.Backward) gfn.Job {
	return gfn.Job{Device: cpu.New(cpu.Config{}), World: world.Hypergrid(2, 8), LogReward: reward.Hypergrid{Side: 8, R0: .1, R1: .5, R2: 2},
		Balance: b, Net: nn.MLP{Hidden: []int{128, 128}}, Backward: back, Batch: 32, Iterations: 1000, Seed: seed,
		Optim: optim.Adam{Rates: map[string]optim.Schedule{"policy": optim.Steps(1e-3, 800, 1e-4), "log_z": optim.Steps(1e-1, 800, 1e-2)}}}
}

// grid8LogZ is log(R0·8² + R1·4² + R2·2²) = log(6.4 + 8 + 8): 4 cells an axis lie in the outer region, 2 in the band.
const grid8LogZ = 3.109061

// TestGate takes its seconds: it is twelve trainings of 32,000 trajectories, three with -short.
func TestGate(t *testing.T) {
	seeds := uint64(3)
	if testing.Short() {
		seeds = 1
	}
	for _, c := range []struct {
		name     string
		balance  balance.Balance
		backward gfn.Backward
		tv       float64
		logZ     bool
	}{
		{"tb", balance.TB{}, gfn.Uniform, .005, true},
		{"tb-learned", balance.TB{}, gfn.Learned, .005, true},
		{"vargrad", balance.VarGrad{}, gfn.Uniform, .005, false},
		{"db", balance.DB{}, gfn.Uniform, .02, false},
	} {
		for seed := uint64(1); seed <= seeds; seed++ {
			t.Run(fmt.Sprintf("%s/seed=%d", c.name, seed), func(t *testing.T) {
				start := time.Now()
				p, err := gfn.Train(context.Background(), grid8(seed, c.balance, c.backward))
				require.NoError(t, err)
				e, err := p.Exact()
				require.NoError(t, err)
				t.Logf("TV %.5f log Z %.5f (true %.6f) %v", e.TV, e.LogZ, e.LogZTrue, time.Since(start).Round(time.Millisecond))
				require.InDelta(t, grid8LogZ, e.LogZTrue, 1e-6)
				require.Less(t, e.TV, c.tv)
				if c.logZ {
					require.Less(t, math.Abs(e.LogZError), .01)
				}
			})
		}
	}
}
