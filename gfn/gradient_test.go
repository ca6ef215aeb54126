package gfn

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/graph/oracle"
	"github.com/sluice-ml/sluice/nn"
	"github.com/sluice-ml/sluice/rng"
)

// This file holds a job's gradient against central differences of its loss, and against Gorgonia's own machine on stock operations.

// tall is a world in Go: up to 4 blocks of height 1..3, stop at any time.
type tall struct{}

func (tall) Spec() world.Spec {
	return world.Spec{Ints: 4, Values: 4, Forward: 3, Backward: 1, Stop: true, Steps: 5}
}

func (tall) Forward(s []int32, m world.Mask) {
	if s[3] == 0 {
		m.All()
	}
}

func (tall) Backward(s []int32, m world.Mask) {
	if s[0] != 0 {
		m.Allow(0)
	}
}

func (tall) Step(s []int32, a int) int {
	s[slices.Index(s, 0)] = int32(a + 1)
	return 0
}

func (tall) Undo(s []int32, _ int) int {
	n := slices.Index(append(slices.Clone(s), 0), 0) - 1
	a := int(s[n]) - 1
	s[n] = 0
	return a
}

// gradientWorlds are one with many parents, one with one, and one that has no stop action, so that with a learned P_B its terminal
// states have rows of role end.
var gradientWorlds = map[string]world.World{
	"hypergrid": world.Hypergrid(2, 4),
	"tower":     world.Each(tall{}),
	"no stop":   world.FromMoves(graph.Moves{Kind: graph.Increment, Registers: 3, Values: 3, Stop: graph.StopFull}),
}

var balances = []balance.Balance{balance.TB{}, balance.DB{}, balance.VarGrad{}}

// lopsided is a reward without symmetries.
var lopsided = reward.Each(func(s []int32) float32 {
	h := float32(-.4)
	for i, v := range s {
		h += float32((2*i+3)*int(v)%5) / 4
	}
	return h
})

// rig is a job at fixed parameters on fixed trajectories.
type rig struct {
	*Trainer
	vector []float64
	given  [][]int32
	states [][]int32 // of every row that a forward or backward head is read at
}

// failer is what a *testing.T and a *rapid.T have in common.
type failer interface {
	require.TestingT
	Helper()
}

func newRig(t failer, job Job) *rig {
	t.Helper()
	tr, err := New(job)
	require.NoError(t, err)
	r := &rig{Trainer: tr, vector: make([]float64, tr.policy.params.Len())}
	tr.policy.params.Read(r.vector, 0)
	for _, p := range tr.model.train.Params {
		if p.Name == logZParam {
			r.vector[p.Offset] = .7
		}
	}
	tr.policy.params.Write(r.vector, 0)
	_, err = tr.program.Rollout(tr.policy.params, graph.Source{Key: rng.NewKey(2), Count: job.Batch, Epsilon: .5}, tr.host)
	require.NoError(t, err)
	for i := range job.Batch {
		r.given = append(r.given, tr.program.Actions(nil, i))
		s := make([]int32, tr.model.spec.Ints)
		for _, a := range r.given[i] {
			r.states = append(r.states, slices.Clone(s))
			if int(a) < tr.model.spec.Forward {
				job.World.Step([]int32{0}, s, []int32{a})
			}
		}
		r.states = append(r.states, s)
	}
	return r
}

// loss is the program's loss of the trajectories at a parameter vector.
func (r *rig) loss(t failer, vector []float64) float64 {
	t.Helper()
	r.policy.params.Write(vector, 0)
	batch, err := r.program.Rollout(r.policy.params, graph.Source{Count: len(r.given), Given: r.given}, r.host)
	require.NoError(t, err)
	logR, err := r.model.job.LogReward.LogReward(nil, batch.Terminal, r.model.spec.Ints)
	require.NoError(t, err)
	r.program.Reward(logR)
	require.NoError(t, r.program.Close(r.policy.params))
	out, err := r.program.Outcome(nil, -1)
	require.NoError(t, err)
	return out.Loss
}

