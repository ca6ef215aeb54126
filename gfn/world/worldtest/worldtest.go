package worldtest

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/sluice-ml/sluice/gfn/world"
)

// This file is the test of a world, and the names of its laws.

// Limit is the number of states up to which laws are tried on every state.
const Limit = 1 << 14

// Walks is the number of random trajectories that Test follows, and Check when it is given none.
const Walks = 64

// The laws, as LawError.Law names them.
const (
	LawSpec     = "the spec is valid"
	LawSource   = "there is one source, without parents"
	LawValues   = "registers are in 0..Values-1"
	LawMask     = "masks hold actions only"
	LawRead     = "masks do not change the state"
	LawAction   = "a state that is not terminal has an allowed action"
	LawUndo     = "undo after step is the identity and returns the action"
	LawParent   = "a step has an allowed undo action in the child"
	LawRedo     = "an allowed undo action leads to a parent with an allowed step back"
	LawSteps    = "no trajectory is longer than Spec.Steps"
	LawBackward = "going backward reaches the source within Spec.Steps"
	LawBatch    = "a batch is its states"
	LawSame     = "concurrent calls agree"
	LawAcyclic  = "the states are an acyclic graph"
	LawIndex    = "indices and states correspond one to one"
	LawReach    = "every numbered state is reachable"
	LawText     = "different states have different texts"
	LawMoves    = "Moves says what the world does"
	LawAll      = "AllTerminal states may end"
	LawPanic    = "allowed calls do not panic"
)

// LawError is a broken law and a state that breaks it.
type LawError struct {
	Law    string
	State  string // its text; empty where no state is to blame
	Detail string
}

func (e *LawError) Error() string {
	if e.State == "" {
		return fmt.Sprintf("worldtest: law broken: %s: %s", e.Law, e.Detail)
	}
	return fmt.Sprintf("worldtest: law broken: %s: state %s: %s", e.Law, e.State, e.Detail)
}

// TB is the part of testing.TB that Test needs.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
}

// Test reports every law that w breaks.
func Test(t TB, w world.World) {
	t.Helper()
	for _, err := range Check(w, 0, 1) {
		t.Errorf("%v", err)
	}
}

// Check tries the laws on n random trajectories (0 means Walks) drawn from seed, and on every state if there are at
// most Limit of them. It returns each broken law once, with the first state that breaks it.
func Check(w world.World, n int, seed uint64) []error {
	if n <= 0 {
		n = Walks
	}
	if err := world.Err(w); err != nil {
		return []error{&LawError{Law: LawSpec, Detail: err.Error()}}
	}
	c := &checker{w: w, spec: w.Spec(), draw: rand.New(rand.NewPCG(seed, 0))}
	c.terminal, _ = w.(world.Terminal)
	c.guard("Reset", c.source)
	if len(c.errs) > 0 {
		return c.errs // everything else starts there
	}
	for range n {
		c.guard("a random trajectory", c.walk)
	}
	c.guard("Enumerate", c.enumerate)
	states := c.seen
	for len(states) > 0 {
		s := states[:c.spec.Ints]
		states = states[c.spec.Ints:]
		c.guard("one state", func() { c.state(s) })
	}
	c.guard("a batch", c.batch)
	c.guard("Text", c.texts)
	return c.errs
}

// checker carries the world, the states met so far and the laws broken so far.
type checker struct {
	w        world.World
	terminal world.Terminal // nil if w has none
	spec     world.Spec
	draw     *rand.Rand
	origin   []int32

	seen  []int32         // [states x Ints], each once
	known map[string]bool // keys of seen
	at    []int32         // the state in hand, for the message of a panic
	errs  []error
}

func (c *checker) fail(law string, s []int32, format string, args ...any) {
	c.report(law, c.name(s), fmt.Sprintf(format, args...))
}

// report keeps the first breach of each law.
func (c *checker) report(law, state, detail string) {
	for _, err := range c.errs {
		if err.(*LawError).Law == law {
			return
		}
	}
	c.errs = append(c.errs, &LawError{Law: law, State: state, Detail: detail})
}

