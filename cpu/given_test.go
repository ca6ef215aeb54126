package cpu

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/nn"
)

// Lanes whose trajectories are all given run their networks on whole blocks, not step by step; which lanes do never shows. 16
// trajectories are two lanes, and several iterations show weights that were packed for an earlier one.
func TestGivenLanes(t *testing.T) {
	for name, given := range map[string]int{"none": 0, "some of a lane": 3, "a lane": 8, "a lane and some": 11, "all": 16} {
		hash := func(cfg Config, on tier) string {
			d, err := open[float32](cfg, on)
			require.NoError(t, err)
			defer d.Close()
			tr, err := gfn.New(gfn.Job{Device: d, World: world.Hypergrid(2, 8), LogReward: reward.Hypergrid{Side: 8, R0: .1, R1: .5, R2: 2},
				Balance: balance.TB{}, Net: nn.MLP{Hidden: []int{20, 20}}, Backward: gfn.Learned, Batch: 16, Seed: 1})
			require.NoError(t, err)
			list := make([][]int32, 16)
			for i := range given {
				for k := range i {
					list[i] = append(list[i], int32((i+k)%2))
				}
				list[i] = append(list[i][:min(i, 9)], 2)
			}
			for range 4 {
				_, err := tr.StepOn(list)
				require.NoError(t, err)
			}
			return tr.Policy().Hash()
		}
		want := hash(Config{Workers: 1}, tierGo)
		for _, on := range tiers() {
			require.Equal(t, want, hash(Config{Workers: 2}, on), "%s %v", name, on)
			require.Equal(t, want, hash(Config{Workers: 1, Chunk: 7, Memory: 1}, on), "%s %v, recomputed", name, on)
		}
	}
}
