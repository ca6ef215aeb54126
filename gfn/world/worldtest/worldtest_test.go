package worldtest_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/gfn/world/worldtest"
	"github.com/sluice-ml/sluice/graph"
)

// border is a grid with the trap of the 2021 code left half done: no move leaves the border, but undo actions lead
// back onto it.
type border struct{}

func (border) Spec() world.Spec {
	return world.Spec{Ints: 2, Values: 4, Forward: 2, Backward: 2, Stop: true, Steps: 7}
}

func (border) Forward(s []int32, m world.Mask) {
	if max(s[0], s[1]) < 3 {
		m.All()
	}
}

func (border) Backward(s []int32, m world.Mask) {
	for i, v := range s {
		if v > 0 {
			m.Allow(i)
		}
	}
}

func (border) Step(s []int32, a int) int { s[a]++; return a }
func (border) Undo(s []int32, b int) int { s[b]--; return b }

func ExampleCheck() {
	for _, err := range worldtest.Check(world.Each(border{}), 0, 1) {
		fmt.Println(err)
	}
	// Output:
	// worldtest: law broken: an allowed undo action leads to a parent with an allowed step back: state (3,1): undo action 1 leads to (3,0), whose forward mask forbids move 1
}

// tower as on the front page, with hooks to break it.
type tower struct{}

func (tower) Spec() world.Spec {
	return world.Spec{Ints: 8, Values: 4, Forward: 3, Backward: 1, Stop: true, Steps: 9}
}

func (tower) Forward(s []int32, m world.Mask) {
	if s[7] == 0 {
		m.All()
	}
}

func (tower) Backward(s []int32, m world.Mask) {
	if s[0] != 0 {
		m.Allow(0)
	}
}

func (tower) Step(s []int32, a int) int { s[top(s)] = int32(a + 1); return 0 }

func (tower) Undo(s []int32, b int) int { i := top(s) - 1; a := int(s[i]) - 1; s[i] = 0; return a }

func top(s []int32) (n int) {
	for n < len(s) && s[n] != 0 {
		n++
	}
	return n
}

// drawn is a hand-made graph: edges[i] are the children of register value i, in action order.
type drawn struct {
	edges [][]int32
	steps int
}

func (d drawn) Spec() world.Spec {
	return world.Spec{Ints: 1, Values: len(d.edges), Forward: 3, Backward: 4, Steps: d.steps}
}

func (d drawn) Forward(s []int32, m world.Mask) {
	for a := range d.edges[s[0]] {
		m.Allow(a)
	}
}

func (d drawn) parents(s int32) (list [][2]int32) {
	for p, children := range d.edges {
		for a, c := range children {
			if c == s {
				list = append(list, [2]int32{int32(p), int32(a)})
			}
		}
	}
	return list
}

func (d drawn) Backward(s []int32, m world.Mask) {
	for b := range d.parents(s[0]) {
		m.Allow(b)
	}
}

func (d drawn) Step(s []int32, a int) int {
	from := s[0]
	s[0] = d.edges[from][a]
	return slices.Index(d.parents(s[0]), [2]int32{from, int32(a)})
}

func (d drawn) Undo(s []int32, b int) int {
	p := d.parents(s[0])[b]
	s[0] = p[0]
	return int(p[1])
}

func (d drawn) Terminal(s []int32) bool { return len(d.edges[s[0]]) == 0 }

func TestLawsHold(t *testing.T) {
	for name, w := range map[string]world.World{
		"tower":        world.Each(tower{}),
		"tower moves":  world.FromMoves(graph.Moves{Kind: graph.Append, Registers: 8, Values: 4, Stop: graph.StopAnywhere}),
		"diamond":      world.Each(drawn{edges: [][]int32{{1, 2}, {3}, {3}, {}}, steps: 2}),
		"shortcut":     world.Each(drawn{edges: [][]int32{{1, 2}, {4}, {3}, {1, 4}, {}}, steps: 4}),
		"double edge":  world.Each(drawn{edges: [][]int32{{1, 1}, {}}, steps: 1}),
		"line":         world.Hypergrid(1, 9),
		"square":       world.Hypergrid(2, 8),
		"cube":         world.Hypergrid(3, 5),
		"bits":         world.Hypergrid(10, 2),
		"too large":    world.Hypergrid(40, 3), // walks only, and masks of two words
		"long letters": world.FromMoves(graph.Moves{Kind: graph.Append, Registers: 60, Values: 65, Stop: graph.StopFull}),
	} {
		t.Run(name, func(t *testing.T) { worldtest.Test(t, w) })
	}
}

