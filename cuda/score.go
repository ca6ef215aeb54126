package cuda

import (
	"errors"
	"fmt"

	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// This file is log R of a Plan with a Reward: computed where the objects are, and downloaded with them.

// holdScore brings classes and table to the device, where they stay.
func (p *program) holdScore() error {
	s, h := p.plan.Reward, &p.held
	if s == nil {
		return nil
	}
	err := errors.Join(p.mem.grow(&h.classes, len(s.Class), false), p.mem.grow(&h.table, len(s.LogR), false))
	if err != nil {
		return err
	}
	p.o.bring(h.classes.p, raw(s.Class))
	p.o.bring(h.table.p, raw(s.LogR))
	return p.o.failed
}

// bring copies any host memory to the device, by way of the page-locked stage.
func (o *owner) bring(dst driver.Ptr, src []byte) {
	for len(src) > 0 && o.failed == nil {
		n := copy(o.stage, src)
		o.toDevice(dst, o.stage[:n], o.stream[0])
		o.sync(o.stream[0])
		dst, src = dst+driver.Ptr(n), src[n:]
	}
}

// emitScore looks up log R of every slot of terminals. That of a trajectory under way holds an older object or none, and is looked up again.
func (p *program) emitScore() {
	s, h := p.plan.Reward, &p.held
	if s == nil {
		return
	}
	launch(p.o, kernel.Score, kernel.JointGrid(p.count), p.o.stream[0], kernel.ScoreArgs{State: h.terminals.u(0), Classes: h.classes.u(0),
		LogR: h.table.u(0), Out: h.logR.u(0), Count: int32(p.count), Ints: int32(p.plan.World.Ints), Values: int32(len(s.Class)),
		Kind: int32(s.Key), Base: int32(s.Base)})
}

// downloadEnds fetches how long trajectories are, what they end in, and log R of that where it is there.
func (p *program) downloadEnds() {
	o, s := p.o, p.o.stream[0]
	o.toHost(p.pin.length.b[:4*p.count], p.held.length.p, s)
	o.toHost(p.pin.terminal.b[:4*p.count*p.plan.World.Ints], p.held.terminals.p, s)
	if p.plan.Reward != nil {
		o.toHost(p.pin.logR.b[:4*p.count], p.held.logR.p, s)
	}
}

// checkScored refuses an object that has no log R: one of a world in Go, at whose ends nobody has looked yet.
func (p *program) checkScored(b graph.Batch) error {
	ints := p.plan.World.Ints
	for t := range b.Count {
		if x := b.Terminal[t*ints : (t+1)*ints]; !p.plan.Reward.Has(x) {
			return &graph.WorldError{Promise: fmt.Sprintf("registers are in 0..%d", p.plan.World.Values-1),
				Trajectory: t, Step: int(b.Length[t]), State: append([]int32(nil), x...)}
		}
	}
	return nil
}
