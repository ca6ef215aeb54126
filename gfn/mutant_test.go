package gfn

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/nn"
	"github.com/sluice-ml/sluice/nn/optim"
	"github.com/sluice-ml/sluice/rng"
)

// This file tests that the mistakes one makes with GFlowNets would be seen. Every test puts the exact solution into a job's parameters:
// there the honest loss of any trajectory is 0, and that of the mutant is not.

// numbered is a world of Moves whose state is one register, the number of the cell: a network on one-hot states is then a table, and
// can hold any policy exactly.
type numbered struct {
	m      graph.Moves
	denied [2]int // a state and a move of it that is not allowed; {-1, -1} for none
}

func (w numbered) cells() int { return int(math.Pow(float64(w.m.Values), float64(w.m.Registers))) }

func (w numbered) cell(s []int32) []int32 {
	out := make([]int32, w.m.Registers)
	for i, n := w.m.Registers-1, int(s[0]); i >= 0; i-- {
		out[i] = int32(n % w.m.Values)
		n /= w.m.Values
	}
	return out
}

func (w numbered) number(cell []int32) (n int32) {
	for _, v := range cell {
		n = n*int32(w.m.Values) + v
	}
	return n
}

func (w numbered) Spec() world.Spec {
	return world.Spec{Ints: 1, Values: w.cells(), Forward: w.m.Forward(), Backward: w.m.Backward(), Stop: w.m.Stop == graph.StopAnywhere, Steps: w.m.Steps()}
}

func (w numbered) Forward(s []int32, m world.Mask) {
	for i, v := range w.cell(s) {
		if int(v)+1 < w.m.Values && (w.denied[0] != int(s[0]) || w.denied[1] != i) {
			m.Allow(i)
		}
	}
}

func (w numbered) Backward(s []int32, m world.Mask) {
	for i, v := range w.cell(s) {
		if v > 0 {
			m.Allow(i)
		}
	}
}

func (w numbered) Step(s []int32, a int) int {
	cell := w.cell(s)
	undo := w.m.Step(cell, a)
	s[0] = w.number(cell)
	return undo
}

func (w numbered) Undo(s []int32, b int) int {
	cell := w.cell(s)
	a := w.m.Undo(cell, b)
	s[0] = w.number(cell)
	return a
}

func (w numbered) Terminal(s []int32) bool { return w.m.Terminal(w.cell(s)) }

var (
	board = numbered{graph.Moves{Kind: graph.Increment, Registers: 2, Values: 4, Stop: graph.StopAnywhere}, [2]int{-1, -1}}
	paths = numbered{graph.Moves{Kind: graph.Increment, Registers: 3, Values: 3, Stop: graph.StopFull}, [2]int{-1, -1}}
)

// bumpy is a reward between e^-1.5 and e^1.5 that no two neighbours share.
var bumpy = reward.Each(func(s []int32) float32 { return float32(int(s[0])*7%13)/4 - 1.5 })

// optimum is the exact solution of balance for a backward policy.
type optimum struct {
	space  *world.Space
	logPF  []float64 // [N, Actions], 0 where not allowed
	logits []float64 // [N, Back], of P_B
	logF   []float64 // [N]
}

// solve computes F(s) = R(s) + Σ_s' F(s')·P_B(s|s') from the last states to the source. parents is the exponent of the backward
// policy: 1 for a policy of the given logits, 0 for a "policy" that is 1 everywhere, which is what a loss without log P_B solves.
func solve(t *testing.T, w numbered, learned bool, parents float64) optimum {
	t.Helper()
	space, err := world.Enumerate(world.Each(w), 0)
	require.NoError(t, err)
	spec := w.Spec()
	actions := spec.Actions()
	o := optimum{space, make([]float64, space.N*actions), make([]float64, space.N*spec.Backward), make([]float64, space.N)}
	if learned {
		u := make([]float32, len(o.logits))
		rng.NewKey(77).Uniform(u, 0)
		for i, v := range u {
			o.logits[i] = float64(3 * v)
		}
	}
	logR, err := bumpy.LogReward(nil, space.States, 1)
	require.NoError(t, err)
	for i := space.N - 1; i >= 0; i-- {
		flow := 0.0
		if space.Ends(i) {
			flow = math.Exp(float64(logR[i]))
			if spec.Stop {
				o.logPF[i*actions+spec.Forward] = float64(logR[i])
			}
		}
		for e := space.First[i]; e < space.First[i+1]; e++ {
			child := int(space.Child[e])
			logPB := parents * o.logPB(child, int(space.Undo[e]))
			o.logPF[i*actions+int(space.Action[e])] = o.logF[child] + logPB
			flow += math.Exp(o.logF[child] + logPB)
		}
		o.logF[i] = math.Log(flow)
		for a := range actions {
			if space.ForwardMasks().Row(i).Allowed(a) {
				o.logPF[i*actions+a] -= o.logF[i]
			}
		}
	}
	return o
}