func TestLawsHoldForMoves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := graph.Moves{
			Kind:      rapid.SampledFrom([]graph.MoveKind{graph.Increment, graph.Append}).Draw(t, "kind"),
			Registers: rapid.IntRange(1, 5).Draw(t, "registers"),
			Values:    rapid.IntRange(2, 4).Draw(t, "values"),
			Stop:      rapid.SampledFrom([]graph.StopRule{graph.StopAnywhere, graph.StopFull}).Draw(t, "stop"),
		}
		require.Empty(t, worldtest.Check(world.FromMoves(m), 8, 3))
	})
}

// The broken worlds: each is a tower or a graph with one thing wrong.
type (
	badSpec      struct{ tower }
	shortSteps   struct{ tower }
	rootHasUndo  struct{ tower }
	high         struct{ tower }
	strayBit     struct{ drawn }
	writes       struct{ tower }
	stuck        struct{ tower }
	wrongAction  struct{ tower }
	leavesBlock  struct{ tower }
	forbidsUndo  struct{ tower }
	wrongUndo    struct{ tower }
	panics       struct{ tower }
	sameText     struct{ tower }
	mustGoOn     struct{ tower }
	numbered     struct{ tower }
	shifted      struct{ numbered }
	miscounted   struct{ numbered }
	strangers    struct{ drawn }
	secondSource struct{ drawn }
	twoUndos     struct{ tower }
	escapes      struct{} // a line of 24 states, each with a second move to the last one
)

func (badSpec) Spec() world.Spec    { s := tower{}.Spec(); s.Ints = 0; return s }
func (shortSteps) Spec() world.Spec { s := tower{}.Spec(); s.Steps = 8; return s }

func (rootHasUndo) Backward(s []int32, m world.Mask) { m.Allow(0) }

func (high) Step(s []int32, a int) int { s[top(s)] = int32(a + 2); return 0 }

func (w strayBit) Forward(s []int32, m world.Mask) {
	w.drawn.Forward(s, m)
	if s[0] == 2 {
		m.Allow(3)
	}
}

func (w writes) Forward(s []int32, m world.Mask) {
	w.tower.Forward(s, m)
	if s[1] == 2 {
		s[2] = 3
	}
}

func (w stuck) Forward(s []int32, m world.Mask) {
	w.tower.Forward(s, m)
	if s[7] == 3 {
		m.Deny(3)
	}
}

func (w wrongAction) Undo(s []int32, b int) int { return (w.tower.Undo(s, b) + 1) % 3 }

func (leavesBlock) Undo(s []int32, b int) int {
	i := top(s) - 1
	a := int(s[i]) - 1
	s[i] = 1
	return a
}

func (forbidsUndo) Backward(s []int32, m world.Mask) {
	if s[0] != 0 && s[3] != 2 {
		m.Allow(0)
	}
}

func (w wrongUndo) Step(s []int32, a int) int { return w.tower.Step(s, a) + 1 }

func (w panics) Step(s []int32, a int) int {
	if s[0] == 3 && a == 1 {
		panic("no such brick")
	}
	return w.tower.Step(s, a)
}

func (sameText) Text(s []int32) string { return fmt.Sprintf("%d blocks", top(s)) }

func (mustGoOn) AllTerminal() bool { return true }

func (w mustGoOn) Forward(s []int32, m world.Mask) {
	w.tower.Forward(s, m)
	if s[0] == 0 {
		m.Deny(3)
	}
}

var closed = world.FromMoves(graph.Moves{Kind: graph.Append, Registers: 8, Values: 4}).(world.Enumerator)

func (numbered) States() (int, error)     { return closed.States() }
func (numbered) Index(s []int32) int      { return closed.Index(s) }
func (numbered) State(dst []int32, i int) { closed.State(dst, i) }

