package reward_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
)

func TestEachUsesItsDestination(t *testing.T) {
	r := reward.Each(func(s []int32) float32 { return float32(s[0]) })
	dst := make([]float32, 2)
	got, err := r.LogReward(dst, []int32{4, 5}, 1)
	require.NoError(t, err)
	require.Same(t, &dst[0], &got[0])
	require.Equal(t, []float32{4, 5}, dst)
	_, err = r.LogReward(make([]float32, 3), []int32{4, 5}, 1)
	require.EqualError(t, err, "reward: 3 values for 2 states")
	_, err = r.LogReward(nil, []int32{4, 5, 6}, 2)
	require.EqualError(t, err, "reward: 3 registers are no whole number of states of 2")
	_, err = r.LogReward(nil, []int32{4}, 0)
	require.ErrorContains(t, err, "states of 0")
	s := []int32{4, 5}
	require.Zero(t, testing.AllocsPerRun(10, func() { _, _ = r.LogReward(dst, s, 1) }))
}

// fixed returns what it holds, whatever it is asked.
type fixed []float32

func (f fixed) LogReward([]float32, []int32, int) ([]float32, error) { return f, nil }

type failing struct{}

var errDown = fmt.Errorf("oracle is down")

func (failing) LogReward([]float32, []int32, int) ([]float32, error) { return nil, errDown }

func TestCheckNamesTheObject(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	w := world.Hypergrid(2, 8)
	s := []int32{0, 0, 3, 7, 1, 2}
	logR, err := reward.Check(fixed{0, -inf, 1}, nil, s, 2, w)
	require.NoError(t, err, "R = 0 is allowed")
	require.Equal(t, []float32{0, -inf, 1}, logR)
	for _, c := range []struct {
		r    reward.Reward
		text string
	}{
		{fixed{0, inf, nan}, "reward: log R of state (3,7) is +Inf"},
		{fixed{0, 0, nan}, "reward: log R of state (1,2) is NaN"},
		{fixed{0, 0}, "reward: 2 values for 3 states, none for state (1,2)"},
		{fixed{}, "reward: 0 values for 3 states, none for state (0,0)"},
		{fixed{0, 0, 0, 0}, "reward: 4 values for 3 states, the last of them (1,2)"},
		{failing{}, "oracle is down"},
	} {
		_, err := reward.Check(c.r, nil, s, 2, w)
		require.EqualError(t, err, c.text)
	}
	_, err = reward.Check(fixed{0, inf, nan}, nil, s, 2, w)
	var value *reward.ValueError
	require.ErrorAs(t, err, &value)
	require.Equal(t, reward.ValueError{Index: 1, State: "(3,7)", Value: inf}, *value)
	_, err = reward.Check(fixed{0}, nil, s, 2, w)
	var count *reward.CountError
	require.ErrorAs(t, err, &count)
	require.Equal(t, reward.CountError{Want: 3, Got: 1, State: "(3,7)"}, *count)
	_, err = reward.Check(failing{}, nil, s, 2, w)
	require.ErrorIs(t, err, errDown)
	_, err = reward.Check(fixed{nan}, nil, []int32{5}, 1, nil)
	require.EqualError(t, err, "reward: log R of state (5) is NaN")
}

func TestTableRefuses(t *testing.T) {
	w := world.Hypergrid(2, 2)
	for _, c := range []struct {
		t    reward.Table
		s    []int32
		text string
	}{
		{reward.Table{World: w, LogR: make([]float32, 3)}, []int32{0, 0}, "reward: a table of 3 values for 4 states"},
		{reward.Table{World: w, LogR: make([]float32, 4)}, []int32{2, 1}, "reward: (2,1) is no state of the table"},
		{reward.Table{World: world.Hypergrid(40, 40)}, make([]int32, 40), "reward: table: world: 1.2"},
		{reward.Table{World: struct{ world.World }{w}}, []int32{0, 0}, "numbers its states"},
		{reward.Table{}, []int32{0, 0}, "<nil> does not"},
	} {
		_, err := c.t.LogReward(nil, c.s, max(1, len(c.s)))
		require.ErrorContains(t, err, c.text)
	}
}
