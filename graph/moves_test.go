package graph_test

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sluice-ml/sluice/graph"
)

func ExampleMoves() {
	m := graph.Moves{Kind: graph.Append, Registers: 3, Values: 4, Stop: graph.StopAnywhere}
	s := make([]int32, 3)
	m.Step(s, 2)
	m.Step(s, 0)
	fmt.Println(m, s, m.Steps())
	fmt.Println(m.Undo(s, 0), s)
	// Output:
	// append 3 registers of 4 values, stop anywhere [3 1 0] 4
	// 0 [3 0 0]
}

func TestMovesValidate(t *testing.T) {
	good := graph.Moves{Registers: 2, Values: 8}
	require.NoError(t, good.Validate())
	require.NoError(t, graph.Moves{Registers: 1, Values: math.MaxInt32}.Validate())
	for _, c := range []struct {
		change func(*graph.Moves)
		names  string
	}{
		{func(m *graph.Moves) { m.Kind = 99 }, "Moves.Kind is MoveKind(99)"},
		{func(m *graph.Moves) { m.Stop = 7 }, "Moves.Stop is StopRule(7)"},
		{func(m *graph.Moves) { m.Registers = 0 }, "Moves.Registers is 0"},
		{func(m *graph.Moves) { m.Registers = -3 }, "Moves.Registers is -3"},
		{func(m *graph.Moves) { m.Values = 1 }, "Moves.Values is 1"},
		{func(m *graph.Moves) { m.Registers, m.Values = 1<<16, 1<<15 }, "65536 * 32768"},
		{func(m *graph.Moves) { m.Registers, m.Values = math.MaxInt, math.MaxInt }, "more than 2147483647"},
	} {
		m := good
		c.change(&m)
		require.ErrorContains(t, m.Validate(), c.names)
	}
}

// The numbers a Plan is laid out from: forward, backward, steps for both kinds and both stop rules.
func TestMovesNumbers(t *testing.T) {
	for _, c := range []struct {
		m                        graph.Moves
		forward, backward, steps int
	}{
		{graph.Moves{Kind: graph.Increment, Registers: 4, Values: 20, Stop: graph.StopAnywhere}, 4, 4, 77},
		{graph.Moves{Kind: graph.Increment, Registers: 4, Values: 20, Stop: graph.StopFull}, 4, 4, 76},
		{graph.Moves{Kind: graph.Append, Registers: 8, Values: 4, Stop: graph.StopAnywhere}, 3, 1, 9},
		{graph.Moves{Kind: graph.Append, Registers: 8, Values: 4, Stop: graph.StopFull}, 3, 1, 8},
	} {
		require.Equal(t, []int{c.forward, c.backward, c.steps}, []int{c.m.Forward(), c.m.Backward(), c.m.Steps()}, c.m.String())
	}
}

// Masks past the first word, dirty words on entry, and the stop bit's place.
func TestMovesMaskWords(t *testing.T) {
	inc := graph.Moves{Kind: graph.Increment, Registers: 40, Values: 2, Stop: graph.StopAnywhere}
	s := make([]int32, 40)
	s[0], s[33] = 1, 1
	f, b := []uint32{0xffffffff, 0xffffffff}, []uint32{0xffffffff, 0xffffffff}
	inc.MaskForward(f, s)
	inc.MaskBackward(b, s)
	require.Equal(t, []uint32{0xfffffffe, 0x1fd}, f) // bits 32, 34..39 and stop = 40
	require.Equal(t, []uint32{1, 2}, b)

	app := graph.Moves{Kind: graph.Append, Registers: 2, Values: 33, Stop: graph.StopAnywhere}
	f = []uint32{7, 0xfffffffe}
	app.MaskForward(f, []int32{5, 0})
	require.Equal(t, []uint32{0xffffffff, 1}, f) // 32 letters, stop is bit 32
	app.MaskForward(f, []int32{5, 9})
	require.Equal(t, []uint32{0, 1}, f)
	app.Stop = graph.StopFull
	app.MaskForward(f[:1], []int32{5, 9})
	require.Zero(t, f[0])
}

func anyMoves(t *rapid.T) graph.Moves {
	return graph.Moves{
		Kind:      rapid.SampledFrom([]graph.MoveKind{graph.Increment, graph.Append}).Draw(t, "kind"),
		Registers: rapid.IntRange(1, 40).Draw(t, "registers"),
		Values:    rapid.IntRange(2, 40).Draw(t, "values"),
		Stop:      rapid.SampledFrom([]graph.StopRule{graph.StopAnywhere, graph.StopFull}).Draw(t, "stop"),
	}
}

// Along any trajectory: undo after step is the identity and returns the move, the child's backward mask allows the
// undo, values stay in range, and the walk ends, when no move is left, after exactly Steps actions.
func TestMovesLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyMoves(t)
		require.NoError(t, m.Validate())
		s := make([]int32, m.Registers)
		f, b := make([]uint32, 3), make([]uint32, 2)
		m.MaskBackward(b, s)
		require.Equal(t, []uint32{0, 0}, b, "the source has no parent")
		pick := rapid.IntRange(0, 1<<20).Draw(t, "pick")
		steps := 0
		for {
			m.MaskForward(f, s)
			var moves []int
			for a := range m.Forward() {
				if f[a/32]>>(a%32)&1 == 1 {
					moves = append(moves, a)
				}
			}
			stop := m.Stop == graph.StopAnywhere
			set := 0
			for _, word := range f {
				set += bits.OnesCount32(word)
			}
			if stop {
				require.Equal(t, uint32(1), f[m.Forward()/32]>>(m.Forward()%32)&1)
				set--
			}
			require.Equal(t, len(moves), set, "no bit beyond the actions")
			require.Equal(t, !stop && len(moves) == 0, m.Terminal(s))
			if len(moves) == 0 {
				break
			}
			steps++
			pick = (pick*1103515245 + 12345) & (1<<30 - 1)
			a := moves[pick>>8%len(moves)]
			before := slices.Clone(s)
			undo := m.Step(s, a)
			require.NotEqual(t, before, s)
			require.Less(t, slices.Max(s), int32(m.Values))
			m.MaskBackward(b, s)
			require.Equal(t, uint32(1), b[undo/32]>>(undo%32)&1, "the child's backward mask allows the undo")
			after := slices.Clone(s)
			require.Equal(t, a, m.Undo(s, undo))
			require.Equal(t, before, s)
			require.Equal(t, undo, m.Step(s, a))
			require.Equal(t, after, s)
		}
		if m.Stop == graph.StopAnywhere {
			steps++
		}
		require.Equal(t, m.Steps(), steps)
	})
}

func TestMovesAllocateNothing(t *testing.T) {
	m := graph.Moves{Kind: graph.Append, Registers: 8, Values: 4}
	s, f := make([]int32, 8), make([]uint32, 1)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		m.MaskForward(f, s)
		b := m.Step(s, 1)
		m.MaskBackward(f, s)
		m.Undo(s, b)
		m.Terminal(s)
	}))
}
