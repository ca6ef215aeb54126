package world

import (
	"errors"
	"fmt"
)

// This file lists the states of a small world.

// DefaultLimit is the number of states up to which Enumerate, and so exact evaluation, goes when it is given no limit.
const DefaultLimit = 2_000_000

// maxStates keeps state numbers in int32 with room to spare.
const maxStates = 1 << 30

// batch is how many states are asked at once: enough to make calls cheap, few enough to stay in cache.
const batch = 1024

// Enumerate finds every state that moves reach from the source and puts them in topological order. A state may be
// reached at different depths. limit 0 means DefaultLimit; a larger world is a *TooLargeError, found before any search
// if the world is an Enumerator. A state without an allowed action is a *NoActionError, a cycle a *CycleError.
func Enumerate(w World, limit int) (*Space, error) {
	if err := Err(w); err != nil {
		return nil, err
	}
	if limit <= 0 {
		limit = DefaultLimit
	}
	limit = min(limit, maxStates)
	enum, _ := w.(Enumerator)
	states := 0
	if enum != nil {
		n, err := enum.States()
		var large *TooLargeError
		switch {
		case errors.As(err, &large):
			return nil, &TooLargeError{States: large.States, Limit: limit}
		case err != nil:
			return nil, err
		case n > limit:
			return nil, &TooLargeError{States: float64(n), Limit: limit}
		}
		states = n
	}
	spec := w.Spec()
	x := explorer{w: w, limit: limit, Space: &Space{Ints: spec.Ints, spec: spec, find: newTable(enum, states)}}
	if err := x.explore(); err != nil {
		return nil, err
	}
	if err := x.order(w); err != nil {
		return nil, err
	}
	x.BMask = make([]uint32, x.N*spec.BackwardWords())
	w.Backward(x.BackwardMasks(), x.States)
	return x.Space, nil
}

// explorer is a breadth-first search; Space holds the states in order of discovery until order sorts them.
type explorer struct {
	*Space
	w     World
	limit int

	children []int32 // [children x Ints] of the batch in hand
}

func (x *explorer) explore() error {
	source := make([]int32, x.Ints)
	x.w.Reset(source)
	if _, err := x.visit(source, source); err != nil {
		return err
	}
	for lo := 0; lo < x.N; {
		hi := min(lo+batch, x.N)
		if err := x.expand(lo, hi); err != nil {
			return err
		}
		lo = hi
	}
	x.First = append(x.First, int32(len(x.Child)))
	return nil
}

// expand appends masks and edges of the states lo..hi-1, and the states that these edges discover.
func (x *explorer) expand(lo, hi int) error {
	words, forward := x.spec.Words(), x.spec.Forward
	parents := x.States[lo*x.Ints : hi*x.Ints]
	x.Mask = append(x.Mask, make([]uint32, (hi-lo)*words)...)
	x.Terminal = append(x.Terminal, make([]bool, hi-lo)...)
	x.Stop = append(x.Stop, make([]bool, hi-lo)...)
	masks := x.spec.ForwardMasks(x.Mask[lo*words:])
	masks.Reset(x.spec.Stop)
	x.w.Forward(masks, parents)
	if !x.spec.Stop {
		x.w.(Terminal).Terminal(x.Terminal[lo:], parents)
	}
	edges := len(x.Child)
	x.children = x.children[:0]
	for i := range hi - lo {
		x.First = append(x.First, int32(len(x.Action)))
		m, parent := masks.Row(i), parents[i*x.Ints:(i+1)*x.Ints]
		if x.Terminal[lo+i] {
			clear(m.Bits)
			continue
		}
		if m.Count() == 0 {
			return &NoActionError{State: Text(x.w, parent)}
		}
		x.Stop[lo+i] = x.spec.Stop && m.Allowed(forward)
		for a := range forward {
			if m.Allowed(a) {
				x.Action = append(x.Action, int32(a))
				x.children = append(x.children, parent...)
			}
		}
	}
	if len(x.Action) > maxStates {
		return &TooLargeError{Limit: x.limit}
	}
	moves := x.Action[edges:]
	x.Undo = append(x.Undo, make([]int32, len(moves))...)
	x.w.Step(x.Undo[edges:], x.children, moves)
	parent := lo
	for e := range moves {
		for parent+1 < len(x.First) && int(x.First[parent+1]) <= edges+e {
			parent++
		}
		id, err := x.visit(x.children[e*x.Ints:(e+1)*x.Ints], x.State(parent))
		if err != nil {
			return err
		}
		x.Child = append(x.Child, int32(id))
	}
	return nil
}

// visit is the number of state s, a new one if s was not met before.
func (x *explorer) visit(s, parent []int32) (int, error) {
	for r, v := range s {
		if v < 0 || int(v) >= x.spec.Values {
			return 0, &ValuesError{State: Text(x.w, parent), Register: r, Value: int(v), Values: x.spec.Values}
		}
	}
	slot := x.find.slot(s, x.States)
	if slot < 0 {
		return 0, fmt.Errorf("world: Index of state %s is outside 0..%d", Text(x.w, s), len(x.find.slots)-1)
	}
	if id := x.find.at(slot, s, x.States); id >= 0 {
		return id, nil
	}
	if other := int(x.find.slots[slot]) - 1; other >= 0 {
		return 0, fmt.Errorf("world: states %s and %s share index %d", Text(x.w, x.State(other)), Text(x.w, s), slot)
	}
	if x.N == x.limit {
		return 0, &TooLargeError{Limit: x.limit}
	}
	id := x.N
	x.N++
	x.States = append(x.States, s...)
	x.find.put(slot, id, x.Ints, x.States)
	return id, nil
}
