package reward_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
)

func ExampleData() {
	r := reward.HypergridEasy(8)
	table := reward.Data(r, world.Hypergrid(2, 8))
	fmt.Println(table.Key, table.Class, table.LogR)
	fmt.Println(table.At([]int32{1, 6}), reward.Data(r, world.Hypergrid(2, 9)) == nil)
	// Output:
	// least [1 2 0 0 0 0 2 1] [-6.9077554 -0.6911492 0.91669065]
	// 0.91669065 true
}

// agrees demands that r is data in w, and that the data has the bits of LogReward in every state.
func agrees(t *testing.T, r reward.Reward, w world.World) {
	t.Helper()
	spec := w.Spec()
	s := reward.Data(r, w)
	require.NotNil(t, s)
	require.NoError(t, s.Validate(spec.Ints, spec.Values))
	space, err := world.Enumerate(w, 0)
	require.NoError(t, err)
	want, err := r.LogReward(nil, space.States, spec.Ints)
	require.NoError(t, err)
	for i, v := range want {
		x := space.States[i*spec.Ints : (i+1)*spec.Ints]
		require.Equal(t, math.Float32bits(v), math.Float32bits(s.At(x)), "state %v", x)
	}
}

func TestHypergridAsData(t *testing.T) {
	for _, side := range []int{2, 3, 5, 8, 9, 11, 16, 20, 21} {
		for dim := 1; dim <= 3; dim++ {
			for _, h := range []reward.Hypergrid{reward.HypergridEasy(side), reward.HypergridHard(side), {Side: side, R1: .5, R2: 2}, {Side: side}} {
				agrees(t, h, world.Hypergrid(dim, side))
			}
		}
	}
	agrees(t, reward.HypergridEasy(5), world.FromMoves(graph.Moves{Kind: graph.Append, Registers: 4, Values: 5})) // any world of such registers
	for name, h := range map[string]reward.Hypergrid{"a smaller side": reward.HypergridEasy(7), "a larger side": reward.HypergridEasy(9), "no side": {},
		"a bad level": {Side: 8, R0: -1}, "an infinite sum": {Side: 8, R0: math.MaxFloat64, R1: math.MaxFloat64}} {
		require.Nil(t, reward.Data(h, world.Hypergrid(2, 8)), name)
	}
}

// numbers is a table that tells all states apart.
func numbers(t *testing.T, w world.World) reward.Table {
	n, err := w.(world.Enumerator).States()
	require.NoError(t, err)
	table := reward.Table{World: w, LogR: make([]float32, n)}
	for i := range table.LogR {
		table.LogR[i] = float32(i) / 4
	}
	table.LogR[n/2] = float32(math.Inf(-1))
	return table
}

// code is a world that numbers its states and is not data.
type code struct {
	world.World
	world.Enumerator
	ends
}

type ends interface{ world.Terminal } // a field Terminal would hide the method

func codeOf(w world.World) world.World { return code{w, w.(world.Enumerator), w.(world.Terminal)} }

func TestTableAsData(t *testing.T) {
	words := graph.Moves{Kind: graph.Append, Registers: 3, Values: 4}
	for _, m := range []graph.Moves{
		{Kind: graph.Increment, Registers: 3, Values: 5}, {Kind: graph.Increment, Registers: 7, Values: 2}, {Kind: graph.Increment, Registers: 2, Values: 3, Stop: graph.StopFull},
		words, {Kind: graph.Append, Registers: 5, Values: 3}, {Kind: graph.Append, Registers: 4, Values: 3, Stop: graph.StopFull}, {Kind: graph.Append, Registers: 1, Values: 9},
	} {
		w := world.FromMoves(m)
		table := numbers(t, w)
		agrees(t, table, w)
		if m.Kind == graph.Increment || m.Registers == 1 { // every combination of registers is a state, so any world of such registers will do
			agrees(t, table, codeOf(w))
			agrees(t, reward.Table{World: codeOf(w), LogR: table.LogR}, w)
			agrees(t, table, world.FromMoves(graph.Moves{Kind: 1 - m.Kind, Registers: m.Registers, Values: m.Values}))
		} else { // nothing says that code stays within the words, nor does another world
			require.Nil(t, reward.Data(table, codeOf(w)))
			require.Nil(t, reward.Data(reward.Table{World: codeOf(w), LogR: table.LogR}, w))
			require.Nil(t, reward.Data(table, world.Hypergrid(m.Registers, m.Values)))
		}
	}

	w := world.FromMoves(words)
	table := numbers(t, w)
	s := reward.Data(table, w)
	copied := s.At([]int32{1, 2, 3})
	table.LogR[w.(world.Enumerator).Index([]int32{1, 2, 3})] = 77
	require.Equal(t, copied, s.At([]int32{1, 2, 3}), "the data keeps no hold of the table")
	require.Equal(t, float32(math.Inf(-1)), s.At([]int32{0, 1, 0}), "a letter after a gap is no word")

	large := world.Hypergrid(22, 2)
	whole := reward.Table{World: large, LogR: make([]float32, 1<<22)}
	whole.LogR[1<<21] = 3
	require.Equal(t, float32(3), reward.Data(whole, large).At(append([]int32{1}, make([]int32, 21)...)), "the largest table there is")
}

// What is no data is left to LogReward, which says why.
func TestTablesThatAreCode(t *testing.T) {
	w := world.Hypergrid(2, 3)
	spoilt := func(v float64) reward.Table {
		table := numbers(t, w)
		table.LogR[7] = float32(v)
		return table
	}
	larger := world.Hypergrid(23, 2)
	for name, c := range map[string]struct {
		t reward.Table
		w world.World
	}{
		"no world":              {reward.Table{}, w},
		"no numbers":            {reward.Table{World: struct{ world.World }{w}, LogR: make([]float32, 9)}, w},
		"too few":               {reward.Table{World: w, LogR: make([]float32, 8)}, w},
		"NaN":                   {spoilt(math.NaN()), w},
		"infinite":              {spoilt(math.Inf(1)), w},
		"more registers":        {numbers(t, w), world.Hypergrid(3, 3)},
		"fewer values":          {numbers(t, w), world.Hypergrid(2, 2)},
		"a table too large":     {reward.Table{World: larger, LogR: make([]float32, 1<<23)}, larger},
		"states without number": {reward.Table{World: world.Hypergrid(40, 40)}, w},
	} {
		require.Nil(t, reward.Data(c.t, c.w), name)
	}
	require.Nil(t, reward.Data(reward.Each(func([]int32) float32 { return 0 }), w))
	require.Nil(t, reward.Data(struct{ reward.Hypergrid }{reward.HypergridEasy(3)}, w), "it may have a LogReward of its own")
}
