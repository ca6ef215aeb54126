package bench

import (
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/nn"
	"github.com/sluice-ml/sluice/nn/optim"
	"github.com/sluice-ml/sluice/rng"
)

// Dim and Side are the hypergrid every workload runs on: 20^4 cells, the longest trajectory 77 steps.
const (
	Dim  = 4
	Side = 20
)

// Job is trajectory balance on the 20^4 hypergrid (easy), two hidden layers of width, learned P_B on the shared torso, epsilon .1.
func Job(dev graph.Device, batch, width int) gfn.Job {
	return gfn.Job{Device: dev, World: world.Hypergrid(Dim, Side), LogReward: reward.HypergridEasy(Side), Balance: balance.TB{},
		Net: nn.MLP{Hidden: []int{width, width}}, Backward: gfn.Learned, Batch: batch, Iterations: 1 << 30, Seed: 1,
		Explore: optim.Constant(.1)}
}

// LongestRows is the number of rows of the longest trajectory.
const LongestRows = Dim*(Side-1) + 1

// Longest returns n trajectories of 77 rows: the axes in a random order, each to its end, then stop. Rows come in multiples of 77.
func Longest(n int) [][]int32 {
	key := rng.NewKey(1)
	out := make([][]int32, n)
	for i := range out {
		left := [Dim]int32{}
		for k := range left {
			left[k] = Side - 1
		}
		for step := range LongestRows - 1 {
			total := int32(LongestRows - 1 - step)
			u := key.Block(rng.Counter(uint32(i), uint32(step), 0, rng.Data, 0))[0]
			pick := int32(uint64(u) * uint64(total) >> 32)
			for k := range left {
				if pick < left[k] {
					left[k]--
					out[i] = append(out[i], int32(k))
					break
				}
				pick -= left[k]
			}
		}
		out[i] = append(out[i], Dim)
	}
	return out
}

// RowFLOPs is the useful arithmetic of one row, forward and backward, for two hidden layers of width: the dense products count 2 an
// element forward and 4 backward; the first layer is a gather of Dim rows and counts as the additions it does.
func RowFLOPs(width int) float64 {
	w := float64(width)
	actions, back := float64(Dim+1), float64(Dim)
	forward := Dim*w + 2*w*w + 2*w*(actions+back)
	return forward + 2*(2*w*w+2*w*(actions+back)) + Dim*w
}
