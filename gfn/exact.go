package gfn

import (
	"fmt"
	"math"

	"github.com/sluice-ml/sluice/gfn/metric"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
)

// This file judges a policy on every state of its world.

// Exact judges the policy against R/Z on every state of the world, without sampling. A world that cannot be enumerated within
// Job.Limit is a *world.TooLargeError.
func (p *Policy) Exact() (*metric.Exact, error) {
	if err := p.use(); err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	return p.exact()
}

func (p *Policy) exact() (*metric.Exact, error) {
	logZ, err := p.logZ()
	if err != nil {
		return nil, err
	}
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
