package balance_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/metric"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/nn"
	"github.com/sluice-ml/sluice/rng"
)

// This file holds every balance against its formula, written out over trajectories in plain float64 from nothing but the logits
// of the networks and the moves of the world.

const batch = 24

// heads of the test's plan, in order.
const (
	forwardHead = iota
	backwardHead
	flowHead
)

type rig struct {
	moves   graph.Moves
	shape   graph.Shape
	learned bool
	plan    *graph.Plan
	program graph.Program
	params  graph.Buffer
	grads   graph.Buffer
	vector  []float64
	logR    []float32
	heads   []int // index among the plan's heads, -1 for none
}

func newRig(t *testing.T, moves graph.Moves, learned bool, bal balance.Balance) *rig {
	t.Helper()
	r := &rig{moves: moves, learned: learned, heads: []int{0, -1, -1}, logR: make([]float32, batch)}
	stop := moves.Stop == graph.StopAnywhere
	r.shape = graph.Shape{Ints: moves.Registers, Active: moves.Registers, Values: moves.Values, Features: moves.Registers * moves.Values,
		Actions: moves.Forward(), Stop: -1, Back: moves.Backward(), Steps: moves.Steps(), EndRows: learned && !stop, Moves: &moves}
	if stop {
		r.shape.Stop = moves.Forward()
		r.shape.Actions++
	}
	b := graph.NewBuilder(r.shape)
	net := nn.MLP{Hidden: []int{8, 8}, Act: graph.Tanh} // smooth, for finite differences
	torso := net.Torso(b, r.shape.Features, r.shape.Active)
	forward := nn.Head(b, torso, "policy.forward", r.shape.Actions)
	want := graph.Want{Policy: forward, Heads: []graph.Named{{Name: "forward", Node: forward}}}
	terms := balance.Terms{LogPF: b.LogPF(forward), LogPB: b.Data(graph.LogPBUniform), LogR: b.Data(graph.LogR)}
	if learned {
		backward := nn.Head(b, torso, "policy.backward", r.shape.Back)
		r.heads[backwardHead] = len(want.Heads)
		want.Heads = append(want.Heads, graph.Named{Name: "backward", Node: backward})
		terms.LogPB = b.Next(b.LogPB(backward))
	}
	if bal.Needs().Flow {
		flow := nn.Head(b, torso, "policy.flow", 1)
		r.heads[flowHead] = len(want.Heads)
		want.Heads = append(want.Heads, graph.Named{Name: "flow", Node: flow})
		terms.LogF = b.Column(flow)
	}
	if bal.Needs().LogZ {
		terms.LogZ = b.Spread(nn.Scalar(b, "log_z", "log_z", .7))
	}
	want.Loss = bal.Loss(b, terms)
	var err error
	r.plan, err = b.Lower(want)
	require.NoError(t, err)
	device := cpu.Ref64()
	t.Cleanup(func() { require.NoError(t, device.Close()) })
	r.program, err = device.Compile(r.plan)
	require.NoError(t, err)
	n := r.plan.Params.Len()
	r.params, err = device.Alloc(n)
	require.NoError(t, err)
	r.grads, err = device.Alloc(n)
	require.NoError(t, err)
	for _, v := range nn.Initial(r.plan.Params, rng.NewKey(5)) {
		r.vector = append(r.vector, 2*float64(v))
	}
	return r
}

// loss is the program's loss of the given trajectories at a parameter vector; nil draws them.
func (r *rig) loss(t *testing.T, vector []float64, given [][]int32) float64 {
	t.Helper()
	r.params.Write(vector, 0)
	got, err := r.program.Rollout(r.params, graph.Source{Key: rng.NewKey(2), Count: batch, Given: given}, nil)
	require.NoError(t, err)
	for i := range batch {
		x := got.Terminal[i*r.shape.Ints : (i+1)*r.shape.Ints]
		r.logR[i] = 0
		for k, v := range x {
			r.logR[i] += float32((k+1)*int(v))/4 - .3
		}
	}
	r.program.Reward(r.logR)
	require.NoError(t, r.program.Close(r.params))
	out, err := r.program.Outcome(nil, -1)
	require.NoError(t, err)
	return out.Loss
}

func (r *rig) actions() [][]int32 {
	out := make([][]int32, batch)
	for i := range out {
		out[i] = r.program.Actions(nil, i)
	}
	return out
}

// eval is a head's values at state s.
func (r *rig) eval(t *testing.T, head int, s []int32) []float64 {
	t.Helper()
	dst := make([][]float64, len(r.plan.Heads))
	at := r.heads[head]
	dst[at] = make([]float64, r.plan.Heads[at].Ref.Cols)
	require.NoError(t, r.program.Eval(r.params, s, dst))
	return dst[at]
}

// step is what a formula knows of one step.
type step struct{ logPF, logPB, logF, nextF float64 }

// walk follows one trajectory; nextF is log R on the last step.
func (r *rig) walk(t *testing.T, actions []int32, logR float64) []step {
	t.Helper()
	s := make([]int32, r.shape.Ints)
	steps := make([]step, len(actions))
	for i, a := range actions {
		mask := make([]uint32, graph.Words(r.shape.Actions))
		r.moves.MaskForward(mask, s)
		logits := r.eval(t, forwardHead, s)
		metric.LogSoftmax(logits, logits, mask)
		steps[i].logPF = logits[a]
		if r.heads[flowHead] >= 0 {
			steps[i].logF = r.eval(t, flowHead, s)[0]
		}
		if i > 0 {
			steps[i-1].nextF = steps[i].logF
		}
		if int(a) == r.shape.Stop {
			continue
		}
		undo := r.moves.Step(s, int(a))
		back := make([]uint32, graph.Words(r.shape.Back))
		r.moves.MaskBackward(back, s)
		logPB := make([]float64, r.shape.Back)
		if r.learned {
			logPB = r.eval(t, backwardHead, s)
		}
		metric.LogSoftmax(logPB, logPB, back)
		steps[i].logPB = logPB[undo]
	}
	steps[len(steps)-1].nextF = logR
	return steps
}

