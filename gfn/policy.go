package gfn

import (
	"fmt"
	"math"
	"sync"

	"github.com/sluice-ml/sluice/gfn/metric"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// Policy is a sampler: a job's networks with parameters. A trained one builds x with probability proportional to R(x). Its methods
// may be called from several goroutines, one at a time each, but not while a Trainer that shares it is in Step.
type Policy struct {
	model   *model
	program graph.Program
	params  graph.Buffer
	host    graph.Host

	mu    sync.Mutex
	space *world.Space // once asked for
	logR  []float32    // of its states
}

// Draw is one sampled object.
type Draw struct {
	State []int32
	LogPF float64 // of the trajectory that built it, under the model
	LogR  float64
}

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

// Job is the job the policy belongs to, with its defaults filled in.
func (p *Policy) Job() Job { return p.model.job }

// Tensors copies the parameters.
func (p *Policy) Tensors() []Tensor {
	x := make([]float64, p.params.Len())
	p.params.Read(x, 0)
	return tensors(p.model.judge.Params, x, "")
}

// Hash is SHA-256 over the parameters' names, shapes and float32 bits, in hexadecimal: equal on every device and machine.
func (p *Policy) Hash() string { return hash(p.Tensors()) }

// Text is a state for people.
func (p *Policy) Text(state []int32) string { return world.Text(p.model.job.World, state) }

// sampleBlock is how many trajectories Sample draws at a time.
const sampleBlock = 4096

// Sample draws count objects, the same ones for the same seed.
func (p *Policy) Sample(count int, seed uint64) ([]Draw, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Draw
	err := p.draw(count, seed, func(x []int32, logPF, _, logR float64) {
		out = append(out, Draw{State: append([]int32(nil), x...), LogPF: logPF, LogR: logR})
	})
	return out, err
}

// draw hands fresh trajectories to each, one by one.
func (p *Policy) draw(count int, seed uint64, each func(x []int32, logPF, logPB, logR float64)) error {
	if count < 1 {
		return fmt.Errorf("gfn: %d draws asked for, must be at least 1", count)
	}
	for from := 0; from < count; from += sampleBlock {
		n := min(sampleBlock, count-from)
		src := graph.Source{Key: rng.NewKey(seed), Purpose: rng.Eval, First: uint32(from), Count: n}
		if err := p.roll(src, each); err != nil {
			return err
		}
	}
	return nil
}

// roll runs one batch through the judging plan.
func (p *Policy) roll(src graph.Source, each func(x []int32, logPF, logPB, logR float64)) error {
	job := &p.model.job
	batch, err := p.program.Rollout(p.params, src, p.host)
	if err != nil {
		return fmt.Errorf("gfn: %w", describe(err, job.World))
	}
	ints := p.model.spec.Ints
	logR, err := reward.Check(job.LogReward, nil, batch.Terminal, ints, job.World)
	if err != nil {
		return fmt.Errorf("gfn: %w", err)
	}
	logPF, logPB, err := p.closeSums(src.Count)
	if err != nil {
		return err
	}
	for i := range src.Count {
		each(batch.Terminal[i*ints:(i+1)*ints], logPF[i], logPB[i], float64(logR[i]))
	}
	return nil
}

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

// logZDraws is how many trajectories estimate log Z for a balance that learns none.
const logZDraws = 4096

// LogZ is what was learned for log Z: the parameter, or log F at the source; for a balance with neither, the mean of
// log R + log P_B - log P_F over 4,096 fresh trajectories, which is never above log Z but for sampling noise.
func (p *Policy) LogZ() (float64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	needs := p.model.job.Balance.Needs()
	one := []float64{0}
	if needs.LogZ {
		for _, t := range p.model.judge.Params {
			if t.Name == logZParam {
				p.params.Read(one, t.Offset)
			}
		}
		return one[0], nil
	}
	if needs.Flow {
		source := make([]int32, p.model.spec.Ints)
		p.model.job.World.Reset(source)
		err := p.head(flowHead, source, one)
		return one[0], err
	}
	elbo, _, err := p.elbo(logZDraws, p.model.job.Seed)
	return elbo, err
}

// ELBO is the mean of log R + log P_B - log P_F over fresh trajectories and its standard error; see metric.ELBO.
func (p *Policy) ELBO(count int, seed uint64) (mean, stdErr float64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.elbo(count, seed)
}

func (p *Policy) elbo(count int, seed uint64) (mean, stdErr float64, err error) {
	var r, b, f []float64
	err = p.draw(count, seed, func(_ []int32, logPF, logPB, logR float64) {
		r, b, f = append(r, logR), append(b, logPB), append(f, logPF)
	})
	if err != nil {
		return math.NaN(), math.NaN(), err
	}
	mean, stdErr = metric.ELBO(r, b, f)
	return mean, stdErr, nil
}

// Exact judges the policy against R/Z on every state of the world, without sampling. A world that cannot be enumerated within
// Job.Limit is a *world.TooLargeError.
func (p *Policy) Exact() (*metric.Exact, error) {
	logZ, err := p.LogZ()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.enumerate(); err != nil {
		return nil, err
	}
	logP, err := metric.Terminal(p.space, func(states []int32, dst []float64) error { return p.head(forwardHead, states, dst) })
	if err != nil {
		return nil, fmt.Errorf("gfn: %w", err)
	}
	e, err := metric.Judge(p.space, logP, p.logR, logZ)
	if err != nil {
		return nil, fmt.Errorf("gfn: %w", err)
	}
	return e, nil
}

// enumerate lists the states and their rewards, once.
func (p *Policy) enumerate() error {
	if p.space != nil {
		return nil
	}
	w := p.model.job.World
	space, err := world.Enumerate(w, p.model.job.Limit)
	if err != nil {
		return err
	}
	ints := p.model.spec.Ints
	var states []int32
	for i := range space.N {
		if space.Ends(i) {
			states = append(states, space.State(i)...)
		}
	}
	ends, err := reward.Check(p.model.job.LogReward, nil, states, ints, w)
	if err != nil {
		return fmt.Errorf("gfn: %w", err)
	}
	logR := make([]float32, space.N)
	k := 0
	for i := range logR {
		logR[i] = float32(math.Inf(-1))
		if space.Ends(i) {
			logR[i] = ends[k]
			k++
		}
	}
	p.space, p.logR = space, logR
	return nil
}
