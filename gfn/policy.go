package gfn

import (
	"errors"
	"fmt"
	"sync"

	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
)

// This file is the policy: parameters, and the program that judges them.

// Policy is a sampler: a job's networks with parameters. A trained one builds x with probability proportional to R(x).
//
// Its methods are safe for concurrent use, beside a Trainer's that shares it, too: calls are serialised, so a World or a Reward
// must not call the policy that is asking it. Close gives the memory back, whether the policy comes from Train, from Load or, by
// Trainer.Close, from a Trainer; then Job, Tensors, Hash, Save and Text go on answering and the others return ErrClosed.
type Policy struct {
	model *model
	host  graph.Host

	mu      sync.Mutex // of everything below
	closed  bool
	program graph.Program
	params  graph.Buffer
	space   *world.Space // once asked for
	logR    []float32    // of its states
}

// ErrClosed is returned for work after Close.
var ErrClosed = errors.New("gfn: closed")

func newPolicy(m *model) (*Policy, error) {
	p := &Policy{model: m, host: newHost(m.job.World)}
	var err error
	if p.program, err = m.job.Device.Compile(m.judge); err != nil {
		return nil, fmt.Errorf("gfn: %w", err)
	}
	if p.params, err = m.job.Device.Alloc(m.judge.Params.Len()); err != nil {
		return nil, fmt.Errorf("gfn: %w", err)
	}
	return p, nil
}

// use locks an open policy; whoever gets no error unlocks.
func (p *Policy) use() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return ErrClosed
	}
	return nil
}

// Close gives the program's memory back; the device stays open. A second Close does nothing.
func (p *Policy) Close() {
	if p.use() != nil {
		return
	}
	defer p.mu.Unlock()
	p.closed = true
	p.program.Free()
}

// Job is the job the policy belongs to, with its defaults filled in.
func (p *Policy) Job() Job { return p.model.job }

// Tensors copies the parameters.
func (p *Policy) Tensors() []Tensor {
	p.mu.Lock()
	defer p.mu.Unlock()
	x := make([]float64, p.params.Len())
	p.params.Read(x, 0)
	return tensors(p.model.judge.Params, x, "")
}

// Hash is SHA-256 over the parameters' names, shapes and float32 bits, in hexadecimal: equal on every device and machine.
func (p *Policy) Hash() string { return hash(p.Tensors()) }

// Text is a state for people.
func (p *Policy) Text(state []int32) string { return world.Text(p.model.job.World, state) }

func (p *Policy) closeSums(n int) (logPF, logPB []float64, err error) {
	if err := p.program.Close(p.params); err != nil {
		return nil, nil, fmt.Errorf("gfn: %w", err)
	}
	read := func(name string) []float64 {
		dst := make([]float64, n)
		ref, ferr := graph.Find(p.model.judge.Outputs, name)
		if ferr != nil {
			err = ferr
			return dst
		}
		p.program.Read(dst, ref)
		return dst
	}
	return read(sumLogPF), read(sumLogPB), err
}

// sums is log P_F(τ) and log P_B(τ|x) of given trajectories.
func (p *Policy) sums(given [][]int32) (logPF, logPB []float64, err error) {
	if _, err := p.program.Rollout(p.params, graph.Source{Count: len(given), Given: given}, p.host); err != nil {
		return nil, nil, fmt.Errorf("gfn: %w", describe(err, p.model.job.World))
	}
	return p.closeSums(len(given))
}

// head evaluates one head of the judging plan at n states.
func (p *Policy) head(name string, states []int32, dst []float64) error {
	all := make([][]float64, len(p.model.judge.Heads))
	for i, h := range p.model.judge.Heads {
		if h.Name == name {
			all[i] = dst
			return p.program.Eval(p.params, states, all)
		}
	}
	return fmt.Errorf("gfn: this policy has no %s head", name)
}
