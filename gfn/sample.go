package gfn

import (
	"fmt"
	"math"

	"github.com/sluice-ml/sluice/gfn/metric"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// This file is what a policy draws, and what draws say of it.

// Draw is one sampled object, and the trajectory that built it under the model.
type Draw struct {
	State []int32
	LogPF float64 // log P_F of the trajectory
	LogPB float64 // log P_B of the trajectory, given State
	LogR  float64
}

// sampleBlock is how many trajectories Sample draws at a time.
const sampleBlock = 4096

// Sample draws count objects, the same ones for the same seed; fewer of them are the first of more.
func (p *Policy) Sample(count int, seed uint64) ([]Draw, error) {
	if err := p.use(); err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	return p.sample(count, seed)
}

func (p *Policy) sample(count int, seed uint64) ([]Draw, error) {
	if count < 1 {
		return nil, fmt.Errorf("gfn: %d draws asked for, must be at least 1", count)
	}
	var out []Draw
	for from := 0; from < count; from += sampleBlock {
		src := graph.Source{Key: rng.NewKey(seed), Purpose: rng.Eval, First: uint32(from), Count: min(sampleBlock, count-from)}
		var err error
		if out, err = p.roll(out, src); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// roll runs one batch through the judging plan and appends its draws.
func (p *Policy) roll(out []Draw, src graph.Source) ([]Draw, error) {
	job := &p.model.job
	batch, err := p.program.Rollout(p.params, src, p.host)
	if err != nil {
		return nil, fmt.Errorf("gfn: %w", describe(err, job.World))
	}
	ints := p.model.spec.Ints
	logR, err := p.model.rewards(nil, batch)
	if err != nil {
		return nil, fmt.Errorf("gfn: %w", err)
	}
	logPF, logPB, err := p.closeSums(src.Count)
	if err != nil {
		return nil, err
	}
	states := append([]int32(nil), batch.Terminal...)
	for i := range src.Count {
		out = append(out, Draw{State: states[i*ints : (i+1)*ints : (i+1)*ints], LogPF: logPF[i], LogPB: logPB[i], LogR: float64(logR[i])})
	}
	return out, nil
}

// ELBO is the mean of log R + log P_B - log P_F over draws of a policy and its standard error; see metric.ELBO.
func ELBO(draws []Draw) (mean, stdErr float64) {
	r, b, f := make([]float64, len(draws)), make([]float64, len(draws)), make([]float64, len(draws))
	for i, d := range draws {
		r[i], b[i], f[i] = d.LogR, d.LogPB, d.LogPF
	}
	return metric.ELBO(r, b, f)
}

// ELBO is that of count draws, for whoever needs the draws for nothing else.
func (p *Policy) ELBO(count int, seed uint64) (mean, stdErr float64, err error) {
	draws, err := p.Sample(count, seed)
	if err != nil {
		return math.NaN(), math.NaN(), err
	}
	mean, stdErr = ELBO(draws)
	return mean, stdErr, nil
}

// LogZDraws is how many trajectories estimate log Z for a balance that learns none.
const LogZDraws = 4096

// EstimatesLogZ reports whether the balance learns neither log Z nor a flow, so that LogZ is the ELBO of LogZDraws draws from Job.Seed.
func (p *Policy) EstimatesLogZ() bool {
	needs := p.model.job.Balance.Needs()
	return !needs.LogZ && !needs.Flow
}

// LogZ is what was learned for log Z: the parameter, or log F at the source; for a balance with neither, the mean of
// log R + log P_B - log P_F over 4,096 fresh trajectories, which is never above log Z but for sampling noise.
func (p *Policy) LogZ() (float64, error) {
	if err := p.use(); err != nil {
		return math.NaN(), err
	}
	defer p.mu.Unlock()
	return p.logZ()
}

func (p *Policy) logZ() (float64, error) {
	if p.EstimatesLogZ() {
		draws, err := p.sample(LogZDraws, p.model.job.Seed)
		if err != nil {
			return math.NaN(), err
		}
		elbo, _ := ELBO(draws)
		return elbo, nil
	}
	one := []float64{0}
	if p.model.job.Balance.Needs().LogZ {
		for _, t := range p.model.judge.Params {
			if t.Name == logZParam {
				p.params.Read(one, t.Offset)
			}
		}
		return one[0], nil
	}
	source := make([]int32, p.model.spec.Ints)
	p.model.job.World.Reset(source)
	err := p.head(flowHead, source, one)
	return one[0], err
}
