package cpu

import (
	"fmt"

	"github.com/sluice-ml/sluice/graph"
)

// This file is log R of a Plan with a Reward.

// score is  logR[t] = RewardTable.At(terminal[t])  for the lane's trajectories, all of which have ended. Where a trajectory ends in a world
// that is Go code nobody has looked at the registers yet.
func (p *program[T]) score(l *lane[T]) error {
	s, ints := p.plan.Reward, p.plan.World.Ints
	for t := l.first; t < l.first+l.count; t++ {
		x := p.terminal[t*ints : (t+1)*ints]
		if !s.Has(x) {
			return &graph.WorldError{Promise: fmt.Sprintf("registers are in 0..%d", p.plan.World.Values-1),
				Trajectory: t, Step: int(p.length[t]), State: append([]int32(nil), x...)}
		}
		p.scored[t] = s.At(x)
		p.logR[t] = T(p.scored[t])
	}
	return nil
}
