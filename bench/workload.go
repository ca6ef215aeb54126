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
	Embed   int    // of the loss path: width of a layer before the two hidden ones, which makes their input dense; 0 is none
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
		name = fmt.Sprintf("%s/tb/hypergrid-20x4/", w.Kind)
		if w.Embed > 0 {
			name += fmt.Sprintf("embed=%d/", w.Embed)
		}
		name += fmt.Sprintf("width=%d/rows=%d/workers=%d", w.Width, w.Batch*LongestRows, w.Workers)
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

// Hidden is the widths of the torso's layers.
func (w Workload) Hidden() []int {
	if w.Embed > 0 {
		return []int{w.Embed, w.Width, w.Width}
	}
	return []int{w.Width, w.Width}
}

// Job is trajectory balance on the 20^4 hypergrid (easy), a torso of hidden layers, learned P_B on it, epsilon .1.
func Job(dev graph.Device, batch int, hidden ...int) gfn.Job {
	return gfn.Job{Device: dev, World: world.Hypergrid(Dim, Side), LogReward: reward.HypergridEasy(Side), Balance: balance.TB{},
		Net: nn.MLP{Hidden: hidden}, Backward: gfn.Learned, Batch: batch, Iterations: 1 << 30, Seed: 1,
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

// RowFLOPs is the useful arithmetic of one row, forward and backward, for a torso of hidden layers: a dense product counts 2 an element
// forward and 4 backward; the first layer is a gather of Dim rows and counts as the additions it does.
func RowFLOPs(hidden ...int) float64 {
	gather, dense := flops(hidden)
	return 2*gather + 3*dense
}

// ForwardFLOPs is the forward part of RowFLOPs.
func ForwardFLOPs(hidden ...int) float64 {
	gather, dense := flops(hidden)
	return gather + dense
}

func flops(hidden []int) (gather, dense float64) {
	for i, n := range hidden[1:] {
		dense += 2 * float64(hidden[i]) * float64(n)
	}
	return Dim * float64(hidden[0]), dense + 2*float64(hidden[len(hidden)-1])*(Dim+1+Dim)
}
