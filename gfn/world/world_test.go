package world_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/gfn/world/worldtest"
	"github.com/sluice-ml/sluice/graph"
)

func TestSpecValidate(t *testing.T) {
	good := world.Spec{Ints: 2, Values: 8, Forward: 2, Backward: 2, Stop: true, Steps: 15}
	require.NoError(t, good.Validate())
	for _, c := range []struct {
		change func(*world.Spec)
		names  string
	}{
		{func(s *world.Spec) { s.Ints = 0 }, "Spec.Ints is 0, want at least 1"},
		{func(s *world.Spec) { s.Values = 1 }, "Spec.Values is 1, want at least 2"},
		{func(s *world.Spec) { s.Forward = 0 }, "Spec.Forward is 0"},
		{func(s *world.Spec) { s.Backward = -1 }, "Spec.Backward is -1"},
		{func(s *world.Spec) { s.Steps = 0 }, "Spec.Steps is 0"},
		{func(s *world.Spec) { s.Forward = math.MaxInt32 }, "Spec.Forward is 2147483647, want less"},
		{func(s *world.Spec) { s.Ints, s.Values = 1<<16, 1<<15 }, "65536 * 32768"},
	} {
		s := good
		c.change(&s)
		require.ErrorContains(t, s.Validate(), c.names)
	}
}

func TestSpecWords(t *testing.T) {
	s := world.Spec{Forward: 32, Backward: 32}
	require.Equal(t, []int{32, 1, 1}, []int{s.Actions(), s.Words(), s.BackwardWords()})
	s.Stop, s.Backward = true, 33 // the stop bit opens a word, and only in forward masks
	require.Equal(t, []int{33, 2, 2}, []int{s.Actions(), s.Words(), s.BackwardWords()})
}

// A mask against a set of the same actions, at every size around the word borders.
func TestMask(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		moves := rapid.IntRange(1, 130).Draw(t, "moves")
		stop := rapid.Bool().Draw(t, "stop")
		spec := world.Spec{Forward: moves, Backward: 1, Stop: stop}
		masks := spec.ForwardMasks(make([]uint32, 3*spec.Words()))
		for i := range masks.Bits {
			masks.Bits[i] = ^uint32(0) // dirty
		}
		masks.Reset(stop)
		require.Equal(t, 3, masks.Rows())
		want := map[int]bool{moves: stop}
		m := masks.Row(1)
		for _, op := range rapid.SliceOfN(rapid.IntRange(-1, 2*spec.Actions()-1), 0, 40).Draw(t, "ops") {
			switch {
			case op < 0:
				m.All()
				for a := range moves {
					want[a] = true
				}
			case op%2 == 0:
				m.Allow(op / 2)
				want[op/2] = true
			default:
				m.Deny(op / 2)
				want[op/2] = false
			}
		}
		n := 0
		for a := range spec.Actions() {
			require.Equal(t, want[a], m.Allowed(a), "action %d", a)
			if want[a] {
				n++
			}
		}
		require.Equal(t, n, m.Count())
		for _, other := range []int{0, 2} { // neighbours keep what Reset gave them
			row, kept := masks.Row(other), 0
			if stop {
				kept = 1
				require.True(t, row.Allowed(moves))
			}
			require.Equal(t, kept, row.Count())
		}
	})
}

type endless struct{ tower }

func (endless) Spec() world.Spec {
	return world.Spec{Ints: 8, Values: 4, Forward: 3, Backward: 1, Steps: 8}
}

type ending struct{ endless }

func (ending) Terminal(s []int32) bool { return s[7] != 0 }

func (ending) Text(s []int32) string { return "tower" }

type badSpec struct{ tower }

func (badSpec) Spec() world.Spec { return world.Spec{Ints: 8, Values: 4, Forward: 3, Steps: 8} }

func TestErrIsKeptUntilAsked(t *testing.T) {
	require.NoError(t, world.Err(world.Each(tower{})))
	require.NoError(t, world.Err(world.Each(ending{})))
	require.ErrorContains(t, world.Err(nil), "no world")
	require.ErrorContains(t, world.Err(world.Each(nil)), "no State")
	require.ErrorContains(t, world.Err(world.Each(endless{})), "no Terminal method")
	require.ErrorContains(t, world.Err(world.Each(badSpec{})), "Spec.Backward is 0")
	require.ErrorContains(t, world.Err(world.Hypergrid(2, 1)), "hypergrid of 2 dimensions and side 1: graph: Moves.Values is 1")
	require.ErrorContains(t, world.Err(bare{world.Each(endless{})}), "no Terminal method")
	_, err := world.Enumerate(world.Each(endless{}), 0)
	require.ErrorContains(t, err, "no Terminal method")
}

