package worldtest

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sluice-ml/sluice/gfn/world"
)

// This file is the laws that look at many states at once.

// enumerate meets every state of a small world and compares its numbering, where it has one, with what is reachable.
func (c *checker) enumerate() {
	space, err := world.Enumerate(c.w, Limit)
	var large *world.TooLargeError
	var stuck *world.NoActionError
	var cycle *world.CycleError
	var values *world.ValuesError
	switch {
	case errors.As(err, &large):
		return // the walks have to do
	case errors.As(err, &stuck):
		c.report(LawAction, stuck.State, err.Error())
		return
	case errors.As(err, &cycle):
		c.report(LawAcyclic, cycle.State, err.Error())
		return
	case errors.As(err, &values):
		c.report(LawValues, values.State, err.Error())
		return
	case err != nil:
		c.report(LawIndex, "", err.Error())
		return
	}
	for i := range space.N {
		c.meet(space.State(i))
	}
	longest := len(space.Layers) - 2
	last := space.State(space.N - 1)
	if c.spec.Stop && space.Stop[space.N-1] {
		longest++
	}
	if longest > c.spec.Steps {
		c.fail(LawSteps, last, "a trajectory of %d actions ends there, Spec.Steps is %d", longest, c.spec.Steps)
	}
	if e, ok := c.w.(world.Enumerator); ok {
		c.numbering(e, space)
	}
}

func (c *checker) numbering(e world.Enumerator, space *world.Space) {
	n, err := e.States()
	if err != nil {
		c.report(LawIndex, "", err.Error())
		return
	}
	s := make([]int32, c.spec.Ints)
	for i := range n {
		e.State(s, i)
		if !c.values(s, s, fmt.Sprintf("State(%d)", i)) {
			return
		}
		if back := e.Index(s); back != i {
			c.fail(LawIndex, s, "it is State(%d), its Index is %d", i, back)
			return
		}
		if space.Index(s) < 0 {
			c.fail(LawReach, s, "no moves lead from the source to state %d of %d", i, n)
			return
		}
	}
	if n != space.N {
		c.report(LawIndex, "", fmt.Sprintf("States is %d, %d are reachable", n, space.N))
	}
}

// batchRows keeps the comparison of batches cheap on large worlds.
const batchRows = 512

// batch compares one call on many states with one call a state, and with calls that run at the same time.
func (c *checker) batch() {
	n := c.spec.Ints
	rows := min(len(c.seen)/n, batchRows)
	all := make([]int32, 0, rows*n)
	for _, i := range c.draw.Perm(len(c.seen) / n)[:rows] {
		all = append(all, c.seen[i*n:(i+1)*n]...)
	}
	whole := c.answer(all, rows)
	if at := whole.differs(c.answer(all, 1)); at >= 0 {
		c.fail(LawBatch, all[at*n:(at+1)*n], "asked as state %d of a batch of %d it is answered differently than alone", at, rows)
		return
	}
	const callers = 4
	var answers [callers]answers
	var panics [callers]any
	var wait sync.WaitGroup
	for i := range callers {
		wait.Go(func() {
			defer func() { panics[i] = recover() }()
			answers[i] = c.answer(all, 1+7*i)
		})
	}
	wait.Wait()
	for i := range callers {
		if panics[i] != nil {
			c.report(LawSame, "", fmt.Sprint(panics[i]))
		} else if at := whole.differs(answers[i]); at >= 0 {
			c.fail(LawSame, all[at*n:(at+1)*n], "asked by %d callers at once it is answered differently than alone", callers)
		}
	}
}

// answers is what a world says about some states: for each one a list of numbers.
type answers [][]int32

func (a answers) differs(b answers) int {
	for i := range a {
		if !slices.Equal(a[i], b[i]) {
			return i
		}
	}
	return -1
}

// answer asks everything about the states of all, size of them a call: masks, terminal, the first and the last allowed
// move and undo action of each. It touches nothing of c but the world, so it may run concurrently.
func (c *checker) answer(all []int32, size int) answers {
	n, sp := c.spec.Ints, c.spec
	out := make(answers, 0, len(all)/n)
	for rest := slices.Clone(all); len(rest) > 0; {
		rows := min(size, len(rest)/n)
		s := rest[:rows*n]
		rest = rest[rows*n:]
		f := sp.ForwardMasks(make([]uint32, rows*sp.Words()))
		b := sp.BackwardMasks(make([]uint32, rows*sp.BackwardWords()))
		done := make([]bool, rows)
		f.Reset(sp.Stop)
		c.w.Forward(f, s)
		c.w.Backward(b, s)
		if !sp.Stop {
			c.terminal.Terminal(done, s)
		}
		part := make(answers, rows)
		for i := range part {
			for _, m := range []world.Mask{f.Row(i), b.Row(i)} {
				for _, w := range m.Bits {
					part[i] = append(part[i], int32(w))
				}
			}
			if done[i] {
				part[i] = append(part[i], 1)
				clear(f.Row(i).Bits)
			}
		}
		for _, last := range []bool{false, true} {
			act(part, s, n, f, last, c.w.Step)
			act(part, s, n, b, last, c.w.Undo)
		}
		out = append(out, part...)
	}
	return out
}

// act moves those states that have an allowed action by their first or last one, as one batch, and notes where they
// arrive and what leads back.
func act(part answers, s []int32, n int, m world.Masks, last bool, move func(back, s, a []int32)) {
	var who []int
	var moved, actions []int32
	for i := range part {
		list := allowed(m.Row(i), m.Moves)
		if len(list) == 0 {
			continue
		}
		a := list[0]
		if last {
			a = list[len(list)-1]
		}
		who, actions = append(who, i), append(actions, int32(a))
		moved = append(moved, s[i*n:(i+1)*n]...)
	}
	if len(who) == 0 {
		return
	}
	back := make([]int32, len(who))
	move(back, moved, actions)
	for k, i := range who {
		part[i] = append(append(part[i], back[k]), moved[k*n:(k+1)*n]...)
	}
}

// texts: no two of the states met read the same, and none reads as nothing.
func (c *checker) texts() {
	n := c.spec.Ints
	by := map[string][]int32{}
	for at := 0; at < len(c.seen); at += n {
		s := c.seen[at : at+n]
		c.at = s
		text := world.Text(c.w, s)
		if other, ok := by[text]; ok {
			c.fail(LawText, s, "%v has the same text", other)
		}
		if text == "" {
			c.fail(LawText, s, "its text is empty")
		}
		by[text] = s
	}
}