func (r *rig) gradient(t failer) (loss float64, g []float64) {
	t.Helper()
	loss = r.loss(t, r.vector)
	require.NoError(t, r.program.Backward(r.policy.params, r.grads))
	g = make([]float64, len(r.vector))
	r.grads.Read(g, 0)
	return loss, g
}

// preActivations are what the torso's activations are taken of, computed here once more.
func (r *rig) preActivations(vector []float64) (out []float64) {
	ps := map[string]graph.ParamInfo{}
	for _, p := range r.model.train.Params {
		ps[p.Name] = p
	}
	act := func(v float64) float64 { return max(v, 0) }
	switch r.model.job.Net.Act {
	case graph.Leaky:
		act = func(v float64) float64 { return max(v, v*float64(graph.LeakySlope)) }
	case graph.Tanh:
		act = math.Tanh
	}
	for _, s := range r.states {
		var h []float64
		for _, v := range s {
			hot := make([]float64, r.model.spec.Values)
			hot[v] = 1
			h = append(h, hot...)
		}
		for l, n := range r.model.job.Net.Hidden {
			w, bias := ps[fmt.Sprintf("policy.torso.%d.weight", l)], ps[fmt.Sprintf("policy.torso.%d.bias", l)]
			next := slices.Clone(vector[bias.Offset : bias.Offset+n])
			for j := range next {
				for k, v := range h {
					next[j] += v * vector[w.Offset+k*n+j]
				}
			}
			out = append(out, next...)
			for j, v := range next {
				next[j] = act(v)
			}
			h = next
		}
	}
	return out
}

// flips reports whether an activation is on the other side of zero.
func flips(a, b []float64) bool {
	for i, v := range a {
		if (v > 0) != (b[i] > 0) {
			return true
		}
	}
	return false
}

const (
	differenceStep  = 1e-5 // h of the central differences
	differenceError = 1e-6 // of a tensor's largest gradient
)

// Every parameter's gradient on the float64 device is the central difference of the loss. Where an activation has a kink, a parameter
// is left out if moving it by h carries an activation over the kink, which at most one in a hundred does.
func TestGradientIsTheDifference(t *testing.T) {
	for name, w := range gradientWorlds {
		for _, bal := range balances {
			for _, back := range []Backward{Uniform, Learned} {
				for _, act := range []graph.Act{graph.Tanh, graph.ReLU, graph.Leaky} {
					t.Run(fmt.Sprintf("%s/%v/learned=%v/%v", name, bal, back == Learned, act), func(t *testing.T) {
						r := newRig(t, Job{Device: cpu.Ref64(), World: w, LogReward: lopsided, Balance: bal, Backward: back,
							Net: nn.MLP{Hidden: []int{6, 5}, Act: act}, Batch: 9, Seed: 11})
						require.Equal(t, name == "no stop" && back == Learned, r.model.train.World.EndRows)
						r.checkDifferences(t)
					})
				}
			}
		}
	}
}

func (r *rig) checkDifferences(t *testing.T) {
	t.Helper()
	loss, g := r.gradient(t)
	require.Greater(t, loss, .01)
	here := r.preActivations(r.vector)
	all, left := 0, 0
	moved := slices.Clone(r.vector)
	for _, p := range r.model.train.Params {
		largest := 0.0
		for _, v := range g[p.Offset : p.Offset+p.Size()] {
			largest = max(largest, math.Abs(v))
		}
		require.NotZero(t, largest, "%s has no gradient", p.Name)
		for i := p.Offset; i < p.Offset+p.Size(); i++ {
			at := func(h float64) float64 {
				moved[i] = r.vector[i] + h
				return r.loss(t, moved)
			}
			all++
			up, down := 0.0, 0.0
			kink := false
			for _, h := range []float64{differenceStep, -differenceStep} {
				moved[i] = r.vector[i] + h
				kink = kink || r.model.job.Net.Act != graph.Tanh && flips(here, r.preActivations(moved))
			}
			if !kink {
				up, down = at(differenceStep), at(-differenceStep)
				require.InDelta(t, (up-down)/(2*differenceStep), g[i], differenceError*largest, "%s, element %d", p.Name, i-p.Offset)
			} else {
				left++
			}
			moved[i] = r.vector[i]
		}
	}
	require.LessOrEqual(t, 100*left, all, "too many activations sit on their kinks")
}

