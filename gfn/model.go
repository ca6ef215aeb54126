package gfn

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/nn"
	"github.com/sluice-ml/sluice/nn/optim"
)

// This file turns a job into Plans.

// model is a job's networks as Plans: one that trains and one that judges, over the same parameters.
type model struct {
	job   Job // with defaults resolved
	spec  world.Spec
	train *graph.Plan // the loss and its gradient
	judge *graph.Plan // heads, and log P_F and log P_B of whole trajectories
}

// Names of what the judging plan gives.
const (
	forwardHead  = "forward"  // logits of P_F, [states, actions]
	backwardHead = "backward" // logits of P_B, [states, undo actions]; only when learned
	flowHead     = "flow"     // log F(s), [states]; only when the balance has it
	sumLogPF     = "log_pf"   // log P_F(τ)
	sumLogPB     = "log_pb"   // log P_B(τ|x)
	logZParam    = "log_z"
)

var errNoDevice = errors.New("gfn: the job has no Device")

// resolve fills in defaults and refuses what cannot be run, naming the field.
func (j Job) resolve() (Job, error) {
	switch {
	case j.Device == nil:
		return j, errNoDevice
	case j.LogReward == nil:
		return j, errors.New("gfn: the job has no LogReward")
	case j.Balance == nil:
		return j, errors.New("gfn: the job has no Balance")
	}
	if err := world.Err(j.World); err != nil {
		return j, fmt.Errorf("gfn: %w", err)
	}
	if j.Batch == 0 {
		j.Batch = DefaultBatch
	}
	if j.Iterations == 0 {
		j.Iterations = DefaultIterations
	}
	if j.Limit == 0 {
		j.Limit = world.DefaultLimit
	}
	if j.Optim == nil {
		j.Optim = optim.Adam{}
	}
	for _, f := range []struct {
		name string
		n    int
	}{{"Batch", j.Batch}, {"Iterations", j.Iterations}, {"Limit", j.Limit}} {
		if f.n < 1 || int64(f.n) > 1<<31-1 {
			return j, fmt.Errorf("gfn: %s is %d, must be 1..2147483647", f.name, f.n)
		}
	}
	if least := balance.MinBatch(j.Balance); j.Batch < least {
		return j, fmt.Errorf("gfn: Batch is %d, must be at least %d for the balance %v", j.Batch, least, j.Balance)
	}
	if j.Backward > Learned {
		return j, fmt.Errorf("gfn: Backward is %d, must be Uniform or Learned", j.Backward)
	}
	if err := j.Net.Validate(); err != nil {
		return j, fmt.Errorf("gfn: Net: %w", err)
	}
	if err := j.Optim.Validate(); err != nil {
		return j, fmt.Errorf("gfn: Optim: %w", err)
	}
	if err := j.Explore.Validate(); err != nil {
		return j, fmt.Errorf("gfn: Explore: %w", err)
	}
	if lo, hi := j.Explore.Bounds(); len(j.Explore) > 0 && (lo < 0 || hi > 1) {
		return j, fmt.Errorf("gfn: Explore goes from %v to %v, a probability is 0..1", lo, hi)
	}
	return j, nil
}

func build(job Job) (*model, error) {
	job, err := job.resolve()
	if err != nil {
		return nil, err
	}
	m := &model{job: job, spec: job.World.Spec()}
	// With one parent a state, log P_B is 0 whoever computes it, and a head for it would get no gradient.
	learned := job.Backward == Learned && m.spec.Backward > 1
	s := graph.Shape{Ints: m.spec.Ints, Active: m.spec.Ints, Features: m.spec.Ints * m.spec.Values, Values: m.spec.Values,
		Actions: m.spec.Actions(), Stop: -1, Back: m.spec.Backward, Steps: m.spec.Steps, EndRows: learned && !m.spec.Stop}
	if m.spec.Stop {
		s.Stop = m.spec.Forward
	}
	if d, ok := job.World.(world.Mover); ok {
		moves := d.Moves()
		s.Moves = &moves
	}
	b := graph.NewBuilder(s)
	torso := job.Net.Torso(b, s.Features, s.Active)
	forward := nn.Head(b, torso, "policy.forward", s.Actions)
	heads := []graph.Named{{Name: forwardHead, Node: forward}}
	t := balance.Terms{LogPF: b.LogPF(forward), LogPB: b.Data(graph.LogPBUniform), LogR: b.Data(graph.LogR)}
	if learned {
		backward := nn.Head(b, torso, "policy.backward", s.Back)
		heads = append(heads, graph.Named{Name: backwardHead, Node: backward})
		t.LogPB = b.Next(b.LogPB(backward))
	}
	data := reward.Data(job.LogReward, job.World)
	needs := job.Balance.Needs()
	if needs.Flow {
		t.LogF = b.Column(nn.Head(b, torso, "policy.flow", 1))
		heads = append(heads, graph.Named{Name: flowHead, Node: t.LogF})
	}
	if needs.LogZ {
		t.LogZ = b.Spread(nn.Scalar(b, logZParam, optim.LogZ, 0))
	}
	loss := job.Balance.Loss(b, t)
	sums := []graph.Named{{Name: sumLogPF, Node: b.SumT(t.LogPF)}, {Name: sumLogPB, Node: b.SumT(t.LogPB)}}
	m.train, err = b.Lower(graph.Want{Policy: forward, Loss: loss, Reward: data})
	switch {
	case errors.Is(err, graph.ErrZeroNode):
		return nil, fmt.Errorf("gfn: %s: %w: does Needs ask for it?", job.Balance, err)
	case err != nil:
		return nil, fmt.Errorf("gfn: %s: %w", job.Balance, err)
	}
	if err := m.checkGroups(); err != nil {
		return nil, err
	}
	if m.judge, err = b.Lower(graph.Want{Policy: forward, Heads: heads, Outputs: sums, Reward: data}); err != nil {
		return nil, fmt.Errorf("gfn: %w", err)
	}
	return m, nil
}

// checkGroups refuses a rate for a group that has no parameters, which would be a rate that nothing learns at. That of log Z may stay
// where the balance learns none, so that one optimiser serves every balance.
func (m *model) checkGroups() error {
	groups := m.train.Params.Groups()
	for _, g := range m.job.Optim.Groups() {
		if g != optim.LogZ && !slices.Contains(groups, g) {
			return fmt.Errorf("gfn: Optim has a rate for group %q, the job's groups are %s", g, quoted(groups))
		}
	}
	return nil
}

func quoted(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strconv.Quote(n)
	}
	return strings.Join(out, ", ")
}
