package cpu

import (
	"errors"

	"github.com/sluice-ml/sluice/graph"
)

// movesHost steps a world that is data.
type movesHost struct{ m *graph.Moves }

var _ graph.Host = movesHost{}

func (h movesHost) Reset(states []int32) { clear(states) }

func (h movesHost) Forward(mask []uint32, states []int32) {
	words, k := len(mask)*h.m.Registers/max(len(states), 1), h.m.Registers
	for i := 0; i*k < len(states); i++ {
		h.m.MaskForward(mask[i*words:(i+1)*words], states[i*k:(i+1)*k])
	}
}

func (h movesHost) Backward(mask []uint32, states []int32) {
	words, k := len(mask)*h.m.Registers/max(len(states), 1), h.m.Registers
	for i := 0; i*k < len(states); i++ {
		h.m.MaskBackward(mask[i*words:(i+1)*words], states[i*k:(i+1)*k])
	}
}

func (h movesHost) Step(undo, states, actions []int32) {
	k := h.m.Registers
	for i, a := range actions {
		undo[i] = int32(h.m.Step(states[i*k:(i+1)*k], int(a)))
	}
}

func (h movesHost) Terminal(dst []bool, states []int32) {
	k := h.m.Registers
	for i := range dst {
		dst[i] = h.m.Terminal(states[i*k : (i+1)*k])
	}
}

var errNoHost = errors.New("cpu: the world is Go code, so a rollout needs a host to step it")
