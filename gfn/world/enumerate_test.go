package world_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
)

// drawn is a hand-made graph: edges[i] are the children of state i, in action order; state i is register value i.
// A state without edges is terminal unless it is in stuck.
type drawn struct {
	edges [][]int32
	steps int
	stuck int // -1: none
}

func (d drawn) Spec() world.Spec {
	return world.Spec{Ints: 1, Values: len(d.edges), Forward: 3, Backward: 4, Steps: d.steps}
}

func (d drawn) Forward(s []int32, m world.Mask) {
	for a := range d.edges[s[0]] {
		m.Allow(a)
	}
}

// parents lists (parent, action) of a state; undo action b is the b-th of them.
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

func (d drawn) Terminal(s []int32) bool { return len(d.edges[s[0]]) == 0 && int(s[0]) != d.stuck }

func (d drawn) Text(s []int32) string { return fmt.Sprintf("node %d", s[0]) }

// shortcut reaches node 1 in one move and, by way of 2 and 3, in three; breadth-first order is not topological there.
var shortcut = drawn{edges: [][]int32{{1, 2}, {4}, {3}, {1, 4}, {}}, steps: 4, stuck: -1}

func TestEnumerateSortsDifferentDepths(t *testing.T) {
	p, err := world.Enumerate(world.Each(shortcut), 0)
	require.NoError(t, err)
	require.Equal(t, 5, p.N)
	require.Equal(t, []int32{0, 2, 3, 1, 4}, p.States)
	require.Equal(t, []int32{0, 1, 2, 3, 4, 5}, p.Layers)
	require.Equal(t, []int32{0, 2, 3, 5, 6, 6}, p.First)
	require.Equal(t, []int32{3, 1, 2, 3, 4, 4}, p.Child)
	require.Equal(t, []int32{0, 1, 0, 0, 1, 0}, p.Action)
	require.Equal(t, []int32{0, 0, 0, 1, 1, 0}, p.Undo)
	require.Equal(t, []uint32{3, 1, 3, 1, 0}, p.Mask)
	require.Equal(t, []uint32{0, 1, 1, 3, 3}, p.BMask)
	require.Equal(t, []bool{false, false, false, false, true}, p.Terminal)
	require.Equal(t, make([]bool, 5), p.Stop)
	for i := range p.N {
		require.Equal(t, i, p.Index(p.State(i)))
	}
	require.True(t, p.Ends(4))
	require.False(t, p.Ends(3))
}

// overflows ends at node 3, whose mask still allows a move.
type overflows struct{ drawn }

func (overflows) Terminal(s []int32) bool { return s[0] == 3 }

func TestEnumerateStopsAtTerminalStates(t *testing.T) {
	p, err := world.Enumerate(world.Each(overflows{drawn{edges: [][]int32{{1, 2}, {3}, {3}, {4}, {}}, steps: 2, stuck: -1}}), 0)
	require.NoError(t, err)
	require.Equal(t, []int32{0, 1, 2, 3}, p.States)
	require.Equal(t, []uint32{3, 1, 1, 0}, p.Mask)
	require.Equal(t, []bool{false, false, false, true}, p.Terminal)
}

func TestEnumerateRefusals(t *testing.T) {
	var cycle *world.CycleError
	_, err := world.Enumerate(world.Each(drawn{edges: [][]int32{{1}, {2, 4}, {3}, {1, 4}, {}}, steps: 9, stuck: -1}), 0)
	require.ErrorAs(t, err, &cycle)
	require.Contains(t, []string{"node 1", "node 2", "node 3"}, cycle.State, "node 4 is only behind the cycle")

	_, err = world.Enumerate(world.Each(drawn{edges: [][]int32{{1}, {0, 2}, {}}, steps: 9, stuck: -1}), 0)
	require.ErrorAs(t, err, &cycle, "a cycle through the source")

	stuck := shortcut
	stuck.stuck = 4
	_, err = world.Enumerate(world.Each(stuck), 0)
	require.ErrorIs(t, err, world.ErrNoAction)
	require.EqualError(t, err, "world: every action is masked in state node 4")

	_, err = world.Enumerate(world.Each(tower{}), 9840)
	require.EqualError(t, err, "world: more than 9840 states, the limit: exact metrics are off")
	_, err = world.Enumerate(world.Each(tower{}), 9841)
	require.NoError(t, err)

	_, err = world.Enumerate(world.Each(high{}), 0)
	require.ErrorContains(t, err, "a move from state (0,0,0,0,0,0,0,0) makes register 0 4, outside 0..3")

	_, err = world.Enumerate(world.Each(collides{}), 0)
	require.ErrorContains(t, err, "states (1,0,0,0,0,0,0,0) and (2,0,0,0,0,0,0,0) share index 1")

	_, err = world.Enumerate(world.Each(refuses{}), 0)
	require.ErrorIs(t, err, errRefused)
}

type high struct{ tower }