func (w shifted) State(dst []int32, i int) { closed.State(dst, (i+1)%9841) }

func (miscounted) States() (int, error) { return 9840, nil }

func (strangers) States() (int, error)     { return 4, nil }
func (strangers) Index(s []int32) int      { return int(s[0]) }
func (strangers) State(dst []int32, i int) { dst[0] = int32(i) }

func (twoUndos) Spec() world.Spec { s := tower{}.Spec(); s.Backward = 2; return s }

func (twoUndos) Backward(s []int32, m world.Mask) {
	if s[0] != 0 {
		m.All()
	}
}

// Spec is one step short: the longest trajectory is 23 moves and the stop action. A random one is that long once in
// four million times, so only the enumeration can tell.
func (escapes) Spec() world.Spec {
	return world.Spec{Ints: 1, Values: 24, Forward: 2, Backward: 23, Stop: true, Steps: 23}
}

func (escapes) Forward(s []int32, m world.Mask) {
	if s[0] < 23 {
		m.Allow(0)
	}
	if s[0] < 22 {
		m.Allow(1)
	}
}

func (escapes) Backward(s []int32, m world.Mask) {
	if s[0] == 23 {
		m.All()
	} else if s[0] > 0 {
		m.Allow(int(s[0]) - 1)
	}
}

func (escapes) Step(s []int32, a int) int {
	from := s[0]
	s[0] = []int32{from + 1, 23}[a]
	return int(from)
}

func (escapes) Undo(s []int32, b int) int {
	jumped := s[0] == 23 && b < 22
	s[0] = int32(b)
	if jumped {
		return 1
	}
	return 0
}

// The batch worlds that answer by the wrong state, or by who else is asking.
type resetsOne struct{ world.World }

func (w resetsOne) Reset(s []int32) { clear(s[:w.Spec().Ints]) }

type firstRow struct{ world.World }

func (w firstRow) Backward(m world.Masks, s []int32) {
	n := w.Spec().Ints
	for i := range m.Rows() {
		w.World.Backward(world.Masks{Bits: m.Row(i).Bits, Words: m.Words, Moves: m.Moves}, s[:n])
	}
}

type crowded struct {
	world.World
	callers *atomic.Int32
}

func (w crowded) Forward(m world.Masks, s []int32) {
	w.callers.Add(1)
	defer w.callers.Add(-1)
	time.Sleep(100 * time.Microsecond)
	w.World.Forward(m, s)
	if w.callers.Load() > 1 {
		m.Row(0).Deny(m.Moves)
	}
}

type otherMoves struct {
	world.World
	m graph.Moves
}

func (w otherMoves) Moves() graph.Moves { return w.m }

