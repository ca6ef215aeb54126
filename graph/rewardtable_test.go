package graph_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sluice-ml/sluice/graph"
)

func TestRewardTableAt(t *testing.T) {
	least := graph.RewardTable{Key: graph.Least, Class: []int32{2, 0, 1}, LogR: []float32{10, 11, 12}}
	digits := graph.RewardTable{Key: graph.Digits, Class: []int32{2, 0, 1}, Base: 3, LogR: []float32{0, 1, 2, 3, 4, 5, 6, 7, 8}}
	for _, c := range []struct {
		x             [2]int32
		least, digits float32
	}{
		{[2]int32{0, 0}, 12, 8}, {[2]int32{0, 1}, 10, 6}, {[2]int32{1, 0}, 10, 2}, {[2]int32{0, 2}, 11, 7}, {[2]int32{2, 0}, 11, 5}, {[2]int32{1, 1}, 10, 0},
	} {
		require.Equal(t, c.least, least.At(c.x[:]), "least class of %v", c.x)
		require.Equal(t, c.digits, digits.At(c.x[:]), "classes of %v as digits", c.x)
	}
	require.NoError(t, least.Validate(2, 3))
	require.NoError(t, least.Validate(200, 3), "a least class is one whatever the number of registers")
	require.NoError(t, digits.Validate(2, 3))
	x := []int32{2, 1}
	require.Zero(t, testing.AllocsPerRun(10, func() { least.At(x); digits.At(x); digits.Has(x) }))
	require.True(t, digits.Has(x))
	require.False(t, digits.Has([]int32{3, 0}))
	require.False(t, digits.Has([]int32{0, -1}))
}

// The keys are those of the formula, each of its table's.
func TestRewardTableKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, base := rapid.IntRange(1, 6).Draw(t, "registers"), rapid.IntRange(1, 4).Draw(t, "base")
		class := rapid.SliceOfN(rapid.Int32Range(0, int32(base-1)), 1, 9).Draw(t, "class")
		x := rapid.SliceOfN(rapid.Int32Range(0, int32(len(class)-1)), n, n).Draw(t, "x")
		table := make([]float32, int(math.Pow(float64(base), float64(n))))
		for key := range table {
			table[key] = float32(key)
		}
		sum, least := 0.0, int32(base)
		for i, v := range x {
			sum += float64(class[v]) * math.Pow(float64(base), float64(n-1-i))
			least = min(least, class[v])
		}
		digits := graph.RewardTable{Key: graph.Digits, Class: class, Base: base, LogR: table}
		require.NoError(t, digits.Validate(n, len(class)))
		require.Equal(t, float32(sum), digits.At(x))
		lowest := graph.RewardTable{Key: graph.Least, Class: class, LogR: table[:base]}
		require.NoError(t, lowest.Validate(n, len(class)))
		require.Equal(t, float32(least), lowest.At(x))
	})
}

func TestRewardTableValidate(t *testing.T) {
	fine := func() *graph.RewardTable {
		return &graph.RewardTable{Key: graph.Digits, Class: []int32{0, 1, 1}, Base: 2, LogR: make([]float32, 8)}
	}
	require.NoError(t, fine().Validate(3, 3))
	nothing := fine()
	nothing.LogR[5] = float32(math.Inf(-1))
	require.NoError(t, nothing.Validate(3, 3), "R = 0 is allowed")
	for want, spoil := range map[string]func(*graph.RewardTable){
		"graph: RewardTable.Key is RewardKey(2), want least or digits":               func(s *graph.RewardTable) { s.Key = 2 },
		"graph: RewardTable.Class has 2 entries, registers have 3 values":            func(s *graph.RewardTable) { s.Class = s.Class[:2] },
		"graph: RewardTable.Class[1] is -1, want 0..1":                               func(s *graph.RewardTable) { s.Class[1] = -1 },
		"graph: RewardTable.Class[2] is 2, want 0..1":                                func(s *graph.RewardTable) { s.Class[2] = 2 },
		"graph: RewardTable.LogR is empty":                                           func(s *graph.RewardTable) { s.Key, s.LogR = graph.Least, nil },
		"graph: RewardTable.Class[1] is 8, want 0..7":                                func(s *graph.RewardTable) { s.Key, s.Class[1] = graph.Least, 8 },
		"graph: RewardTable.Base is 0, want at least 1":                              func(s *graph.RewardTable) { s.Base = 0 },
		"graph: RewardTable.Base is 2000, of 3 registers: more than 2147483647 keys": func(s *graph.RewardTable) { s.Base = 2000 },
		"graph: RewardTable.LogR has 7 entries, want 2^3 = 8":                        func(s *graph.RewardTable) { s.LogR = s.LogR[:7] },
		"graph: RewardTable.LogR has 9 entries, want 2^3 = 8":                        func(s *graph.RewardTable) { s.LogR = make([]float32, 9) },
		"graph: RewardTable.LogR[4] is NaN":                                          func(s *graph.RewardTable) { s.LogR[4] = float32(math.NaN()) },
		"graph: RewardTable.LogR[7] is +Inf":                                         func(s *graph.RewardTable) { s.LogR[7] = float32(math.Inf(1)) },
	} {
		s := fine()
		spoil(s)
		require.EqualError(t, s.Validate(3, 3), want)
	}
	require.Equal(t, []string{"least", "digits"}, []string{graph.Least.String(), graph.Digits.String()})
}

// A Plan holds the reward it was given, and Lower refuses one that does not fit the world, saying where.
func TestLowerTakesAReward(t *testing.T) {
	lower := func(s *graph.RewardTable) (*graph.Plan, error) {
		b := graph.NewBuilder(graph.Shape{Ints: 2, Active: 2, Features: 6, Values: 3, Actions: 3, Stop: 2, Back: 2, Steps: 5})
		logits := b.Gather(b.Param("w", "policy", graph.Init{}, 6, 3), b.Param("b", "policy", graph.Init{}, 3))
		return b.Lower(graph.Want{Policy: logits, Reward: s})
	}
	s := &graph.RewardTable{Key: graph.Least, Class: []int32{0, 1, 0}, LogR: []float32{0, 1}}
	p, err := lower(s)
	require.NoError(t, err)
	require.Same(t, s, p.Reward)
	require.Contains(t, p.String(), "reward    least of 3 values, 2 entries\n")
	p, err = lower(nil)
	require.NoError(t, err)
	require.Nil(t, p.Reward)
	require.NotContains(t, p.String(), "score")
	other := *s
	other.Class = slices.Clone(s.Class[:2])
	_, err = lower(&other)
	require.ErrorContains(t, err, "graph: RewardTable.Class has 2 entries, registers have 3 values (graph/rewardtable_test.go:")
}
