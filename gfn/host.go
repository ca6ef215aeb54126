package gfn

import (
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
)

// This file is the bridge from a device to a world in Go.

// host is a Go world as a device steps it.
type host struct {
	w        world.World
	terminal world.Terminal // nil where there is a stop action
	spec     world.Spec
}

var _ graph.Host = (*host)(nil)

// newHost is nil for a world that is data: the device steps that by itself.
func newHost(w world.World) graph.Host {
	if _, data := w.(world.Mover); data {
		return nil
	}
	t, _ := w.(world.Terminal)
	return &host{w: w, terminal: t, spec: w.Spec()}
}

func (h *host) Reset(states []int32) { h.w.Reset(states) }

func (h *host) Forward(mask []uint32, states []int32) { h.w.Forward(h.spec.ForwardMasks(mask), states) }

func (h *host) Backward(mask []uint32, states []int32) {
	h.w.Backward(h.spec.BackwardMasks(mask), states)
}

func (h *host) Step(undo, states, actions []int32) { h.w.Step(undo, states, actions) }

func (h *host) Terminal(dst []bool, states []int32) { h.terminal.Terminal(dst, states) }
