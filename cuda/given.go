package cuda

import (
	"errors"

	"github.com/sluice-ml/sluice/cuda/kernel"
)

// This file is what a rollout is given: keys and lists of actions.

// allGiven reports whether nothing is drawn.
func (p *program) allGiven() bool {
	if p.src.Given == nil {
		return false
	}
	for _, list := range p.src.Given {
		if list == nil {
			return false
		}
	}
	return true
}

// upload enqueues what the batch's kernels read of src. Page-locked memory named here is not written before the rollout's first
// synchronisation.
func (p *program) upload() error {
	o, s := p.o, p.o.stream[0]
	k0, k1 := p.src.Key.K0, p.src.Key.K1
	d := kernel.Draw{Key0: k0, Key1: k1, Iteration: p.src.Iteration, Purpose: uint32(p.src.Purpose), First: p.src.First, Epsilon: p.src.Epsilon}
	n := copy(p.pin.draw.b, kernel.Bytes(&d))
	o.toDevice(p.held.draw.p, p.pin.draw.b[:n], s)
	if p.src.Given == nil {
		return o.failed
	}
	h, pin, m := &p.held, &p.pin, p.mem
	total, _ := p.listWords() // for which reserve has made room on the device
	if err := errors.Join(m.pin(&pin.given, total), m.pin(&pin.givenAt, p.count), m.pin(&pin.givenLen, p.count)); err != nil {
		return err
	}
	at, length, actions := as[int32](pin.givenAt.b, p.count), as[int32](pin.givenLen.b, p.count), as[int32](pin.given.b, total)
	k := 0
	for i, list := range p.src.Given {
		at[i], length[i] = int32(k), int32(len(list))
		if list == nil {
			at[i] = -1
		}
		k += copy(actions[k:], list)
	}
	actions[k] = -1 // an empty list begins somewhere, too
	o.toDevice(h.givenAt.p, raw(at), s)
	o.toDevice(h.givenLen.p, raw(length), s)
	o.toDevice(h.given.p, raw(actions), s)
	return o.failed
}