// formulas are the losses as the papers have them.
var formulas = map[balance.Balance]func(logZ float64, logR []float32, batch [][]step) float64{
	balance.TB{}: func(logZ float64, logR []float32, batch [][]step) (loss float64) {
		for i, steps := range batch {
			d := logZ - float64(logR[i])
			for _, s := range steps {
				d += s.logPF - s.logPB
			}
			loss += d * d / float64(len(batch))
		}
		return loss
	},
	balance.VarGrad{}: func(_ float64, logR []float32, batch [][]step) float64 {
		mean, square := 0.0, 0.0
		for i, steps := range batch {
			c := float64(logR[i])
			for _, s := range steps {
				c += s.logPB - s.logPF
			}
			mean += c / float64(len(batch))
			square += c * c / float64(len(batch))
		}
		return square - mean*mean
	},
	balance.DB{}: func(_ float64, _ []float32, batch [][]step) float64 {
		sum, n := 0.0, 0
		for _, steps := range batch {
			for _, s := range steps {
				d := s.logF + s.logPF - s.nextF - s.logPB
				sum += d * d
				n++
			}
		}
		return sum / float64(n)
	},
}

func TestLossIsItsFormula(t *testing.T) {
	grid := graph.Moves{Kind: graph.Increment, Registers: 2, Values: 4, Stop: graph.StopAnywhere}
	toEnd := graph.Moves{Kind: graph.Increment, Registers: 3, Values: 3, Stop: graph.StopFull}
	words := graph.Moves{Kind: graph.Append, Registers: 4, Values: 4, Stop: graph.StopFull}
	for bal, formula := range formulas {
		for _, c := range []struct {
			moves   graph.Moves
			learned bool
		}{{grid, false}, {grid, true}, {toEnd, false}, {toEnd, true}, {words, false}} {
			t.Run(fmt.Sprintf("%v/%v/learned=%v", bal, c.moves, c.learned), func(t *testing.T) {
				r := newRig(t, c.moves, c.learned, bal)
				loss := r.loss(t, r.vector, nil)
				given := r.actions()
				batch := make([][]step, len(given))
				for i, actions := range given {
					batch[i] = r.walk(t, actions, float64(r.logR[i]))
				}
				logZ := math.NaN()
				for _, p := range r.plan.Params {
					if p.Name == "log_z" {
						logZ = r.vector[p.Offset]
					}
				}
				require.InEpsilon(t, formula(logZ, r.logR, batch), loss, 1e-9)
				require.Greater(t, loss, .01, "an untrained policy is out of balance")
				r.checkGradient(t, given)
			})
		}
	}
}

// checkGradient compares the gradient along directions with central differences of the loss on the same trajectories.
func (r *rig) checkGradient(t *testing.T, given [][]int32) {
	t.Helper()
	n := len(r.vector)
	direction := make([]float32, n)
	grad := make([]float64, n)
	for trial := range uint64(3) {
		rng.NewKey(90+trial).Uniform(direction, 0)
		moved := func(h float64) []float64 {
			out := append([]float64(nil), r.vector...)
			for _, p := range r.plan.Params {
				for i := p.Offset; i < p.Offset+p.Size(); i++ {
					out[i] += h * (float64(direction[i]) - .5)
				}
			}
			return out
		}
		const h = 1e-5
		want := (r.loss(t, moved(h), given) - r.loss(t, moved(-h), given)) / (2 * h)
		r.loss(t, r.vector, given)
		require.NoError(t, r.program.Backward(r.params, r.grads))
		r.grads.Read(grad, 0)
		got := 0.0
		for i, g := range grad {
			got += g * (float64(direction[i]) - .5)
		}
		require.InDelta(t, want, got, 1e-7*(1+math.Abs(want)))
	}
}

func TestNamesAndNeeds(t *testing.T) {
	for name, bal := range map[string]balance.Balance{"tb": balance.TB{}, "db": balance.DB{}, "vargrad": balance.VarGrad{}} {
		require.Equal(t, name, bal.String())
	}
	require.Equal(t, balance.Needs{LogZ: true}, balance.TB{}.Needs())
	require.Equal(t, balance.Needs{Flow: true}, balance.DB{}.Needs())
	require.Equal(t, balance.Needs{}, balance.VarGrad{}.Needs())
}

// TestMissingTerms: a term that a balance needs and does not get is an error that says where.
func TestMissingTerms(t *testing.T) {
	for _, bal := range []balance.Balance{balance.TB{}, balance.DB{}} {
		b := graph.NewBuilder(graph.Shape{Ints: 1, Active: 1, Features: 4, Values: 4, Actions: 2, Stop: 1, Back: 1, Steps: 4})
		uniform := b.Data(graph.LogPBUniform)
		require.False(t, bal.Loss(b, balance.Terms{LogPF: uniform, LogPB: uniform, LogR: b.Data(graph.LogR)}).Valid())
		require.ErrorContains(t, b.Err(), "balance/"+bal.String()+".go")
	}
}
