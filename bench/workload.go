package bench

import (
	"fmt"

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

// Kind is what a workload times.
type Kind string

// The kinds, in the order they are measured.
const (
	Loss      Kind = "loss"      // forward, sums, loss, gradient and update on given trajectories; nothing is drawn
	Iteration Kind = "iteration" // all of it: trajectories are drawn, then trained on
	Rollout   Kind = "rollout"   // drawing alone: Policy.Sample
	GEMM      Kind = "gemm"      // one matrix product on one thread
)

// Kinds lists them.
var Kinds = []Kind{Loss, Iteration, Rollout, GEMM}

// Workload is one thing to time. What its kind does not have is zero.
type Workload struct {
	Kind    Kind
	Policy  Policy // of iterations and rollouts
	Batch   int    // trajectories; of the loss path, given ones of LongestRows rows each
	Width   int    // of both hidden layers
	Workers int
	Tier    string // value of SLUICE_CPU; empty is the machine's best
	Product Product
}

// Product is a matrix product: m x k times k x n, the first or second operand stored transposed.
type Product struct {
	TA, TB  bool
	M, K, N int
}

// Name is the workload as a benchmark's name, without spaces.
func (w Workload) Name() string {
	switch name := ""; w.Kind {
	case GEMM:
		return fmt.Sprintf("%s/%s", w.Kind, w.Product)
	case Loss:
		name = fmt.Sprintf("%s/tb/hypergrid-20x4/width=%d/rows=%d/workers=%d", w.Kind, w.Width, w.Batch*LongestRows, w.Workers)
		if w.Tier != "" {
			name += "/" + w.Tier
		}
		return name
	default:
		return fmt.Sprintf("%s/tb/hypergrid-20x4/%s/width=%d/batch=%d/workers=%d", w.Kind, w.Policy, w.Width, w.Batch, w.Workers)
	}
}

// String is the product as the literature writes it: nn, nt or tn, then m x k x n.
func (p Product) String() string {
	op := [2]byte{'n', 'n'}
	for i, t := range []bool{p.TA, p.TB} {
		if t {
			op[i] = 't'
		}
	}
	return fmt.Sprintf("%s/%dx%dx%d", op[:], p.M, p.K, p.N)
}

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
	return ForwardFLOPs(width) + 2*(2*w*w+2*w*(actions+back)) + Dim*w
}

// ForwardFLOPs is the forward part of RowFLOPs.
func ForwardFLOPs(width int) float64 {
	w := float64(width)
	actions, back := float64(Dim+1), float64(Dim)
	return Dim*w + 2*w*w + 2*w*(actions+back)
}
