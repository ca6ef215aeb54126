package cuda

import (
	"fmt"

	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// This file is what a rollout refuses.

// judge looks at the lanes in order, as the definition does: the lowest lane's first fault decides. full says that a lane ran out
// of rows, so the batch has to run again.
func (p *program) judge() (full bool, err error) {
	for l := range p.lanes {
		if p.host != nil && p.walked.failure[l] != nil {
			return false, p.walked.failure[l]
		}
		switch f := p.faultOf(l); f[0] {
		case kernel.FaultNone:
		case kernel.FaultCapacity:
			return true, nil
		default:
			return false, p.faultError(l, f)
		}
	}
	return false, nil
}

// faultError makes the error of package graph out of a lane's fault.
func (p *program) faultError(lane int, f []int32) error {
	w := &p.plan.World
	if err := p.mem.pin(&p.pin.faultText, p.lanes*w.Ints); err != nil {
		return err
	}
	p.o.toHost(p.pin.faultText.b[:4*p.lanes*w.Ints], p.held.faultState.p, p.o.stream[0])
	p.o.sync(p.o.stream[0])
	state := append([]int32(nil), as[int32](p.pin.faultText.b, p.lanes*w.Ints)[lane*w.Ints:][:w.Ints]...)
	t, step, action := int(f[1]), int(f[2]), f[3]
	switch f[0] {
	case kernel.FaultNoAction:
		return &graph.NoActionError{Trajectory: t, Step: step, State: state}
	case kernel.FaultSteps:
		return &graph.WorldError{Promise: fmt.Sprintf("the trajectory ends within %d steps", w.Steps), Trajectory: t, Step: step, State: state}
	case kernel.FaultGiven, kernel.FaultGivenEnd, kernel.FaultGivenMore:
		return &graph.GivenError{Trajectory: t, Step: step, Action: action, State: state}
	}
	return fmt.Errorf("cuda: lane %d reports fault %d, which is none", lane, f[0])
}