// logPB is log P_B of undoing b in state i.
func (o optimum) logPB(i, b int) float64 {
	mask := o.space.BackwardMasks().Row(i)
	n := mask.Moves
	sum := 0.0
	for k := range n {
		if mask.Allowed(k) {
			sum += math.Exp(o.logits[i*n+k])
		}
	}
	return o.logits[i*n+b] - math.Log(sum)
}

// job is a job whose network is a table: one hidden unit a state.
func (w numbered) job(bal balance.Balance, back Backward) Job {
	return Job{Device: cpu.Ref64(), World: world.Each(w), LogReward: bumpy, Balance: bal, Backward: back,
		Net: nn.MLP{Hidden: []int{w.cells()}}, Batch: 64, Seed: 1, Explore: optim.Constant(.3)}
}

// at is a trainer of the job at the solution.
func (o optimum) at(t *testing.T, job Job) *Trainer {
	t.Helper()
	tr, err := New(job)
	require.NoError(t, err)
	vector := make([]float64, tr.policy.params.Len())
	n := o.space.N
	table := func(offset, width int, values []float64) {
		for i := range n {
			copy(vector[offset+int(o.space.State(i)[0])*width:][:width], values[i*width:(i+1)*width])
		}
	}
	for _, p := range tr.model.train.Params {
		switch p.Name {
		case "policy.torso.0.weight":
			for i := range n {
				vector[p.Offset+i*n+i] = 1
			}
		case "policy.forward.weight":
			table(p.Offset, p.Shape[1], o.logPF)
		case "policy.backward.weight":
			table(p.Offset, p.Shape[1], o.logits)
		case "policy.flow.weight":
			flow := append([]float64(nil), o.logF...)
			for i := range flow {
				if o.space.Terminal[i] {
					flow[i] = 17 // the network's log F of a terminal state is not to be read
				}
			}
			table(p.Offset, 1, flow)
		case logZParam:
			vector[p.Offset] = o.logF[0]
		}
	}
	tr.policy.params.Write(vector, 0)
	return tr
}

// loss is the loss of the next iteration's batch, by the trainer's own Step.
func (o optimum) loss(t *testing.T, job Job) float64 {
	t.Helper()
	p, err := o.at(t, job).Step()
	require.NoError(t, err)
	return p.Loss
}

// What a loss is at the solution: honest is rounding, wrong is seen by anyone.
const (
	honest = 1e-20
	wrong  = 1e-2
)

// At the solution every balance is 0 for every trajectory, explored ones as well, the policy's law is R/Z and log Z is right.
func TestSolutionHasNoLoss(t *testing.T) {
	for name, w := range map[string]numbered{"board": board, "paths": paths} {
		for _, bal := range balances {
			for _, back := range []Backward{Uniform, Learned} {
				t.Run(fmt.Sprintf("%s/%v/learned=%v", name, bal, back == Learned), func(t *testing.T) {
					o := solve(t, w, back == Learned, 1)
					job := w.job(bal, back)
					require.Less(t, o.loss(t, job), honest)
					e, err := o.at(t, job).Policy().Exact()
					require.NoError(t, err)
					require.Less(t, e.TV, 1e-12)
					require.InDelta(t, e.LogZTrue, e.LogZ, 1e-12)
					require.InDelta(t, e.LogZTrue, o.logF[0], 1e-12)
				})
			}
		}
	}
}

// withoutLogPB is a balance that forgets log P_B.
type withoutLogPB struct{ balance.Balance }

func (m withoutLogPB) Loss(b *graph.Builder, t balance.Terms) graph.Node {
	t.LogPB = b.Scale(0, t.LogPB)
	return m.Balance.Loss(b, t)
}

