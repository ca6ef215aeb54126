package gfn

import (
	"context"
	"fmt"
	"math"

	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/nn"
	"github.com/sluice-ml/sluice/nn/optim"
	"github.com/sluice-ml/sluice/rng"
)

// This file is training: the iteration, read top to bottom.

// Train runs a job to its end. When ctx is done it stops after the iteration under way and returns the policy so far with ctx's error.
// The policy is the caller's to Close.
func Train(ctx context.Context, job Job) (*Policy, error) {
	t, err := New(job)
	if err != nil {
		return nil, err
	}
	defer t.program.Free() // the policy has a program of its own
	for t.Iteration() < t.Job().Iterations {
		if err := ctx.Err(); err != nil {
			return t.Policy(), err
		}
		p, err := t.Step()
		if err != nil {
			return t.Policy(), err
		}
		if job.Observe != nil {
			job.Observe(p)
		}
	}
	return t.Policy(), nil
}

// Trainer is a job under way, an iteration at a time. It serves one caller at a time.
type Trainer struct {
	model   *model
	program graph.Program
	freed   bool // the program's memory
	policy  *Policy
	host    graph.Host
	grads   graph.Buffer
	moments graph.Buffer
	key     rng.Key

	groups    []string
	rule      graph.Rule
	scalars   graph.Scalars
	opt       optim.State
	next      optim.State // opt after the iteration under way; here, for on the stack it would escape
	logR      []float32   // of the running batch; the program's own where the device computes it
	logZ      int         // float offset of log Z, -1 if the balance has none
	iteration int
	seen      int64
	steps     int64
}

// New builds a job's networks and programs and draws its initial parameters.
func New(job Job) (*Trainer, error) {
	m, err := build(job)
	if err != nil {
		return nil, err
	}
	t := &Trainer{model: m, key: rng.NewKey(m.job.Seed), host: newHost(m.job.World), rule: m.job.Optim.Rule(), logZ: -1}
	ps := m.train.Params
	t.groups = ps.Groups()
	for _, p := range ps {
		if p.Name == logZParam {
			t.logZ = p.Offset
		}
	}
	d := m.job.Device
	if t.program, err = d.Compile(m.train); err != nil {
		return nil, fmt.Errorf("gfn: %w", err)
	}
	if t.grads, err = d.Alloc(ps.Len()); err != nil {
		return nil, fmt.Errorf("gfn: %w", err)
	}
	if t.moments, err = d.Alloc(t.rule.Moments() * ps.Len()); err != nil {
		return nil, fmt.Errorf("gfn: %w", err)
	}
	if t.policy, err = newPolicy(m); err != nil {
		return nil, err
	}
	initial := nn.Initial(ps, t.key)
	wide := make([]float64, len(initial))
	for i, v := range initial {
		wide[i] = float64(v)
	}
	t.policy.params.Write(wide, 0)
	return t, nil
}

// Iteration is the number of finished iterations.
func (t *Trainer) Iteration() int { return t.iteration }

// Job is the job with its defaults filled in.
func (t *Trainer) Job() Job { return t.model.job }

// Policy is the policy in training; it changes with every Step and is closed with the Trainer.
func (t *Trainer) Policy() *Policy { return t.policy }

// Plan is what an iteration executes, readable by String.
func (t *Trainer) Plan() *graph.Plan { return t.model.train }

// Memory is what the training program holds now.
func (t *Trainer) Memory() graph.Memory { return t.program.Memory() }

// Lanes is how many lanes a batch is cut into.
func (t *Trainer) Lanes() int { return graph.Lanes(t.model.job.Batch, t.model.train.Params.Len()) }

// Close gives the programs' memory back and closes the Policy; the device stays open. After it State, Iteration, Job, Plan and Lanes
// go on answering, and a Step is ErrClosed. A second Close does nothing.
func (t *Trainer) Close() {
	t.policy.Close()
	if !t.freed {
		t.program.Free()
		t.freed = true
	}
}

// Step is one iteration: Step ... Step, reward, Close, Backward, Update. A loss or gradient that is not finite is a *DivergedError and
// leaves the parameters as they were.
func (t *Trainer) Step() (Progress, error) { return t.step(t.model.job.Batch, nil) }

// StepOn is one iteration on given trajectories, each the forward actions from the source on, stop included: replay, data, or
// another sampler's. A nil one is drawn. An action the world does not allow is a *graph.GivenError. The number of trajectories is free.
// After a StepOn a run is no longer a function of its seed alone.
func (t *Trainer) StepOn(given [][]int32) (Progress, error) { return t.step(len(given), given) }