func (high) Step(s []int32, a int) int { s[top(s)] = int32(a + 2); return 0 }

type collides struct{ numbered }

func (c collides) Index(s []int32) int { return min(c.numbered.Index(s), 1) }

type refuses struct{ numbered }

var errRefused = errors.New("no numbering today")

func (refuses) States() (int, error) { return 0, errRefused }

// The same world through its closed form, through hashing, lifted and as data: one Space.
func TestEnumerateAgreesWithItself(t *testing.T) {
	for _, pair := range [][2]world.World{
		{twin, world.Each(tower{})},
		{world.Each(numbered{}), world.Each(tower{})},
		{world.Hypergrid(3, 7), bare{world.Hypergrid(3, 7)}},
	} {
		a, err := world.Enumerate(pair[0], 0)
		require.NoError(t, err)
		b, err := world.Enumerate(pair[1], 0)
		require.NoError(t, err)
		for i := range a.N {
			require.Equal(t, i, a.Index(b.State(i)))
		}
		require.Equal(t, a.States, b.States)
		require.Equal(t, a.First, b.First)
		require.Equal(t, a.Child, b.Child)
		require.Equal(t, a.Action, b.Action)
		require.Equal(t, a.Undo, b.Undo)
		require.Equal(t, a.Mask, b.Mask)
		require.Equal(t, a.BMask, b.BMask)
		require.Equal(t, a.Stop, b.Stop)
		require.Equal(t, a.Layers, b.Layers)
	}
}

func TestSpaceIndexOfStrangers(t *testing.T) {
	for _, w := range []world.World{world.Hypergrid(2, 4), bare{world.Hypergrid(2, 4)}, twin} {
		p, err := world.Enumerate(w, 0)
		require.NoError(t, err)
		s := make([]int32, p.Ints)
		for _, v := range []int32{-1, 4, 99} {
			s[0] = v
			require.Equal(t, -1, p.Index(s))
		}
		require.Equal(t, -1, p.Index(s[:1]))
	}
	p, err := world.Enumerate(world.Each(tower{}), 0)
	require.NoError(t, err)
	require.Equal(t, -1, p.Index([]int32{1, 0, 2, 0, 0, 0, 0, 0}), "no reachable state")
}

// Every edge goes to a later layer and is what Step and Undo say; side^dim cells have dim (side-1) side^(dim-1) edges.
func TestEnumerateEdges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dim, side := rapid.IntRange(1, 4).Draw(t, "dim"), rapid.IntRange(2, 5).Draw(t, "side")
		stop := rapid.SampledFrom([]graph.StopRule{graph.StopAnywhere, graph.StopFull}).Draw(t, "stop")
		m := graph.Moves{Kind: graph.Increment, Registers: dim, Values: side, Stop: stop}
		p, err := world.Enumerate(world.FromMoves(m), 0)
		require.NoError(t, err)
		cells := 1
		for range dim {
			cells *= side
		}
		require.Equal(t, cells, p.N)
		require.Len(t, p.Child, dim*(side-1)*cells/side)
		require.Len(t, p.Layers, dim*(side-1)+2)
		s := make([]int32, dim)
		ends := 0
		for i := range p.N {
			if p.Ends(i) {
				ends++
			}
			for e := p.First[i]; e < p.First[i+1]; e++ {
				require.Greater(t, int(p.Child[e]), i)
				copy(s, p.State(i))
				require.Equal(t, int(p.Undo[e]), m.Step(s, int(p.Action[e])))
				require.Equal(t, p.State(int(p.Child[e])), s)
				require.True(t, p.BackwardMasks().Row(int(p.Child[e])).Allowed(int(p.Undo[e])))
			}
		}
		if stop == graph.StopAnywhere {
			require.Equal(t, p.N, ends)
		} else {
			require.Equal(t, 1, ends) // only the far corner
		}
	})
}

func TestEnumerateIsQuick(t *testing.T) {
	for _, w := range []world.World{world.Hypergrid(4, 20), bare{world.Hypergrid(4, 20)}} {
		start := time.Now()
		p, err := world.Enumerate(w, 0)
		require.NoError(t, err)
		require.Equal(t, 160_000, p.N)
		require.Len(t, p.Child, 4*19*8000)
		t.Logf("%T: %v", w, time.Since(start))
		require.Less(t, time.Since(start), 5*time.Second, "it takes .2 s on a busy core")
	}
}

func BenchmarkEnumerate(b *testing.B) {
	w := world.Hypergrid(4, 20)
	for _, c := range []struct {
		name string
		w    world.World
	}{{"numbered", w}, {"hashed", bare{w}}} {
		b.Run(c.name+"/hypergrid-20x20x20x20", func(b *testing.B) {
			for b.Loop() {
				if _, err := world.Enumerate(c.w, 0); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(160_000*float64(b.N)/b.Elapsed().Seconds(), "states/s")
		})
	}
}
