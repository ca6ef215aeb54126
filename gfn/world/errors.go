package world

import (
	"errors"
	"fmt"
	"math"
)

// This file is the errors a world can cause, for errors.Is and errors.As.

// ErrNoAction is wrapped by NoActionError.
var ErrNoAction = errors.New("world: every action is masked")

// NoActionError names a state in which a trajectory can neither go on nor end.
type NoActionError struct {
	State string // its text
}

func (e *NoActionError) Error() string { return ErrNoAction.Error() + " in state " + e.State }

func (e *NoActionError) Unwrap() error { return ErrNoAction }

// TooLargeError says why a world is not enumerated, and so why nothing exact is reported for it.
type TooLargeError struct {
	States float64 // 0: unknown, the search met more than Limit; +Inf: more than a float64 holds
	Limit  int
}

func (e *TooLargeError) Error() string {
	switch {
	case e.States == 0:
		return fmt.Sprintf("world: more than %d states, the limit: exact metrics are off", e.Limit)
	case math.IsInf(e.States, 1):
		return fmt.Sprintf("world: more than 1e308 states, the limit is %d: exact metrics are off", e.Limit)
	}
	return fmt.Sprintf("world: %.10g states, the limit is %d: exact metrics are off", e.States, e.Limit)
}

// CycleError names a state that moves lead back to, in what has to be an acyclic graph.
type CycleError struct {
	State string // its text
}

func (e *CycleError) Error() string {
	return "world: moves lead from state " + e.State + " back to it: the states are no acyclic graph"
}

// ValuesError is a register that a move or Reset took out of 0..Values-1.
type ValuesError struct {
	State           string // text of the state that the move left
	Register, Value int
	Values          int
}

func (e *ValuesError) Error() string {
	return fmt.Sprintf("world: a move from state %s makes register %d %d, outside 0..%d", e.State, e.Register, e.Value, e.Values-1)
}
