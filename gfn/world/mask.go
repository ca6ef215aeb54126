package world

import "math/bits"

// This file is action masks: bitsets, bit a%32 of word a/32 for action a.

// Mask is the actions of one state. It is a view: copies share the bits.
type Mask struct {
	Bits  []uint32
	Moves int // actions that All allows; the stop action, where there is one, is number Moves
}

// All allows every move and leaves the stop action as it is.
func (m Mask) All() {
	full := m.Moves / 32
	for i := range full {
		m.Bits[i] = ^uint32(0)
	}
	if rest := m.Moves % 32; rest != 0 {
		m.Bits[full] |= 1<<rest - 1
	}
}

// Allow allows action i.
func (m Mask) Allow(i int) { m.Bits[i/32] |= 1 << (i % 32) }

// Deny forbids action i; Deny(m.Moves) forbids the stop action.
func (m Mask) Deny(i int) { m.Bits[i/32] &^= 1 << (i % 32) }

// Allowed reports whether action i is allowed.
func (m Mask) Allowed(i int) bool { return m.Bits[i/32]>>(i%32)&1 == 1 }

// Count is the number of allowed actions, stop included.
func (m Mask) Count() (n int) {
	for _, w := range m.Bits {
		n += bits.OnesCount32(w)
	}
	return n
}

// Masks is the masks of a batch, row after row.
type Masks struct {
	Bits  []uint32 // [rows x Words]
	Words int
	Moves int // as in Mask
}

// Row is the mask of state i of the batch.
func (m Masks) Row(i int) Mask {
	return Mask{Bits: m.Bits[i*m.Words : (i+1)*m.Words : (i+1)*m.Words], Moves: m.Moves}
}

// Rows is the number of masks.
func (m Masks) Rows() int { return len(m.Bits) / m.Words }

// Reset prepares masks for a world's Forward or Backward: nothing allowed but, where stop is true, the stop action.
func (m Masks) Reset(stop bool) {
	clear(m.Bits)
	if !stop {
		return
	}
	for at := m.Moves / 32; at < len(m.Bits); at += m.Words {
		m.Bits[at] = 1 << (m.Moves % 32)
	}
}