// A gap between tensors has no gradient, so that it never enters the norm.
func TestGapsHaveNoGradient(t *testing.T) {
	r := newRig(t, Job{Device: cpu.Ref64(), World: world.Hypergrid(2, 4), LogReward: lopsided, Balance: balance.TB{}, Net: nn.MLP{Hidden: []int{5}}, Batch: 8})
	_, g := r.gradient(t)
	inside := make([]bool, len(g))
	for _, p := range r.model.train.Params {
		for i := range p.Size() {
			inside[p.Offset+i] = true
		}
	}
	require.Contains(t, inside, false)
	for i, v := range g {
		require.True(t, inside[i] || v == 0)
	}
}

// batch is the trajectories as package oracle wants them, row after row of one trajectory, built from the world alone.
func (r *rig) batch() oracle.Batch {
	w, spec := r.model.job.World, r.model.spec
	in := oracle.Batch{Trajs: len(r.given)}
	mask := func(fill func(world.Masks), m world.Masks, n int) []bool {
		m.Reset(spec.Stop && n == spec.Actions() && m.Moves == spec.Forward)
		fill(m)
		out := make([]bool, n)
		for a := range out {
			out[a] = m.Row(0).Allowed(a)
		}
		return out
	}
	for i, actions := range r.given {
		s := make([]int32, spec.Ints)
		undo := []int32{-1}
		rows := actions
		if r.model.train.World.EndRows {
			rows = append(slices.Clone(actions), -1)
		}
		for k, a := range rows {
			var features []int
			for reg, v := range s {
				features = append(features, reg*spec.Values+int(v))
			}
			in.Features = append(in.Features, features)
			forward := mask(func(m world.Masks) { w.Forward(m, s) }, spec.ForwardMasks(make([]uint32, spec.Words())), spec.Actions())
			back := mask(func(m world.Masks) { w.Backward(m, s) }, spec.BackwardMasks(make([]uint32, spec.BackwardWords())), spec.Backward)
			in.Forward, in.Backward = append(in.Forward, forward), append(in.Backward, back)
			in.Action, in.Undo, in.Traj = append(in.Action, int(a)), append(in.Undo, int(undo[0])), append(in.Traj, i)
			role, next, logPB := graph.Move, len(in.Next)+1, 0.0
			if k == len(rows)-1 {
				next = -1
			}
			switch {
			case a < 0:
				role = graph.End
			case k == len(actions)-1:
				role = graph.Last
			}
			if a >= 0 && int(a) < spec.Forward {
				w.Step(undo, s, []int32{a})
				parents := spec.BackwardMasks(make([]uint32, spec.BackwardWords()))
				w.Backward(parents, s)
				logPB = -math.Log(float64(parents.Row(0).Count()))
			}
			in.Role, in.Next, in.LogPBUniform = append(in.Role, int(role)), append(in.Next, next), append(in.LogPBUniform, logPB)
		}
		logR, _ := r.model.job.LogReward.LogReward(nil, s, spec.Ints)
		in.LogR = append(in.LogR, float64(logR[0]))
	}
	return in
}

// oracleError is how far a float32 gradient may be from the oracle's float64 one, of a tensor's largest gradient, or of oracleFloor
// where that is less: a gradient that cancels has the error of its terms. The loss likewise. Residuals are sums of some ten
// log-probabilities of a few ulps each.
const (
	oracleError = 2e-5
	oracleFloor = .1
)

