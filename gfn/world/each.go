package world

import "errors"

// This file is worlds written one state at a time.

// State is the five methods of a world, for one state. The source is all zeros. Three more are used where they exist:
//
//	Terminal(s []int32) bool // required without a stop action: does a trajectory end on reaching s?
//	AllTerminal() bool       // as in the interface of that name
//	Text(s []int32) string   // as in Texter
//
// and a State that is an Enumerator lifts to a World that is one.
type State interface {
	Spec() Spec
	Forward(s []int32, m Mask)  // moves only: the engine adds stop
	Backward(s []int32, m Mask) // nothing at the source
	Step(s []int32, a int) int  // returns the undo action that takes a back
	Undo(s []int32, b int) int  // returns the move that leads forward again
}

// Each lifts per-state methods to a World. An error (a wrong Spec, a missing Terminal) is kept until Err asks.
func Each(state State) World {
	e := each{state: state}
	if state != nil {
		e.spec = state.Spec()
		e.terminal, _ = state.(stateTerminal)
	}
	if n, ok := state.(Enumerator); ok {
		return numberedEach{e, n}
	}
	return e
}

type stateTerminal interface{ Terminal(s []int32) bool }

var errNoState = errors.New("world: Each was given no State")

// each is a Terminal, an AllTerminal and a Texter whether its State has these methods or not: without them it gives the
// answers that are true of every world (never by itself, not known, the registers).
type each struct {
	state    State
	spec     Spec
	terminal stateTerminal // nil if the State has none
}

type numberedEach struct {
	each
	Enumerator
}

func (e each) err() error {
	if e.state == nil {
		return errNoState
	}
	if err := e.spec.Validate(); err != nil {
		return err
	}
	if !e.spec.Stop && e.terminal == nil {
		return errNoTerminal
	}
	return nil
}

func (e each) Spec() Spec { return e.spec }

func (e each) Reset(s []int32) { clear(s) }

func (e each) Forward(m Masks, s []int32) {
	n := e.spec.Ints
	for i := range len(s) / n {
		e.state.Forward(s[i*n:(i+1)*n:(i+1)*n], m.Row(i))
	}
}

func (e each) Backward(m Masks, s []int32) {
	n := e.spec.Ints
	for i := range len(s) / n {
		e.state.Backward(s[i*n:(i+1)*n:(i+1)*n], m.Row(i))
	}
}

func (e each) Step(undo []int32, s []int32, a []int32) {
	n := e.spec.Ints
	for i, move := range a {
		undo[i] = int32(e.state.Step(s[i*n:(i+1)*n:(i+1)*n], int(move)))
	}
}

func (e each) Undo(act []int32, s []int32, b []int32) {
	n := e.spec.Ints
	for i, undo := range b {
		act[i] = int32(e.state.Undo(s[i*n:(i+1)*n:(i+1)*n], int(undo)))
	}
}

func (e each) Terminal(dst []bool, s []int32) {
	n := e.spec.Ints
	for i := range dst {
		dst[i] = e.terminal != nil && e.terminal.Terminal(s[i*n:(i+1)*n:(i+1)*n])
	}
}

func (e each) AllTerminal() bool {
	a, ok := e.state.(AllTerminal)
	return ok && a.AllTerminal()
}

func (e each) Text(s []int32) string {
	if t, ok := e.state.(Texter); ok {
		return t.Text(s)
	}
	return registers(s)
}
