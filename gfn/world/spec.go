package world

import (
	"fmt"
	"math"

	"github.com/sluice-ml/sluice/graph"
)

// This file is the sizes of a world, from which every buffer of a run is laid out.

// Spec is the sizes of a world. Forward and Backward count moves only: where there is a stop action it is action
// number Forward, it is never passed to Step and it has no undo action.
type Spec struct {
	Ints     int  // integers in a state
	Values   int  // each of them is in 0..Values-1; one-hot features are register*Values + value
	Forward  int  // forward moves, numbered from 0
	Backward int  // undo actions, numbered from 0; 1 makes every state but the source have one parent
	Stop     bool // there is a stop action; without one the world has to be a Terminal
	Steps    int  // actions in the longest trajectory, stop included
}

// Validate names the first field that cannot be used.
func (s Spec) Validate() error {
	for _, f := range []struct {
		name      string
		have, min int
	}{
		{"Ints", s.Ints, 1}, {"Values", s.Values, 2}, {"Forward", s.Forward, 1},
		{"Backward", s.Backward, 1}, {"Steps", s.Steps, 1},
	} {
		if f.have < f.min {
			return fmt.Errorf("world: Spec.%s is %d, want at least %d", f.name, f.have, f.min)
		}
		if f.have > math.MaxInt32-1 { // -1: Forward plus the stop action has to fit as well
			return fmt.Errorf("world: Spec.%s is %d, want less than %d", f.name, f.have, math.MaxInt32)
		}
	}
	if s.Values > math.MaxInt32/s.Ints {
		return fmt.Errorf("world: Spec.Ints * Spec.Values is %d * %d, more than %d (features are int32)",
			s.Ints, s.Values, math.MaxInt32)
	}
	return nil
}

// Actions is the number of forward actions, stop included.
func (s Spec) Actions() int {
	if s.Stop {
		return s.Forward + 1
	}
	return s.Forward
}

// Words is the number of uint32 words in a forward mask.
func (s Spec) Words() int { return graph.Words(s.Actions()) }

// BackwardWords is the number of uint32 words in a backward mask.
func (s Spec) BackwardWords() int { return graph.Words(s.Backward) }

// ForwardMasks views bits, which holds whole rows of Words words, as forward masks.
func (s Spec) ForwardMasks(bits []uint32) Masks {
	return Masks{Bits: bits, Words: s.Words(), Moves: s.Forward}
}

// BackwardMasks views bits, which holds whole rows of BackwardWords words, as backward masks.
func (s Spec) BackwardMasks(bits []uint32) Masks {
	return Masks{Bits: bits, Words: s.BackwardWords(), Moves: s.Backward}
}
