package world

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/sluice-ml/sluice/graph"
)

// This file is the contract between a world and the engine, and the capabilities discovered beside it.

// World is a pointed directed acyclic graph, asked a batch at a time. A batch s is n states of Spec().Ints registers,
// one after the other; the other arguments have n entries. Methods keep no mutable state, allocate nothing where speed
// matters, and are called concurrently on disjoint batches.
type World interface {
	Spec() Spec

	// Reset writes the source into every state of s.
	Reset(s []int32)

	// Forward allows the moves of every state. The engine has cleared m and set the stop action (Masks.Reset), which a
	// world takes back with Deny(Forward) in states where a trajectory must go on. s is only read.
	Forward(m Masks, s []int32)

	// Backward allows the undo actions of every state, none at the source. The engine has cleared m. s is only read.
	Backward(m Masks, s []int32)

	// Step applies the allowed move a[i] < Forward to state i and writes the undo action that takes it back.
	Step(undo []int32, s []int32, a []int32)

	// Undo applies the allowed undo action b[i] to state i and writes the move that leads forward again.
	Undo(act []int32, s []int32, b []int32)
}

// Terminal is what a world without a stop action has to be as well: dst[i] is whether a trajectory ends on reaching
// state i. Nothing is asked of such a state but its reward and its parents. In a world with a stop action only that
// action ends a trajectory, and Terminal is not asked.
type Terminal interface {
	Terminal(dst []bool, s []int32)
}

// AllTerminal is a world that knows whether a trajectory may end in every one of its states, the source included:
// what a balance that reads R in every state asks for. worldtest holds it to its word.
type AllTerminal interface {
	AllTerminal() bool
}

// Mover is a world that is data, so that a device can step it by itself.
type Mover interface {
	Moves() graph.Moves
}

// Enumerator is a world with a closed form numbering of its states, 0..n-1, all of them reachable.
type Enumerator interface {
	// States is their number, or the reason why they cannot be numbered (*TooLargeError).
	States() (n int, err error)
	// Index is the number of s, -1 if s is not a state; registers are in 0..Values-1. Numbers are exact: no two
	// states share one.
	Index(s []int32) int
	// State writes state i into dst.
	State(dst []int32, i int)
}

// Texter is a world whose states read as something better than a list of registers. Different states have different
// texts.
type Texter interface {
	Text(s []int32) string
}

// Text is the state s for people: the world's own text or else its registers, "(3,0,7)".
func Text(w World, s []int32) string {
	if t, ok := w.(Texter); ok {
		return t.Text(s)
	}
	return registers(s)
}

func registers(s []int32) string {
	b := []byte{'('}
	for i, v := range s {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(v), 10)
	}
	return string(append(b, ')'))
}

// errKeeper is a world that was built from something wrong and says so when asked.
type errKeeper interface{ err() error }

var (
	errNil        = errors.New("world: no world")
	errNoTerminal = errors.New("world: no stop action and no Terminal method: trajectories would never end")
)

// Err is what is wrong with w before any state is asked: an error kept by Each, FromMoves or Hypergrid, sizes that
// cannot be used, or a missing Terminal. Train and Enumerate call it first.
func Err(w World) error {
	if w == nil {
		return errNil
	}
	if k, ok := w.(errKeeper); ok {
		if err := k.err(); err != nil {
			return err
		}
	}
	spec := w.Spec()
	if err := spec.Validate(); err != nil {
		return fmt.Errorf("%w (of %T)", err, w)
	}
	if _, ok := w.(Terminal); !ok && !spec.Stop {
		return fmt.Errorf("%w (%T)", errNoTerminal, w)
	}
	return nil
}