func (t *Trainer) step(count int, given [][]int32) (Progress, error) {
	if count < 1 {
		return Progress{}, fmt.Errorf("gfn: iteration %d: no trajectories given", t.iteration)
	}
	if err := t.policy.use(); err != nil {
		return Progress{}, err
	}
	defer t.policy.mu.Unlock()
	job := &t.model.job
	if least := balance.MinBatch(job.Balance); count < least {
		return Progress{}, fmt.Errorf("gfn: iteration %d: %d trajectories given, must be at least %d for the balance %v",
			t.iteration, count, least, job.Balance)
	}
	eps := job.Explore.At(t.iteration)
	src := graph.Source{Key: t.key, Iteration: uint32(t.iteration), Purpose: rng.Sample, Count: count, Epsilon: float32(eps), Given: given}
	batch, err := t.program.Rollout(t.policy.params, src, t.host)
	if err != nil {
		return Progress{}, t.named(err)
	}
	logR, err := t.model.rewards(t.logR, batch)
	if err != nil {
		return Progress{}, t.named(err)
	}
	t.logR = logR
	if batch.LogR == nil {
		t.program.Reward(logR)
	}
	if err := t.program.Close(t.policy.params); err != nil {
		return Progress{}, t.named(err)
	}
	if err := t.program.Backward(t.policy.params, t.grads); err != nil {
		return Progress{}, t.named(err)
	}
	t.next = t.opt
	t.scalars = job.Optim.Scalars(t.scalars, t.groups, &t.next)
	if err := t.program.Update(t.policy.params, t.grads, t.moments, t.rule, t.scalars); err != nil {
		return Progress{}, t.named(err)
	}
	out, err := t.program.Outcome(t.policy.params, t.logZ) // nothing was waited for since the rewards
	if err != nil {
		return Progress{}, t.named(err)
	}
	if !finite(out.Loss) {
		return Progress{}, t.diverged("loss", out.Loss, batch)
	}
	if !finite(out.Norm) {
		return Progress{}, t.diverged("gradient", out.Norm, batch)
	}
	rate := job.Optim.Rate(optim.Policy, t.opt.Step)
	t.opt = t.next
	t.iteration++
	t.seen += int64(batch.Count)
	t.steps += int64(batch.Steps)
	p := Progress{Iteration: t.iteration, Trajectories: t.seen, Transitions: t.steps, Loss: out.Loss, LogZ: math.NaN(), GradNorm: out.Norm,
		MeanLength: float64(batch.Steps) / float64(batch.Count), Epsilon: eps, Rate: rate}
	for _, v := range logR {
		p.MeanLogReward += float64(v)
	}
	p.MeanLogReward /= float64(batch.Count)
	if t.logZ >= 0 {
		p.LogZ = out.Param
	}
	return p, nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// State copies everything a resume needs.
func (t *Trainer) State() State {
	ps := t.model.train.Params
	s := State{Iteration: t.iteration, Trajectories: t.seen, Transitions: t.steps, Params: t.policy.Tensors(), Optim: t.opt}
	for i := range t.rule.Moments() {
		x := make([]float64, ps.Len())
		t.moments.Read(x, i*ps.Len())
		s.Moments = append(s.Moments, tensors(ps, x, momentNames[i])...)
	}
	return s
}

var momentNames = [...]string{"m.", "v."}

// Restore goes on from s, which must be of the same model; on an error nothing has changed.
func (t *Trainer) Restore(s State) error {
	ps := t.model.train.Params
	params, err := vector(ps, s.Params, "")
	if err != nil {
		return err
	}
	var moments []float64
	for i := range t.rule.Moments() {
		x, err := vector(ps, s.Moments, momentNames[i])
		if err != nil {
			return err
		}
		moments = append(moments, x...)
	}
	if s.Iteration < 0 || s.Iteration != s.Optim.Step {
		return fmt.Errorf("gfn: the checkpoint is of iteration %d, its optimiser of step %d", s.Iteration, s.Optim.Step)
	}
	t.policy.mu.Lock()
	defer t.policy.mu.Unlock()
	t.policy.params.Write(params, 0)
	t.moments.Write(moments, 0)
	t.iteration, t.seen, t.steps, t.opt = s.Iteration, s.Trajectories, s.Transitions, s.Optim
	return nil
}
