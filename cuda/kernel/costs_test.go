package kernel_test

import (
	"flag"
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// This file is what each kernel costs, counted by the simulator on one shape: the 20^4 hypergrid, two hidden layers of 256, heads of 5
// and 4, two lanes as large as a batch of 4,096 has 32 of. A kernel that does more work than it did shows here without a GPU.

var updateCosts = flag.Bool("update-costs", false, "rewrite testdata/costs.txt")

const (
	costLanes = 2
	stepRows  = 128  // of a lane in a step of the rollout
	pieceRows = 256  // of a lane in a launch of Backward
	hidden    = 256  // width
	heads     = 5    // forward; backward has 4
	wide      = 64   // actions where a warp has a row
	costBatch = 4096 // trajectories, where lanes do not matter
	costSize  = 88841
)

// cost is a launch that is counted.
type cost struct {
	id    kernel.ID
	shape string
	rows  int // or elements, or trajectories
	run   func(r *rig) kernel.Grid
}

func even(rows int) layout {
	return layout{lo: []int{0, 0}, n: []int{rows, rows}, cap: rows, longest: rows}
}

// measured launches with an empty set of counters.
func measured[A any](r *rig, k kernel.ID, g kernel.Grid, a A) kernel.Grid {
	r.m.ResetCounters()
	run(r, k, g, a)
	return g
}

// tileOf is the tile and the threads of a product's kernel.
var tileOf = map[kernel.ID][3]int{kernel.Linear128x64: {128, 64, 128}, kernel.Linear64x64: {64, 64, 64}, kernel.LinearAny: {64, 64, 256},
	kernel.LinearFew: {16, 64, 256}, kernel.LinearBack128x64: {128, 64, 128}, kernel.LinearBack64x64: {64, 64, 64},
	kernel.LinearBackAny: {64, 64, 256}, kernel.LinearGrad128x64: {128, 64, 128}, kernel.LinearGrad64x64: {64, 64, 64},
	kernel.LinearGradAny: {64, 64, 256}}

func productGrid(id kernel.ID, m, n int, bias bool) kernel.Grid {
	s := tileOf[id]
	g := kernel.Grid{X: (m + s[0] - 1) / s[0] * ((n + s[1] - 1) / s[1]), Y: costLanes, Threads: s[2]}
	if bias {
		g.X += (n + s[2] - 1) / s[2]
	}
	return g
}

// abreast launches instructions that share a launch. Its grid has the blocks of all of them.
func abreast[A any](r *rig, launch func(*A) (kernel.ID, kernel.Grid), list ...A) kernel.Grid {
	k, g, n := kernel.Together(list, launch)
	require.Equal(r.t, len(list), n)
	r.m.ResetCounters()
	together(r, k, g, n, list...)
	g.X *= n
	return g
}

func linearArgs(r *rig, rows, k, n int) kernel.LinearArgs {
	l := even(rows)
	return kernel.LinearArgs{Span: l.span(r, true), Out: r.matrix(l, n, n, false).Val, A: r.matrix(l, k, k, false).Val,
		W: up(r, r.floats(k*n)), Bias: up(r, r.floats(n)), K: int32(k), N: int32(n), Act: int32(graph.ReLU)}
}

func linearCost(id kernel.ID, rows, k, n int) cost {
	return cost{id, fmt.Sprintf("%dx%d", k, n), costLanes * rows, func(r *rig) kernel.Grid {
		return measured(r, id, productGrid(id, rows, n, false), linearArgs(r, rows, k, n))
	}}
}

func backArgs(r *rig, k, n int) kernel.LinearBackArgs {
	l := even(pieceRows)
	return kernel.LinearBackArgs{Span: l.span(r, false), Out: r.matrix(l, k, k, true).Val, A: r.matrix(l, n, n, true).Val,
		Gate: r.matrix(l, k, k, false).Val, W: up(r, r.floats(k*n)), K: int32(k), N: int32(n)}
}

func backCost(id kernel.ID, k, n int) cost {
	return cost{id, fmt.Sprintf("%dx%d", k, n), costLanes * pieceRows, func(r *rig) kernel.Grid {
		return measured(r, id, productGrid(id, pieceRows, k, false), backArgs(r, k, n))
	}}
}

func gradArgs(r *rig, k, n int) kernel.LinearGradArgs {
	l, size := even(pieceRows), k*n+n
	grads := up(r, r.floats(costLanes*size))
	return kernel.LinearGradArgs{Span: l.span(r, false), A: r.matrix(l, k, k, false).Val, D: r.matrix(l, n, n, true).Val,
		Out: grads, Bias: grads + uint64(4*k*n), K: int32(k), N: int32(n), GradLen: int32(size)}
}

func gradCost(id kernel.ID, k, n int) cost {
	return cost{id, fmt.Sprintf("%dx%d", k, n), costLanes * pieceRows, func(r *rig) kernel.Grid {
		return measured(r, id, productGrid(id, k, n, true), gradArgs(r, k, n))
	}}
}

// headsCost is a kernel that does both heads at once, n[0] and n[1] wide.
func headsCost(id kernel.ID, n ...int) cost {
	shape := fmt.Sprintf("%dx%d+%dx%d", hidden, n[0], hidden, n[1])
	switch id {
	case kernel.LinearNarrow:
		return cost{id, shape, costLanes * stepRows, func(r *rig) kernel.Grid {
			return abreast(r, (*kernel.LinearArgs).Launch, linearArgs(r, stepRows, hidden, n[0]), linearArgs(r, stepRows, hidden, n[1]))
		}}
	case kernel.LinearGradNarrow:
		return cost{id, shape, costLanes * pieceRows, func(r *rig) kernel.Grid {
			return abreast(r, (*kernel.LinearGradArgs).Launch, gradArgs(r, hidden, n[0]), gradArgs(r, hidden, n[1]))
		}}
	case kernel.LinearBackNarrow:
		return cost{id, shape, costLanes * pieceRows, func(r *rig) kernel.Grid {
			a, b := backArgs(r, hidden, n[0]), backArgs(r, hidden, n[1])
			a.Gate, b.Acc, b.Out = kernel.Val{}, 1, a.Out
			_, g := a.Launch()
			r.m.ResetCounters()
			together(r, id, g, 1, a, b)
			return g
		}}
	case kernel.LogProb:
		return cost{id, fmt.Sprintf("%d+%d", n[0], n[1]), costLanes * pieceRows, func(r *rig) kernel.Grid {
			return abreast(r, (*kernel.LogProbArgs).Launch, softmaxArgs(r, n[0], false), softmaxArgs(r, n[1], false))
		}}
	default:
		return cost{id, fmt.Sprintf("%d+%d", n[0], n[1]), costLanes * pieceRows, func(r *rig) kernel.Grid {
			return abreast(r, (*kernel.LogProbArgs).LaunchBack, softmaxArgs(r, n[0], true), softmaxArgs(r, n[1], true))
		}}
	}
}

func gatherCost(id kernel.ID, perThread int) cost {
	return cost{id, "4x256", costLanes * stepRows, func(r *rig) kernel.Grid {
		l := even(stepRows)
		a := kernel.GatherArgs{Span: l.span(r, true), Out: r.matrix(l, hidden, hidden, false).Val, A: up(r, r.floats(80*hidden)), B: up(r, r.floats(hidden)),
			Feat: up(r, r.features(l, 4, 20)), Active: 4, N: hidden, Act: int32(graph.ReLU)}
		return measured(r, id, kernel.Grid{X: stepRows * hidden / perThread / 256, Y: costLanes, Threads: 256}, a)
	}}
}

func scatterArgs(r *rig, active, n int, gate bool) kernel.GatherGradArgs {
	l, size := even(pieceRows), (20*active+1)*n
	grads := up(r, r.floats(costLanes*size))
	a := kernel.GatherGradArgs{Span: l.span(r, false), D: r.matrix(l, n, n, true).Val, Feat: up(r, r.features(l, max(active, 1), 20)),
		Out: grads, Bias: grads + uint64(80*active*n), Active: int32(active), Values: 20, N: int32(n), GradLen: int32(size)}
	if gate {
		a.Gate = r.matrix(l, n, n, false).Val
	}
	return a
}

// gatedCost is a first layer's gradient with a gate, or without registers a bias's.
func gatedCost(active, n int) cost {
	return cost{kernel.GatherGrad, fmt.Sprintf("%dx%d/gate", active, n), costLanes * pieceRows, func(r *rig) kernel.Grid {
		return abreast(r, (*kernel.GatherGradArgs).Launch, scatterArgs(r, active, n, true))
	}}
}

// besideCost is that of a first layer with another's bias beside it.
func besideCost(active, n int) cost {
	return cost{kernel.GatherGrad, fmt.Sprintf("%dx%d/gate+0x%d", active, n, n), costLanes * pieceRows, func(r *rig) kernel.Grid {
		return abreast(r, (*kernel.GatherGradArgs).Launch, scatterArgs(r, active, n, true), scatterArgs(r, 0, n, false))
	}}
}

// scatterCost is a first layer's gradient, or without registers a bias's.
func scatterCost(id kernel.ID, active, n int) cost {
	return cost{id, fmt.Sprintf("%dx%d", active, n), costLanes * pieceRows, func(r *rig) kernel.Grid {
		a := scatterArgs(r, active, n, false)
		_, g := a.Launch()
		switch id {
		case kernel.GatherGradAny:
			g.X = n/32*active + 1
		case kernel.GatherGradWide:
			g.X, g.Threads = n/32*(active+1), 32
		}
		return measured(r, id, g, a)
	}}
}

func softmaxArgs(r *rig, n int, back bool) kernel.LogProbArgs {
	l, words := even(pieceRows), (n+31)/32
	mask, choice := r.masks(costLanes*l.cap, n, words)
	x, d := r.matrix(l, n, n, false), r.matrix(l, n, n, true)
	r.logits(x)
	a := kernel.LogProbArgs{Span: l.span(r, false), Out: r.matrix(l, 1, 1, false).Val, A: x.Val, Mask: up(r, mask), Choice: up(r, choice), N: int32(n), Words: int32(words)}
	if back {
		a.Out, a.A, a.B = d.Val, r.matrix(l, 1, 1, false).Val, x.Val
	}
	return a
}

// softmaxCost is log_prob of n actions, or its derivative.
func softmaxCost(id kernel.ID, n int, back bool) cost {
	return cost{id, fmt.Sprint(n), costLanes * pieceRows, func(r *rig) kernel.Grid {
		a := softmaxArgs(r, n, back)
		_, g := a.Launch()
		return measured(r, id, g, a)
	}}
}

func sampleCost(id kernel.ID, n int) cost {
	return cost{id, fmt.Sprint(n), costLanes * stepRows, func(r *rig) kernel.Grid {
		d := r.draws(even(stepRows), n, .1)
		_, g := d.Launch()
		return measured(r, id, g, d.SampleArgs)
	}}
}

// rolloutCost is a kernel of the rollout's first step, 128 trajectories in each lane.
func rolloutCost(id kernel.ID) cost {
	return cost{id, "20^4", costLanes * stepRows, func(r *rig) kernel.Grid {
		m := graph.Moves{Kind: graph.Increment, Registers: 4, Values: 20, Stop: graph.StopAnywhere}
		o := newTour(r, newModel(m, false, costLanes*stepRows, costLanes, 3*stepRows), id == kernel.Settle)
		if id == kernel.Settle {
			for l, v := range o.lane {
				o.put(o.args.Live.Count, l, int32(len(v.live)))
			}
			o.forward()
		}
		launch := func(k kernel.ID) kernel.Grid { return measured(r, k, kernel.LanesGrid(costLanes), o.args) }
		g := launch(kernel.Begin)
		if id == kernel.Begin {
			return g
		}
		o.append(0)
		o.act(0)
		o.args.Step = 0
		switch id {
		case kernel.Advance:
			return launch(id)
		case kernel.Tally:
			launch(kernel.Advance)
			return measured(r, id, kernel.OneGrid(), kernel.TallyArgs{Rows: o.args.Live.Rows, Steps: o.args.Live.Steps, Fault: o.args.Live.Fault, Out: r.blank(3), Lanes: costLanes})
		}
		g = launch(kernel.Leave)
		if id == kernel.Leave {
			return g
		}
		if id == kernel.Settle {
			o.hostStep()
			return launch(id)
		}
		g = launch(kernel.Moves)
		if id == kernel.Append {
			g = launch(id)
		}
		return g
	}}
}

// walkCost is one step of one block whose trajectories all stop there: what a step takes while all of them live.
func walkCost(id kernel.ID, rows int) cost {
	return cost{id, "20^4", rows, func(r *rig) kernel.Grid {
		o := newStroll(r, graph.Moves{Kind: graph.Increment, Registers: 4, Values: 20, Stop: graph.StopAnywhere}, rows, 0, graph.ReLU, hidden, hidden)
		o.stop(r)
		return measured(r, id, kernel.Grid{X: 1, Y: 1, Threads: 256}, o.args)
	}}
}

// replayCost is 128 trajectories in each lane that all stop after one step.
func replayCost() cost {
	return cost{kernel.Replay, "20^4", costLanes * stepRows, func(r *rig) kernel.Grid {
		m := graph.Moves{Kind: graph.Increment, Registers: 4, Values: 20, Stop: graph.StopAnywhere}
		p := newModel(m, false, costLanes*stepRows, costLanes, 3*stepRows)
		for i := range p.batch {
			p.given = append(p.given, []int32{int32(i % 4), 4})
		}
		return measured(r, kernel.Replay, kernel.LanesGrid(costLanes), newTour(r, p, false).args)
	}}
}

// placeCost is 256 trajectories in each lane, so that every warp has some, whose lengths are spread evenly from 1 to 77.
func placeCost() cost {
	const each, longest = 256, 77
	p := newModel(graph.Moves{Kind: graph.Increment, Registers: 4, Values: 20, Stop: graph.StopAnywhere}, false, costLanes*each, costLanes, each*longest)
	rows := 0
	for i := range p.batch {
		var list []int32
		for k := range i * 31 % longest {
			list = append(list, int32(k%4))
		}
		p.given = append(p.given, append(list, 4))
		rows += len(list) + 1
	}
	return cost{kernel.Place, "20^4", rows, func(r *rig) kernel.Grid {
		return measured(r, kernel.Place, kernel.LanesGrid(costLanes), newTour(r, p, false).args)
	}}
}

// scoreCost is the grid's reward of a batch.
func scoreCost() cost {
	return cost{kernel.Score, "20^4", costBatch, func(r *rig) kernel.Grid {
		s := &graph.RewardTable{Key: graph.Least, LogR: []float32{-7, -1, 1}}
		for v := range 20 {
			s.Class = append(s.Class, int32(v%3))
		}
		x := make([]int32, 4*costBatch)
		for i := range x {
			x[i] = int32(r.rnd.IntN(20))
		}
		return measured(r, kernel.Score, kernel.JointGrid(costBatch), scoreArgs(r, s, x, 4))
	}}
}

func rowsCost(id kernel.ID) cost {
	return cost{id, "256", costLanes * pieceRows, func(r *rig) kernel.Grid {
		l := even(pieceRows)
		out, a, b := r.matrix(l, hidden, hidden, true).Val, r.matrix(l, hidden, hidden, true).Val, r.matrix(l, hidden, hidden, false).Val
		g := kernel.ElementsGrid(pieceRows, costLanes, hidden)
		if id == kernel.Rows_ {
			return measured(r, id, g, kernel.ElementsArgs{Span: l.span(r, false), Out: out, A: a, B: b, N: hidden})
		}
		return measured(r, id, g, kernel.ActArgs{Span: l.span(r, false), Out: out, A: a, B: b, N: hidden, Act: int32(graph.ReLU)})
	}}
}

// closeCost is a kernel that goes along trajectories; they have 39 rows on average.
func closeCost(id kernel.ID) cost {
	return cost{id, "-", costLanes * stepRows, func(r *rig) kernel.Grid {
		p := r.paths(costLanes, stepRows, 77)
		x := r.matrix(p.l, 1, 1, false)
		if id == kernel.Collect {
			return measured(r, id, kernel.JointGrid(p.count), kernel.CollectArgs{Out: r.blank(p.count), X: x.Val, Rows: p.rows, Trajs: p.trajs, Count: int32(p.count)})
		}
		return measured(r, id, kernel.ElementsGrid(p.l.longest, costLanes, 1), kernel.CarryArgs{Span: p.l.span(r, false), Out: r.matrix(p.l, 1, 1, false).Val,
			X: x.Val, Joint: up(r, r.floats(p.count)), Rows: p.rows})
	}}
}

// plainCost is a kernel over n elements.
func plainCost(id kernel.ID, n int) cost {
	return cost{id, "-", n, func(r *rig) kernel.Grid {
		x := func(n int) uint64 { return up(r, r.floats(n)) }
		switch id {
		case kernel.Joint:
			return measured(r, id, kernel.JointGrid(n), kernel.JointArgs{Out: r.blank(n), A: x(n), B: x(n), Count: int32(n)})
		case kernel.Total:
			return measured(r, id, kernel.TotalGrid(), kernel.TotalArgs{Out: r.blank(1), A: x(n), Tree: r.blank(n), Steps: up(r, []int32{9}), Count: int32(n)})
		case kernel.Reduce:
			return measured(r, id, kernel.ReduceGrid(n), kernel.ReduceArgs{Grads: x(32 * n), Out: r.blank(n), GradLen: int32(n), Lanes: 32, N: int32(n)})
		case kernel.Add:
			return measured(r, id, kernel.JointGrid(n), kernel.AddArgs{Out: x(n), X: x(n), N: int32(n)})
		case kernel.Norm:
			return measured(r, id, kernel.NormGrid(n), kernel.NormArgs{G: x(n), Part: r.blank(n/4096 + 1), N: int32(n)})
		case kernel.Scale:
			return measured(r, id, kernel.ScaleGrid(), kernel.ScaleArgs{Part: x(n), Out: r.blank(3), Clip: 1, Blocks: int32(n)})
		case kernel.Features:
			state := make([]int32, n)
			for i := range state {
				state[i] = int32(r.rnd.IntN(20))
			}
			return measured(r, id, kernel.JointGrid(n), kernel.FeaturesArgs{State: up(r, state), Feat: r.blank(n), N: int32(n / 4), Ints: 4, Values: 20})
		default:
			return measured(r, id, kernel.StepGrid(n), kernel.StepArgs{W: x(n), G: x(n), M: x(n), V: up(r, make([]float32, n)), Scale: up(r, []float32{1, 1, 1}),
				Rates: up(r, []float32{.1, 1, 1, 1}), N: int32(n), Groups: 1, Beta1: .9, OneMinusBeta1: .1, Beta2: .999, OneMinusBeta2: .001, Eps: 1e-8})
		}
	}}
}
