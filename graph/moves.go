package graph

import (
	"fmt"
	"math"
)

// This file is the moves of a world as data: what a device needs in order to step states without calling Go.

// MoveKind says what one move does to the registers of a state. In every kind the source is all zeros.
type MoveKind uint8

const (
	// Increment is one action a register: action i adds 1 to register i while s[i]+1 < Values; undo action i
	// subtracts 1 while s[i] > 0. A state has as many parents as it has non-zero registers.
	Increment MoveKind = iota
	// Append is one action a letter: action a writes a+1 into the first empty (zero) register while one is empty.
	// The only undo action empties the last non-empty register, so the states form a tree.
	Append
)

func (k MoveKind) String() string {
	switch k {
	case Increment:
		return "increment"
	case Append:
		return "append"
	}
	return fmt.Sprintf("MoveKind(%d)", uint8(k))
}

// StopRule says how a trajectory ends.
type StopRule uint8

const (
	// StopAnywhere gives every state the stop action, numbered Forward().
	StopAnywhere StopRule = iota
	// StopFull has no stop action: a trajectory ends in the first state that has no move left.
	StopFull
)

func (r StopRule) String() string {
	switch r {
	case StopAnywhere:
		return "stop anywhere"
	case StopFull:
		return "stop when full"
	}
	return fmt.Sprintf("StopRule(%d)", uint8(r))
}

// Moves describes a world whose states are Registers integers in 0..Values-1. It is a plain value: methods allocate
// nothing and keep nothing, and expect a state of exactly Registers integers. The methods that take a state are the
// definition that every device's own loop must equal; they are called on valid Moves only (see Validate).
type Moves struct {
	Kind              MoveKind
	Registers, Values int
	Stop              StopRule
}

// Validate names the first field that cannot be used.
func (m Moves) Validate() error {
	switch {
	case m.Kind > Append:
		return fmt.Errorf("graph: Moves.Kind is %v, want increment or append", m.Kind)
	case m.Stop > StopFull:
		return fmt.Errorf("graph: Moves.Stop is %v, want stop anywhere or stop when full", m.Stop)
	case m.Registers < 1:
		return fmt.Errorf("graph: Moves.Registers is %d, want at least 1", m.Registers)
	case m.Values < 2:
		return fmt.Errorf("graph: Moves.Values is %d, want at least 2", m.Values)
	// Divided, not multiplied: the product itself might overflow. Features are numbered register*Values + value, so
	// this one bound keeps features, actions and steps inside int32 on every device.
	case m.Values > math.MaxInt32/m.Registers:
		return fmt.Errorf("graph: Moves.Registers * Moves.Values is %d * %d, more than %d (features are int32)",
			m.Registers, m.Values, math.MaxInt32)
	}
	return nil
}

// Forward is the number of forward moves; stop, where there is one, is the action of this number.
func (m Moves) Forward() int {
	if m.Kind == Append {
		return m.Values - 1
	}
	return m.Registers
}

// Backward is the number of undo actions.
func (m Moves) Backward() int {
	if m.Kind == Append {
		return 1
	}
	return m.Registers
}

// Steps is the number of actions in the longest trajectory, stop included.
func (m Moves) Steps() int {
	n := m.Registers
	if m.Kind == Increment {
		n *= m.Values - 1
	}
	if m.Stop == StopAnywhere {
		n++
	}
	return n
}

// MaskForward writes the allowed actions of s as a bitset: action a is bit a%32 of word a/32. All words of dst are
// written; it has room for Forward() bits and, under StopAnywhere, the stop bit, which is always set.
func (m Moves) MaskForward(dst []uint32, s []int32) {
	switch m.Kind {
	case Increment:
		top := int32(m.Values - 1)
		for w := range dst {
			word := uint32(0)
			for i, v := range wordOf(s, w) {
				word |= uint32(v-top) >> 31 << i // v < top, without a branch
			}
			dst[w] = word
		}
	case Append:
		clear(dst)
		// Registers fill in order, so one is empty exactly when the last one is.
		if s[len(s)-1] == 0 {
			for a := range m.Values - 1 {
				dst[a/32] |= 1 << (a % 32)
			}
		}
	}
	if m.Stop == StopAnywhere {
		stop := m.Forward()
		dst[stop/32] |= 1 << (stop % 32)
	}
}

// MaskBackward writes the allowed undo actions of s as a bitset of Backward() bits; it is empty only at the source.
func (m Moves) MaskBackward(dst []uint32, s []int32) {
	switch m.Kind {
	case Increment:
		for w := range dst {
			word := uint32(0)
			for i, v := range wordOf(s, w) {
				word |= uint32(-v) >> 31 << i // v > 0
			}
			dst[w] = word
		}
	case Append:
		clear(dst)
		if s[0] != 0 {
			dst[0] = 1
		}
	}
}

// wordOf is the registers whose bits lie in word w of a mask, if any.
func wordOf(s []int32, w int) []int32 {
	return s[min(32*w, len(s)):min(32*w+32, len(s))]
}

// Step applies the allowed move a to s and returns the undo action that takes it back.
func (m Moves) Step(s []int32, a int) (undo int) {
	if m.Kind == Append {
		s[m.Filled(s)] = int32(a + 1)
		return 0
	}
	s[a]++
	return a
}

// Undo applies the allowed undo action b to s and returns the move that leads forward again.
func (m Moves) Undo(s []int32, b int) (a int) {
	if m.Kind == Append {
		last := m.Filled(s) - 1
		a = int(s[last]) - 1
		s[last] = 0
		return a
	}
	s[b]--
	return b
}

// Terminal reports whether a trajectory ends on reaching s by itself: s has no move left and there is no stop action.
// It is false everywhere under StopAnywhere, where only the stop action ends a trajectory.
func (m Moves) Terminal(s []int32) bool {
	if m.Stop != StopFull {
		return false
	}
	if m.Kind == Append {
		return s[len(s)-1] != 0
	}
	for _, v := range s {
		if int(v)+1 < m.Values {
			return false
		}
	}
	return true
}

// String is for people: "increment 4 registers of 20 values, stop anywhere".
func (m Moves) String() string {
	return fmt.Sprintf("%v %d registers of %d values, %v", m.Kind, m.Registers, m.Values, m.Stop)
}

// Filled is the number of non-zero registers before the first zero one: for Append, the letters so far.
func (m Moves) Filled(s []int32) int {
	for i, v := range s {
		if v == 0 {
			return i
		}
	}
	return len(s)
}
