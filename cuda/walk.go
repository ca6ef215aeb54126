package cuda

import (
	"fmt"

	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// This file is the Step entry for worlds that are Go code. The lanes are cut into two halves with a stream each: while the host steps one
// half's states, the device runs the networks on the other's rows. A half's kernels are launched over all lanes and count its own
// lanes only, the others having no live slots.

// half is some of the lanes under way.
type half struct {
	lo, hi   int // lanes
	stream   driver.Stream
	live     kernel.Live
	counters *array
	mirror   *pinned // of counters
	more     bool    // something lives
}

// walk is the rollout's state on the host.
type walk struct {
	halves  [2]half
	failure []error // of a lane, found by the host
	stepped []int32 // states of a lane after its terminal ones left
	kept    []int   // slot each of them had
	ended   []bool
}

// rollHost runs the steps of a world that host knows.
func (p *program) rollHost() {
	if p.failure = p.prepareWalk(); p.failure != nil {
		return
	}
	o, w := p.o, &p.walked
	p.startLanes()
	for step := 0; o.failed == nil && (w.halves[0].more || w.halves[1].more); step++ {
		for i := range w.halves {
			if h := &w.halves[i]; h.more {
				o.sync(h.stream)
				if o.failed == nil {
					p.stepHalf(h, step)
				}
			}
		}
	}
	p.joinHalves()
}

// prepareWalk makes room for what goes over the bus.
func (p *program) prepareWalk() error {
	s, live := &p.plan.World, p.lanes*p.slots
	for _, r := range []struct {
		h *pinned
		n int
	}{{&p.pin.state, live * s.Ints}, {&p.pin.undo, live}, {&p.pin.nextB, live * graph.Words(s.Back)}, {&p.pin.nextF, live * graph.Words(s.Actions)},
		{&p.pin.moved, live}, {&p.pin.live, live}, {&p.pin.ended, live}} {
		if err := p.mem.pin(r.h, r.n); err != nil {
			return err
		}
	}
	w := &p.walked
	w.failure = append(w.failure[:0], make([]error, p.lanes)...)
	if len(w.kept) < p.slots {
		w.kept, w.ended, w.stepped = make([]int, p.slots), make([]bool, p.slots), make([]int32, p.slots*s.Ints)
	}
	middle := p.lanes / 2
	w.halves[0] = half{lo: 0, hi: p.lanes - middle, stream: p.o.stream[0], counters: &p.held.counters, mirror: &p.pin.counters}
	w.halves[1] = half{lo: p.lanes - middle, hi: p.lanes, stream: p.o.stream[1], counters: &p.held.counters2, mirror: &p.pin.counters2}
	for i := range w.halves {
		w.halves[i].live = p.liveOf(w.halves[i].counters)
	}
	return nil
}

// part of an array of Live that belongs to lanes [lo, hi), words words a slot.
func (p *program) toDeviceSlots(a *array, h *pinned, lo, hi, words int, s driver.Stream) {
	from, to := 4*lo*p.slots*words, 4*hi*p.slots*words
	if to > from {
		p.o.toDevice(a.at(from/4), h.b[from:to], s)
	}
}

func (p *program) toHostSlots(h *pinned, a *array, lo, hi, words int, s driver.Stream) {
	from, to := 4*lo*p.slots*words, 4*hi*p.slots*words
	if to > from {
		p.o.toHost(h.b[from:to], a.at(from/4), s)
	}
}

// startLanes puts every lane at its source states.
func (p *program) startLanes() {
	o, s, w := p.o, &p.plan.World, &p.walked
	first := o.stream[0]
	for l := range p.lanes {
		n := p.countOf(l)
		states := p.slotInts(&p.pin.state, l, n, s.Ints)
		p.host.Reset(states)
		back := p.slotWords(&p.pin.nextB, l, n, graph.Words(s.Back))
		clear(back)
		p.host.Backward(back, states)
		for i := range n {
			w.kept[i], w.ended[i] = i, false
		}
		w.failure[l] = p.allow(l, n, 0, states)
	}
	p.toDeviceSlots(&p.held.state, &p.pin.state, 0, p.lanes, s.Ints, first)
	p.toDeviceSlots(&p.held.nextB, &p.pin.nextB, 0, p.lanes, graph.Words(s.Back), first)
	p.toDeviceSlots(&p.held.nextF, &p.pin.nextF, 0, p.lanes, graph.Words(s.Actions), first)
	launch(o, kernel.Begin, kernel.LanesGrid(p.lanes), first, p.rolloutArgs(w.halves[0].live, -1))
	if o.failed == nil {
		o.check(o.ctx.Record(o.event, first))
		o.check(o.ctx.Wait(o.stream[1], o.event))
	}
	for i := range w.halves {
		h := &w.halves[i]
		c := as[int32](h.mirror.b, counts*p.lanes)
		clear(c)
		for l := h.lo; l < h.hi; l++ {
			if n := int32(p.countOf(l)); w.failure[l] == nil {
				c[countLive*p.lanes+l], c[countRows*p.lanes+l], c[countSteps*p.lanes+l] = n, n, n
				h.more = true
			}
		}
		o.toDevice(h.counters.p, raw(c[:countFault*p.lanes]), h.stream)
		p.launchStep(h, 0)
	}
}

// countOf is how many trajectories lane l has.
func (p *program) countOf(l int) int { return (l+1)*p.count/p.lanes - l*p.count/p.lanes }

func (p *program) slotInts(h *pinned, l, n, words int) []int32 {
	return as[int32](h.b, len(h.b)/4)[l*p.slots*words:][:n*words]
}

func (p *program) slotWords(h *pinned, l, n, words int) []uint32 {
	return as[uint32](h.b, len(h.b)/4)[l*p.slots*words:][:n*words]
}

// launchStep enqueues a half's networks, actions and first half of the move, and fetches what the host needs for the second.
func (p *program) launchStep(h *half, step int) {
	if !h.more {
		return
	}
	o, s := p.o, &p.plan.World
	v := p.newest(&h.live)
	p.emitStep(&v, &h.live, step, h.stream)
	launch(o, kernel.Leave, kernel.LanesGrid(p.lanes), h.stream, p.rolloutArgs(h.live, step))
	n := 4 * countFault * p.lanes
	o.toHost(h.mirror.b[:n], h.counters.p, h.stream)
	o.toHost(h.mirror.b[n+16*h.lo:n+16*h.hi], p.held.counters.p+ptr(countFault*p.lanes+4*h.lo), h.stream)
	p.toHostSlots(&p.pin.state, &p.held.state, h.lo, h.hi, s.Ints, h.stream)
	p.toHostSlots(&p.pin.moved, &p.held.moved, h.lo, h.hi, 1, h.stream)
	p.toHostSlots(&p.pin.live, &p.held.live, h.lo, h.hi, 1, h.stream)
}

// stepHalf is the host's part of a move and the launch of the next step.
func (p *program) stepHalf(h *half, step int) {
	o, s, w := p.o, &p.plan.World, &p.walked
	c := as[int32](h.mirror.b, counts*p.lanes)
	left := false
	h.more = false
	for l := h.lo; l < h.hi; l++ {
		n := int(c[countLive*p.lanes+l])
		if c[countFault*p.lanes+4*l] != kernel.FaultNone {
			n = 0
		}
		if n == 0 {
			continue
		}
		left = true
		k, err := p.stepLane(l, n, step)
		if err != nil {
			w.failure[l], c[countLive*p.lanes+l] = err, 0
		} else if k > 0 {
			h.more = true
		}
	}
	if !left {
		return
	}
	o.toDevice(h.counters.p, raw(c[:p.lanes]), h.stream)
	p.toDeviceSlots(&p.held.state, &p.pin.state, h.lo, h.hi, s.Ints, h.stream)
	p.toDeviceSlots(&p.held.lastUndo, &p.pin.undo, h.lo, h.hi, 1, h.stream)
	p.toDeviceSlots(&p.held.nextB, &p.pin.nextB, h.lo, h.hi, graph.Words(s.Back), h.stream)
	p.toDeviceSlots(&p.held.nextF, &p.pin.nextF, h.lo, h.hi, graph.Words(s.Actions), h.stream)
	if s.Stop < 0 {
		p.toDeviceSlots(&p.held.terminal, &p.pin.ended, h.lo, h.hi, 1, h.stream)
	}
	grid := kernel.LanesGrid(p.lanes)
	launch(o, kernel.Settle, grid, h.stream, p.rolloutArgs(h.live, step))
	launch(o, kernel.Append, grid, h.stream, p.rolloutArgs(h.live, step))
	p.launchStep(h, step+1)
}

// stepLane steps the n live states of a lane and says how many stay, as settle will find on the device.
func (p *program) stepLane(l, n, step int) (int, error) {
	s, w := &p.plan.World, &p.walked
	states, undo := p.slotInts(&p.pin.state, l, n, s.Ints), p.slotInts(&p.pin.undo, l, n, 1)
	back := p.slotWords(&p.pin.nextB, l, n, graph.Words(s.Back))
	p.host.Step(undo, states, p.slotInts(&p.pin.moved, l, n, 1))
	clear(back)
	p.host.Backward(back, states)
	for i := range n {
		words := graph.Words(s.Back)
		if b := graph.Beyond(back[i*words:(i+1)*words], s.Back); b >= 0 {
			return 0, &graph.WorldError{Promise: fmt.Sprintf("undo actions are 0..%d, here Backward allows %d", s.Back-1, b),
				Trajectory: int(p.slotInts(&p.pin.live, l, n, 1)[i]), Step: step + 1, State: copyState(states, i, s.Ints)}
		}
	}
	ended := w.ended[:n]
	clear(ended)
	if s.Stop < 0 {
		p.host.Terminal(ended, states)
		live, flags := p.slotInts(&p.pin.live, l, n, 1), p.slotInts(&p.pin.ended, l, n, 1)
		for i, e := range ended {
			flags[i] = bit(e)
			if t := live[i]; e && p.src.Given != nil && p.src.Given[t] != nil && len(p.src.Given[t]) != step+1 {
				return 0, &graph.GivenError{Trajectory: int(t), Step: step + 1, Action: p.src.Given[t][step+1], State: copyState(states, i, s.Ints)}
			}
		}
	}
	k := 0
	for i := range n {
		if !ended[i] || s.EndRows {
			copy(w.stepped[k*s.Ints:(k+1)*s.Ints], states[i*s.Ints:(i+1)*s.Ints])
			w.kept[k] = i
			k++
		}
	}
	return k, p.allow(l, k, step+1, w.stepped[:k*s.Ints])
}

// allow asks for the forward masks of a lane's k next rows and refuses what a world in Go may have written that would be read out of
// bounds later, or from the wrong place.
func (p *program) allow(l, k, step int, states []int32) error {
	s, w := &p.plan.World, &p.walked
	fw, bw := graph.Words(s.Actions), graph.Words(s.Back)
	mask := p.slotWords(&p.pin.nextF, l, k, fw)
	clear(mask)
	if s.Stop >= 0 {
		for i := range k {
			mask[i*fw+s.Stop/32] |= 1 << (s.Stop % 32)
		}
	}
	p.host.Forward(mask, states)
	trajectory := func(i int) int {
		if step == 0 {
			return l*p.count/p.lanes + i
		}
		return int(p.slotInts(&p.pin.live, l, w.kept[i]+1, 1)[w.kept[i]])
	}
	broken := func(i int, promise string) error {
		return &graph.WorldError{Promise: promise, Trajectory: trajectory(i), Step: step, State: copyState(states, i, s.Ints)}
	}
	for i := range k {
		if w.ended[w.kept[i]] {
			continue // its end row has no forward mask
		}
		any := uint32(0)
		for _, m := range mask[i*fw : (i+1)*fw] {
			any |= m
		}
		if any == 0 {
			return &graph.NoActionError{Trajectory: trajectory(i), Step: step, State: copyState(states, i, s.Ints)}
		}
		if step >= s.Steps {
			return broken(i, fmt.Sprintf("the trajectory ends within %d steps", s.Steps))
		}
	}
	for i := range k {
		for _, v := range states[i*s.Ints : (i+1)*s.Ints] {
			if v < 0 || int(v) >= s.Values {
				return broken(i, fmt.Sprintf("registers are in 0..%d", s.Values-1))
			}
		}
		if a := graph.Beyond(mask[i*fw:(i+1)*fw], s.Actions); a >= 0 {
			return broken(i, fmt.Sprintf("actions are 0..%d, here Forward allows %d", s.Actions-1, a))
		}
		if step == 0 {
			continue
		}
		at := w.kept[i]
		u := int(p.slotInts(&p.pin.undo, l, at+1, 1)[at])
		if u < 0 || u >= s.Back || p.slotWords(&p.pin.nextB, l, at+1, bw)[at*bw+u/32]>>(u%32)&1 == 0 {
			return broken(i, fmt.Sprintf("the undo action of a step, here %d, is one that Backward allows", u))
		}
	}
	return nil
}

func copyState(states []int32, i, ints int) []int32 {
	return append([]int32(nil), states[i*ints:(i+1)*ints]...)
}

// joinHalves puts the second half's counts beside the first's and fetches what Rollout returns.
func (p *program) joinHalves() {
	o, h := p.o, &p.walked.halves[1]
	o.sync(h.stream)
	for _, which := range []int{countLive, countFrom, countRows, countSteps} {
		at := ptr(which*p.lanes + h.lo)
		if n := int64(4 * (h.hi - h.lo)); n > 0 && o.failed == nil {
			o.check(o.ctx.Copy(p.held.counters.p+at, p.held.counters2.p+at, n, o.stream[0]))
		}
	}
	launch(o, kernel.Tally, kernel.OneGrid(), o.stream[0], p.tallyArgs())
	p.emitScore()
	p.download()
	o.sync(o.stream[0])
}
