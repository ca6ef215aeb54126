package gfn

import (
	"fmt"
	"math"

	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
)

// This file is rewards: by the device where they are data, by Go where they are code.

// scoreOf is the job's reward as data, nil if it is code.
func scoreOf(job *Job) (*graph.Score, error) {
	s, ok := job.LogReward.(reward.Scorer)
	if !ok {
		return nil, nil
	}
	score := s.Score(job.World)
	if score == nil {
		return nil, nil
	}
	spec := job.World.Spec()
	if err := score.Validate(spec.Ints, spec.Values); err != nil {
		return nil, fmt.Errorf("gfn: LogReward %T: %w", job.LogReward, err)
	}
	return score, nil
}

// rewards is log R of a batch of either program: what the device found, or else what the reward says, in room if that is large enough.
func (p *Policy) rewards(room []float32, batch graph.Batch) ([]float32, error) {
	if batch.LogR != nil && p.held {
		return batch.LogR, nil
	}
	job, ints := &p.model.job, p.model.spec.Ints
	if cap(room) < batch.Count {
		room = make([]float32, batch.Count)
	}
	logR, err := reward.Check(job.LogReward, room[:batch.Count], batch.Terminal, ints, job.World)
	if err != nil || batch.LogR == nil {
		return logR, err
	}
	// A type that embeds a Scorer and rewards otherwise would train on what it does not say: the first batch shows it.
	for i, want := range logR {
		x := batch.Terminal[i*ints : (i+1)*ints]
		if v := p.model.judge.Score.At(x); math.Float32bits(v) != math.Float32bits(want) {
			return nil, fmt.Errorf("LogReward %T: log R of state %s is %v by LogReward, %v by Score", job.LogReward, world.Text(job.World, x), want, v)
		}
	}
	p.held = true
	return batch.LogR, nil
}