// name is the text of s, and its registers where the text is something else. A broken Text must not hide the law that
// is being reported.
func (c *checker) name(s []int32) (text string) {
	plain := world.Text(struct{ world.World }{c.w}, s) // without w's own Text
	defer func() {
		if recover() != nil {
			text = plain
		}
	}()
	if text = world.Text(c.w, s); text != plain {
		text += " = " + plain
	}
	return text
}

// guard runs one part of the check and turns a panic of the world into a broken law. A part that asks one state at a
// time keeps it in c.at.
func (c *checker) guard(what string, part func()) {
	c.at = nil
	defer func() {
		r := recover()
		switch {
		case r == nil:
		case c.at == nil:
			c.report(LawPanic, "", fmt.Sprintf("in %s: %v", what, r))
		default:
			c.fail(LawPanic, c.at, "in %s: %v", what, r)
		}
	}()
	part()
}

// meet records s for the laws that look at every state, up to Limit states.
func (c *checker) meet(s []int32) {
	key := fmt.Sprint(s)
	if c.known == nil {
		c.known = map[string]bool{}
	}
	if c.known[key] || len(c.known) >= Limit {
		return
	}
	c.known[key] = true
	c.seen = append(c.seen, s...)
}

// values reports whether s is in range; what is not is not handed to the world again.
func (c *checker) values(s, from []int32, how string) bool {
	for r, v := range s {
		if v < 0 || int(v) >= c.spec.Values {
			c.fail(LawValues, from, "%s makes register %d %d, outside 0..%d", how, r, v, c.spec.Values-1)
			return false
		}
	}
	return true
}

// forward is the allowed moves of s and whether it may stop, backward its allowed undo actions, terminalAt whether a
// trajectory ends there. All ask for a batch of one.
func (c *checker) forward(s []int32) (moves []int, stop bool) {
	m := c.spec.ForwardMasks(make([]uint32, c.spec.Words()))
	m.Reset(c.spec.Stop)
	c.at = slices.Clone(s)
	c.w.Forward(m, s)
	c.unchanged(s, "Forward")
	c.inside(s, m.Row(0), c.spec.Actions(), "forward")
	return allowed(m.Row(0), c.spec.Forward), c.spec.Stop && m.Row(0).Allowed(c.spec.Forward)
}

func (c *checker) backward(s []int32) []int {
	m := c.spec.BackwardMasks(make([]uint32, c.spec.BackwardWords()))
	c.at = slices.Clone(s)
	c.w.Backward(m, s)
	c.unchanged(s, "Backward")
	c.inside(s, m.Row(0), c.spec.Backward, "backward")
	return allowed(m.Row(0), c.spec.Backward)
}

func (c *checker) terminalAt(s []int32) bool {
	if c.spec.Stop {
		return false
	}
	done := []bool{false}
	c.at = slices.Clone(s)
	c.terminal.Terminal(done, s)
	c.unchanged(s, "Terminal")
	return done[0]
}

// unchanged compares s with the copy that was made before the call, and restores it.
func (c *checker) unchanged(s []int32, method string) {
	if !slices.Equal(s, c.at) {
		c.fail(LawRead, c.at, "%s left %v", method, s)
		copy(s, c.at)
	}
}

// inside looks for bits beyond the last action.
func (c *checker) inside(s []int32, m world.Mask, actions int, which string) {
	for a := actions; a < 32*len(m.Bits); a++ {
		if m.Allowed(a) {
			c.fail(LawMask, s, "the %s mask allows action %d of %d", which, a, actions)
		}
	}
}

func allowed(m world.Mask, moves int) (list []int) {
	for a := range moves {
		if m.Allowed(a) {
			list = append(list, a)
		}
	}
	return list
}

// step and undo work on a copy and return it with the action that leads back.
func (c *checker) step(s []int32, a int) (child []int32, undo int) {
	child = slices.Clone(s)
	c.at = s
	back := []int32{0}
	c.w.Step(back, child, []int32{int32(a)})
	return child, int(back[0])
}

func (c *checker) undo(s []int32, b int) (parent []int32, act int) {
	parent = slices.Clone(s)
	c.at = s
	back := []int32{0}
	c.w.Undo(back, parent, []int32{int32(b)})
	return parent, int(back[0])
}