// A loss without log P_B is not 0 at the solution but where objects of many paths get more than their share, p ∝ n(x)·R(x).
func TestMutantDropsLogPB(t *testing.T) {
	for _, bal := range balances {
		t.Run(bal.String(), func(t *testing.T) {
			job, mutant := board.job(bal, Uniform), board.job(withoutLogPB{bal}, Uniform)
			right, biased := solve(t, board, false, 1), solve(t, board, false, 0)
			require.Less(t, right.loss(t, job), honest)
			require.Greater(t, right.loss(t, mutant), wrong)
			require.Less(t, biased.loss(t, mutant), honest)
			require.Greater(t, biased.loss(t, job), wrong)
			e, err := biased.at(t, mutant).Policy().Exact()
			require.NoError(t, err)
			require.Greater(t, e.TV, .2)
			sum := 0.0
			for i := range e.Learned {
				sum += e.True[i] * pathsTo(e.Space.State(i))
			}
			for i, p := range e.Learned {
				require.InDelta(t, e.True[i]*pathsTo(e.Space.State(i))/sum, p, 1e-12)
			}
		})
	}
}

// pathsTo is the number of trajectories into a cell of the board.
func pathsTo(s []int32) float64 {
	c := board.cell(s)
	n := 1.0
	for k := range c[0] {
		n = n * float64(c[1]+k+1) / float64(k+1)
	}
	return n
}

// A loss that takes the behaviour's log-probability, log((1-ε)·P_F + ε/n), is biased wherever there was exploration: the solution has
// a loss. The honest one does not depend on ε but by the trajectories it leads to.
func TestMutantTakesTheBehaviour(t *testing.T) {
	const epsilon = .3
	for _, bal := range []balance.Balance{balance.TB{}, balance.VarGrad{}} {
		t.Run(bal.String(), func(t *testing.T) {
			o := solve(t, board, false, 1)
			tr := o.at(t, board.job(bal, Uniform))
			batch, err := tr.program.Rollout(tr.policy.params, graph.Source{Key: rng.NewKey(3), Count: 64, Epsilon: epsilon}, tr.host)
			require.NoError(t, err)
			logR, err := bumpy.LogReward(nil, batch.Terminal, 1)
			require.NoError(t, err)
			closed := func() float64 {
				tr.program.Reward(logR)
				require.NoError(t, tr.program.Close(tr.policy.params))
				out, err := tr.program.Outcome(nil, -1)
				require.NoError(t, err)
				return out.Loss
			}
			require.Less(t, closed(), honest)
			// Residuals hold Σ log P_F - log R, so log R makes up for what the mutant adds to log P_F.
			for i := range logR {
				logR[i] -= float32(o.excess(board, tr.program.Actions(nil, i), epsilon))
			}
			require.Greater(t, closed(), wrong)
		})
	}
}

// excess is Σ log behaviour - log P_F along a trajectory.
func (o optimum) excess(w numbered, actions []int32, epsilon float64) (sum float64) {
	s := []int32{0}
	width := w.Spec().Actions()
	for _, a := range actions {
		i := o.space.Index(s)
		logPF := o.logPF[i*width+int(a)]
		sum += math.Log((1-epsilon)*math.Exp(logPF)+epsilon/float64(o.space.ForwardMasks().Row(i).Count())) - logPF
		if int(a) < w.Spec().Forward {
			w.Step(s, int(a))
		}
	}
	return sum
}

// A mask that forbids what is allowed renormalises the policy: at the solution the other actions of that state are too likely, and
// what lies behind gets too little.
func TestMutantForbidsAnAllowedAction(t *testing.T) {
	for _, bal := range balances {
		t.Run(bal.String(), func(t *testing.T) {
			o := solve(t, board, false, 1)
			require.Less(t, o.loss(t, board.job(bal, Uniform)), honest)
			mutant := board
			mutant.denied = [2]int{1, 0} // not of the source: what every trajectory passes, VarGrad takes for log Z
			require.Greater(t, o.loss(t, mutant.job(bal, Uniform)), wrong)
			e, err := o.at(t, mutant.job(bal, Uniform)).Policy().Exact()
			require.NoError(t, err)
			require.Greater(t, e.TV, .05)
		})
	}
}

// shifted gives every trajectory the reward of the one before it.
type shifted struct{ reward.Reward }

func (m shifted) LogReward(dst []float32, s []int32, ints int) ([]float32, error) {
	dst, err := m.Reward.LogReward(dst, s, ints)
	if err != nil || len(dst) == 0 {
		return dst, err
	}
	last := dst[len(dst)-1]
	copy(dst[1:], dst)
	dst[0] = last
	return dst, nil
}

// Rewards must meet the trajectories they belong to.
func TestMutantShiftsRewards(t *testing.T) {
	for _, bal := range balances {
		t.Run(bal.String(), func(t *testing.T) {
			o := solve(t, board, false, 1)
			job := board.job(bal, Uniform)
			require.Less(t, o.loss(t, job), honest)
			job.LogReward = shifted{bumpy}
			require.Greater(t, o.loss(t, job), wrong)
		})
	}
}