// bare hides every capability.
type bare struct{ world.World }

func TestEachLiftsCapabilities(t *testing.T) {
	w := world.Each(ending{})
	done := make([]bool, 2)
	w.(world.Terminal).Terminal(done, []int32{1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0})
	require.Equal(t, []bool{true, false}, done)
	require.Equal(t, "tower", world.Text(w, nil))
	require.Equal(t, "(1,2)", world.Text(world.Each(tower{}), []int32{1, 2}))
	require.False(t, w.(world.AllTerminal).AllTerminal())
	_, enumerates := w.(world.Enumerator)
	require.False(t, enumerates)
	_, enumerates = world.Each(numbered{}).(world.Enumerator)
	require.True(t, enumerates)
	require.True(t, world.Hypergrid(2, 8).(world.AllTerminal).AllTerminal())
}

// numbered is the tower with the numbering of its FromMoves twin.
type numbered struct{ tower }

var twin = world.FromMoves(graph.Moves{Kind: graph.Append, Registers: 8, Values: 4, Stop: graph.StopAnywhere})

func (numbered) States() (int, error)     { return twin.(world.Enumerator).States() }
func (numbered) Index(s []int32) int      { return twin.(world.Enumerator).Index(s) }
func (numbered) State(dst []int32, i int) { twin.(world.Enumerator).State(dst, i) }

func TestMovesNumbering(t *testing.T) {
	for _, m := range []graph.Moves{
		{Kind: graph.Increment, Registers: 3, Values: 5},
		{Kind: graph.Append, Registers: 4, Values: 4},
		{Kind: graph.Append, Registers: 5, Values: 2, Stop: graph.StopFull},
	} {
		e := world.FromMoves(m).(world.Enumerator)
		n, err := e.States()
		require.NoError(t, err)
		want := map[graph.MoveKind]map[int]int{graph.Increment: {3: 125}, graph.Append: {4: 1 + 3 + 9 + 27 + 81, 5: 6}}
		require.Equal(t, want[m.Kind][m.Registers], n, m.String())
		s, seen := make([]int32, m.Registers), map[string]bool{}
		for i := range n {
			e.State(s, i)
			require.Equal(t, i, e.Index(s), "%v %v", m, s)
			seen[world.Text(e.(world.World), s)] = true
		}
		require.Len(t, seen, n)
	}
	e := world.FromMoves(graph.Moves{Kind: graph.Append, Registers: 4, Values: 4}).(world.Enumerator)
	require.Equal(t, -1, e.Index([]int32{1, 0, 2, 0}), "a letter after a gap is no state")
}

func TestMovesNumberingRefusesOverflow(t *testing.T) {
	for _, c := range []struct {
		w    world.World
		text string
	}{
		{world.Hypergrid(100, 10), "world: 1e+100 states, the limit is 2000000: exact metrics are off"},
		{world.Hypergrid(31, 2), "world: 2147483648 states"},
		{world.Hypergrid(1000, 1000), "world: more than 1e308 states"},
		{world.FromMoves(graph.Moves{Kind: graph.Append, Registers: 1000, Values: 1000}), "more than 1e308"},
	} {
		_, err := world.Enumerate(c.w, 0)
		var large *world.TooLargeError
		require.ErrorAs(t, err, &large)
		require.ErrorContains(t, err, c.text)
	}
}

func TestBatchCallsAllocateNothing(t *testing.T) {
	for _, w := range []world.World{world.Hypergrid(4, 8), world.Each(tower{})} {
		spec := w.Spec()
		s := make([]int32, 64*spec.Ints)
		f := spec.ForwardMasks(make([]uint32, 64*spec.Words()))
		b := spec.BackwardMasks(make([]uint32, 64*spec.BackwardWords()))
		a, u := make([]int32, 64), make([]int32, 64)
		require.Zero(t, testing.AllocsPerRun(10, func() {
			f.Reset(spec.Stop)
			w.Forward(f, s)
			w.Step(u, s, a)
			b.Reset(false)
			w.Backward(b, s)
			w.Undo(a, s, u)
		}))
	}
}

func TestExampleWorldsKeepTheLaws(t *testing.T) {
	worldtest.Test(t, world.Each(tower{}))
	worldtest.Test(t, world.Each(knapsack{}))
}
