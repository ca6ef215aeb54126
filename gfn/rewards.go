package gfn

import (
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/graph"
)

// This file is log R of a batch: by the device where the reward is data, by Go where it is code.

// rewards is what the device found or, if it has no reward, what the job's reward says, in room if that is large enough.
func (m *model) rewards(room []float32, batch graph.Batch) ([]float32, error) {
	if batch.LogR != nil {
		return batch.LogR, nil
	}
	if cap(room) < batch.Count {
		room = make([]float32, batch.Count)
	}
	return reward.Check(m.job.LogReward, room[:batch.Count], batch.Terminal, m.spec.Ints, m.job.World)
}