func TestBrokenLawsAreNamed(t *testing.T) {
	square := world.Hypergrid(2, 3)
	for _, c := range []struct {
		name, law, state string // state: what the message has to hold besides the law
		w                world.World
	}{
		{"bad spec", worldtest.LawSpec, "Spec.Ints is 0", world.Each(badSpec{})},
		{"steps too few", worldtest.LawSteps, "is 8", world.Each(shortSteps{})},
		{"source with a parent", worldtest.LawSource, "(0,0,0,0,0,0,0,0)", world.Each(rootHasUndo{})},
		{"reset of one state", worldtest.LawSource, "(0,0)", resetsOne{square}},
		{"values", worldtest.LawValues, "makes register", world.Each(high{})},
		{"stray bit", worldtest.LawMask, "state (2): the forward mask allows action 3",
			world.Each(strayBit{drawn{edges: [][]int32{{1, 2}, {3}, {3}, {}}, steps: 2}})},
		{"mask writes", worldtest.LawRead, "Forward left", world.Each(writes{})},
		{"no action", worldtest.LawAction, ",3)", world.Each(stuck{})},
		{"wrong action", worldtest.LawUndo, "(0,0,0,0,0,0,0,0)", world.Each(wrongAction{})},
		{"undo leaves a block", worldtest.LawUndo, "(0,0,0,0,0,0,0,0)", world.Each(leavesBlock{})},
		{"undo goes round", worldtest.LawBackward, "after 8 undo actions", world.Each(leavesBlock{})},
		{"forbidden undo", worldtest.LawParent, "forbids undo action 0", world.Each(forbidsUndo{})},
		{"dead end backward", worldtest.LawBackward, "no allowed undo action", world.Each(forbidsUndo{})},
		{"undo out of range", worldtest.LawParent, "undo action 1 of 1", world.Each(wrongUndo{})},
		{"border", worldtest.LawRedo, "(3,1)", world.Each(border{})},
		{"two undo actions", worldtest.LawRedo, "and returns undo action 0", world.Each(twoUndos{})},
		{"rare long way", worldtest.LawSteps, "a trajectory of 24 actions", world.Each(escapes{})},
		{"second source", worldtest.LawBackward, "state (3)",
			world.Each(secondSource{drawn{edges: [][]int32{{1}, {2}, {}, {1}}, steps: 2}})},
		{"cycle", worldtest.LawAcyclic, "state (1)", world.Each(drawn{edges: [][]int32{{1}, {2}, {1, 3}, {}}, steps: 9})},
		{"cycle", worldtest.LawBackward, "(1)", world.Each(drawn{edges: [][]int32{{1}, {2}, {1, 3}, {}}, steps: 4})},
		{"cycle", worldtest.LawSteps, "Spec.Steps is 4", world.Each(drawn{edges: [][]int32{{1}, {2}, {1, 3}, {}}, steps: 4})},
		{"longer way", worldtest.LawSteps, "(4)", world.Each(drawn{edges: [][]int32{{1, 2}, {4}, {3}, {1, 4}, {}}, steps: 3})},
		{"index", worldtest.LawIndex, "it is State(0), its Index is 1", world.Each(shifted{})},
		{"count", worldtest.LawIndex, "outside 0..9839", world.Each(miscounted{})},
		{"unreachable", worldtest.LawReach, "(3)", world.Each(strangers{drawn{edges: [][]int32{{1}, {2}, {}, {}}, steps: 2}})},
		{"text", worldtest.LawText, "blocks = (", world.Each(sameText{})},
		{"batch", worldtest.LawBatch, "as state", firstRow{square}},
		{"concurrent", worldtest.LawSame, "4 callers", crowded{square, new(atomic.Int32)}},
		{"other moves", worldtest.LawMoves, "(0,0)", otherMoves{square, graph.Moves{Registers: 2, Values: 4}}},
		{"bad moves", worldtest.LawMoves, "Moves.Values is 0", otherMoves{square, graph.Moves{Registers: 2}}},
		{"must go on", worldtest.LawAll, "(0,0,0,0,0,0,0,0)", world.Each(mustGoOn{})},
		{"panic", worldtest.LawPanic, "(3,0,0,0,0,0,0,0)", world.Each(panics{})},
	} {
		t.Run(c.name+"/"+c.law, func(t *testing.T) {
			var all []string
			for _, err := range worldtest.Check(c.w, 0, 1) {
				all = append(all, err.Error())
				if strings.Contains(err.Error(), "law broken: "+c.law+":") && strings.Contains(err.Error(), c.state) {
					return
				}
			}
			require.Fail(t, "the law did not break", "%s", strings.Join(all, "\n"))
		})
	}
}

// A world that breaks one law only is blamed for that law only.
func TestNoFalseBlame(t *testing.T) {
	for law, w := range map[string]world.World{
		worldtest.LawText:   world.Each(sameText{}),
		worldtest.LawAll:    world.Each(mustGoOn{}),
		worldtest.LawAction: world.Each(stuck{}),
		worldtest.LawRedo:   world.Each(border{}),
	} {
		errs := worldtest.Check(w, 0, 1)
		require.Len(t, errs, 1, "%v", errs)
		require.ErrorContains(t, errs[0], law)
	}
}

type recorder struct{ lines []string }

func (*recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

func TestTestReports(t *testing.T) {
	var r recorder
	worldtest.Test(&r, world.Each(border{}))
	require.Len(t, r.lines, 1)
	require.Contains(t, r.lines[0], "(3,1)")
	worldtest.Test(&r, world.Hypergrid(2, 3))
	require.Len(t, r.lines, 1)
}
