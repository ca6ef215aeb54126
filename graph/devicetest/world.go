package devicetest

import (
	"math/rand/v2"

	"github.com/sluice-ml/sluice/graph"
)

// This file is the worlds of the tests and the trajectories given to both devices.

// shapeOf is how a job describes a world that is data.
func shapeOf(m graph.Moves, learned bool) graph.Shape {
	s := graph.Shape{Ints: m.Registers, Active: m.Registers, Features: m.Registers * m.Values, Values: m.Values,
		Actions: m.Forward(), Stop: -1, Back: m.Backward(), Steps: m.Steps(), Moves: &m}
	if m.Stop == graph.StopAnywhere {
		s.Stop = m.Forward()
		s.Actions++
	}
	s.EndRows = learned && s.Stop < 0 && s.Back > 1
	return s
}

// host steps a world that is data as if it were Go code.
type host struct{ m graph.Moves }

var _ graph.Host = host{}

func (h host) Reset(states []int32) { clear(states) }

func (h host) Forward(mask []uint32, states []int32) {
	k := h.m.Registers
	n := len(states) / k
	for i := range n {
		words := len(mask) / n
		h.m.MaskForward(mask[i*words:(i+1)*words], states[i*k:(i+1)*k])
	}
}

func (h host) Backward(mask []uint32, states []int32) {
	k := h.m.Registers
	n := len(states) / k
	for i := range n {
		words := len(mask) / n
		h.m.MaskBackward(mask[i*words:(i+1)*words], states[i*k:(i+1)*k])
	}
}

func (h host) Step(undo, states, actions []int32) {
	k := h.m.Registers
	for i, a := range actions {
		undo[i] = int32(h.m.Step(states[i*k:(i+1)*k], int(a)))
	}
}

func (h host) Terminal(dst []bool, states []int32) {
	k := h.m.Registers
	for i := range dst {
		dst[i] = h.m.Terminal(states[i*k : (i+1)*k])
	}
}

// allowed reports bit a of a mask.
func allowed(mask []uint32, a int) bool { return mask[a/32]>>(a%32)&1 != 0 }

// given is random trajectories of m with rows rows in all; where m has no stop action all are of one length, so there may be a
// few rows more.
func given(m graph.Moves, endRows bool, rows int, seed uint64) (list [][]int32, have int) {
	r := rand.New(rand.NewPCG(seed, uint64(rows)))
	for have < rows {
		length := m.Steps()
		if m.Stop == graph.StopAnywhere {
			length = 1 + r.IntN(min(length, rows-have))
		}
		actions := walk(m, length, r)
		list = append(list, actions)
		have += len(actions)
		if endRows {
			have++
		}
	}
	return list, have
}

// walk is one random trajectory of n actions.
func walk(m graph.Moves, n int, r *rand.Rand) []int32 {
	s := make([]int32, m.Registers)
	mask := make([]uint32, graph.Words(m.Forward()+1))
	var out []int32
	for len(out) < n {
		if m.Stop == graph.StopAnywhere && len(out) == n-1 {
			return append(out, int32(m.Forward()))
		}
		m.MaskForward(mask, s)
		a := r.IntN(m.Forward())
		for !allowed(mask, a) {
			a = (a + 1) % m.Forward()
		}
		m.Step(s, a)
		out = append(out, int32(a))
	}
	return out
}

// logR is a made-up reward of the objects of a batch, exact in float32.
func logR(dst []float32, terminal []int32, ints int) []float32 {
	dst = dst[:0]
	for i := range len(terminal) / ints {
		h := float32(-.25)
		for k, v := range terminal[i*ints : (i+1)*ints] {
			h += float32((k%5+1)*int(v)%7-2) / 8
		}
		dst = append(dst, h)
	}
	return dst
}
