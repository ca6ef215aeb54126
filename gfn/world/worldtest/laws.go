package worldtest

import (
	"slices"

	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
)

// This file is the laws of one state and of one trajectory.

// source: Reset writes the same state everywhere, whatever was there, and nothing leads to it.
func (c *checker) source() {
	n := c.spec.Ints
	s := make([]int32, 2*n)
	for i := n; i < 2*n; i++ {
		s[i] = int32(c.spec.Values - 1)
	}
	c.w.Reset(s)
	c.origin = slices.Clone(s[:n])
	if !slices.Equal(s[:n], s[n:]) {
		c.fail(LawSource, s[:n], "Reset also wrote %v", s[n:])
		return
	}
	if !c.values(c.origin, c.origin, "Reset") {
		return
	}
	if b := c.backward(slices.Clone(c.origin)); len(b) > 0 {
		c.fail(LawSource, c.origin, "its backward mask allows %v", b)
	}
	c.meet(c.origin)
}

// walk follows a random trajectory to its end and a random one back. The way there only ends by itself or for want of
// a move: stopping early would leave the far states unseen.
func (c *checker) walk() {
	s, taken := slices.Clone(c.origin), 0
	for {
		if c.terminalAt(s) {
			break
		}
		moves, stop := c.forward(s)
		if len(moves) == 0 {
			if stop {
				taken++
			}
			break
		}
		if taken > c.spec.Steps {
			break
		}
		child, _ := c.step(s, moves[c.draw.IntN(len(moves))])
		if !c.values(child, s, "Step") {
			return
		}
		s = child
		taken++
		c.meet(s)
	}
	if taken > c.spec.Steps {
		c.fail(LawSteps, s, "it ends or goes on after %d actions, Spec.Steps is %d", taken, c.spec.Steps)
	}
	c.back(s)
}

// back goes from s to the source by random undo actions.
func (c *checker) back(s []int32) {
	from, most := s, c.spec.Steps
	if c.spec.Stop {
		most-- // the stop action has no undo action
	}
	for n := 0; !slices.Equal(s, c.origin); n++ {
		undos := c.backward(slices.Clone(s))
		switch {
		case len(undos) == 0:
			c.fail(LawBackward, s, "it has no allowed undo action and is not the source %s", c.name(c.origin))
			return
		case n == most:
			c.fail(LawBackward, from, "after %d undo actions the state is %s", n, c.name(s))
			return
		}
		parent, _ := c.undo(s, undos[c.draw.IntN(len(undos))])
		if !c.values(parent, s, "Undo") {
			return
		}
		s = parent
	}
}

// state is every law that looks at one state and its neighbours.
func (c *checker) state(s []int32) {
	moves, stop := c.forward(s)
	done := c.terminalAt(s)
	if !done && !stop && len(moves) == 0 {
		c.fail(LawAction, s, "%v", &world.NoActionError{State: c.name(s)})
	}
	if all, ok := c.w.(world.AllTerminal); ok && all.AllTerminal() && !done && !stop {
		c.fail(LawAll, s, "no trajectory ends there")
	}
	if !done {
		for _, a := range moves {
			c.forth(s, a)
		}
	}
	undos := c.backward(s)
	for _, b := range undos {
		c.redo(s, b)
	}
	if !slices.Equal(s, c.origin) {
		c.back(s)
	}
	if mover, ok := c.w.(world.Mover); ok {
		c.moves(mover.Moves(), s, moves, undos, stop, done)
	}
}

// forth is one move from s and its undoing.
func (c *checker) forth(s []int32, a int) {
	child, b := c.step(s, a)
	if !c.values(child, s, "Step") {
		return
	}
	if slices.Equal(child, s) {
		c.fail(LawAcyclic, s, "move %d leads to the state itself", a)
		return
	}
	if b < 0 || b >= c.spec.Backward {
		c.fail(LawParent, s, "move %d returns undo action %d of %d", a, b, c.spec.Backward)
		return
	}
	if !slices.Contains(c.backward(slices.Clone(child)), b) {
		c.fail(LawParent, s, "move %d leads to %s, whose backward mask forbids undo action %d", a, c.name(child), b)
		return
	}
	parent, act := c.undo(child, b)
	if !slices.Equal(parent, s) || act != a {
		c.fail(LawUndo, s, "move %d leads to %s, undo action %d from there to %v and returns move %d",
			a, c.name(child), b, parent, act)
	}
}

// redo is one undo action from s and the step back.
func (c *checker) redo(s []int32, b int) {
	parent, a := c.undo(s, b)
	if !c.values(parent, s, "Undo") {
		return
	}
	if a < 0 || a >= c.spec.Forward {
		c.fail(LawRedo, s, "undo action %d returns move %d of %d", b, a, c.spec.Forward)
		return
	}
	if c.terminalAt(slices.Clone(parent)) {
		c.fail(LawRedo, s, "undo action %d leads to %s, which is terminal", b, c.name(parent))
		return
	}
	if moves, _ := c.forward(slices.Clone(parent)); !slices.Contains(moves, a) {
		c.fail(LawRedo, s, "undo action %d leads to %s, whose forward mask forbids move %d", b, c.name(parent), a)
		return
	}
	child, undo := c.step(parent, a)
	if !slices.Equal(child, s) || undo != b {
		c.fail(LawRedo, s, "undo action %d leads to %s, move %d from there to %v and returns undo action %d",
			b, c.name(parent), a, child, undo)
	}
}

// moves compares a world that claims to be data with that data.
func (c *checker) moves(m graph.Moves, s []int32, moves, undos []int, stop, done bool) {
	if err := m.Validate(); err != nil {
		c.fail(LawMoves, s, "%v", err)
		return
	}
	want := world.FromMoves(m)
	if want.Spec() != c.spec {
		c.fail(LawMoves, s, "the spec is %+v, of %v %+v", c.spec, m, want.Spec())
		return
	}
	d := &checker{w: want, spec: c.spec, terminal: want.(world.Terminal)}
	theirs, theirStop := d.forward(slices.Clone(s))
	if !slices.Equal(theirs, moves) || theirStop != stop {
		c.fail(LawMoves, s, "moves %v and stop %v, of %v %v and %v", moves, stop, m, theirs, theirStop)
		return
	}
	if theirs := d.backward(slices.Clone(s)); !slices.Equal(theirs, undos) {
		c.fail(LawMoves, s, "undo actions %v, of %v %v", undos, m, theirs)
		return
	}
	if theirs := d.terminalAt(slices.Clone(s)); theirs != done {
		c.fail(LawMoves, s, "terminal %v, of %v %v", done, m, theirs)
		return
	}
	for _, a := range moves {
		child, b := c.step(s, a)
		if theirs, undo := d.step(s, a); !slices.Equal(theirs, child) || undo != b {
			c.fail(LawMoves, s, "move %d leads to %v and undo action %d, of %v to %v and %d", a, child, b, m, theirs, undo)
		}
	}
	for _, b := range undos {
		parent, a := c.undo(s, b)
		if theirs, act := d.undo(s, b); !slices.Equal(theirs, parent) || act != a {
			c.fail(LawMoves, s, "undo action %d leads to %v and move %d, of %v to %v and %d", b, parent, a, m, theirs, act)
		}
	}
	if !slices.Equal(c.origin, make([]int32, len(s))) {
		c.fail(LawMoves, c.origin, "the source of %v is all zeros", m)
	}
}