// checkOracle compares the gradient with that of Gorgonia's stock operations on its own TapeMachine.
func (r *rig) checkOracle(t failer) {
	t.Helper()
	loss, g := r.gradient(t)
	net := oracle.Net{Act: r.model.job.Net.Act, Forward: "policy.forward"}
	for l := range r.model.job.Net.Hidden {
		net.Torso = append(net.Torso, fmt.Sprintf("policy.torso.%d", l))
	}
	params := map[string][]float64{}
	for _, p := range r.model.train.Params {
		params[p.Name] = slices.Clone(r.vector[p.Offset : p.Offset+p.Size()])
	}
	if _, learned := params["policy.backward.bias"]; learned {
		net.Backward = "policy.backward"
	}
	var want float64
	var grads oracle.Gradients
	var err error
	switch r.model.job.Balance.(type) {
	case balance.TB:
		net.LogZ = logZParam
		want, grads, err = oracle.TB(net, r.batch(), params)
	case balance.DB:
		net.Flow = "policy.flow"
		want, grads, err = oracle.DB(net, r.batch(), params)
	default:
		want, grads, err = oracle.VarGrad(net, r.batch(), params)
	}
	require.NoError(t, err)
	require.InDelta(t, want, loss, oracleError*max(1, want))
	require.Len(t, grads, len(params))
	for _, p := range r.model.train.Params {
		largest := 0.0
		for _, v := range grads[p.Name] {
			largest = max(largest, math.Abs(v))
		}
		for i, v := range grads[p.Name] {
			require.InDelta(t, v, g[p.Offset+i], oracleError*max(largest, oracleFloor), "%s, element %d", p.Name, i)
		}
	}
}

func TestGradientIsGorgonias(t *testing.T) {
	dev := cpu.New(cpu.Config{Workers: 2})
	for name, w := range gradientWorlds {
		for _, bal := range balances {
			for _, back := range []Backward{Uniform, Learned} {
				for _, act := range []graph.Act{graph.ReLU, graph.Leaky, graph.Tanh} {
					t.Run(fmt.Sprintf("%s/%v/learned=%v/%v", name, bal, back == Learned, act), func(t *testing.T) {
						r := newRig(t, Job{Device: dev, World: w, LogReward: lopsided, Balance: bal, Backward: back,
							Net: nn.MLP{Hidden: []int{20, 12}, Act: act}, Batch: 19, Seed: 4})
						r.checkOracle(t)
					})
				}
			}
		}
	}
}

// The same for networks of any shape.
func TestGradientIsGorgoniasForAnyNet(t *testing.T) {
	dev := cpu.New(cpu.Config{Workers: 2})
	names := []string{"hypergrid", "tower", "no stop"}
	rapid.Check(t, func(t *rapid.T) {
		loss := rapid.SampledFrom(balances).Draw(t, "balance")
		r := newRig(t, Job{Device: dev, World: gradientWorlds[rapid.SampledFrom(names).Draw(t, "world")], LogReward: lopsided,
			Balance:  loss,
			Backward: rapid.SampledFrom([]Backward{Uniform, Learned}).Draw(t, "backward"),
			Net: nn.MLP{Hidden: rapid.SliceOfN(rapid.IntRange(1, 9), 1, 3).Draw(t, "hidden"),
				Act: rapid.SampledFrom([]graph.Act{graph.ReLU, graph.Leaky, graph.Tanh}).Draw(t, "act")},
			Batch: rapid.IntRange(balance.MinBatch(loss), 9).Draw(t, "batch"), Seed: uint64(rapid.IntRange(0, 1<<20).Draw(t, "seed"))})
		defer r.Close()
		for _, v := range r.preActivations(r.vector) {
			if math.Abs(v) < 1e-5 && r.model.job.Net.Act != graph.Tanh {
				t.Skip("float32 may round to the other side of a kink")
			}
		}
		r.checkOracle(t)
	})
}
