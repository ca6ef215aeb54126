package metric_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/gfn/metric"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
)

func logs(v ...float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = math.Log(x)
	}
	return out
}

func TestJudgeByHand(t *testing.T) {
	space := enumerate(t, world.Hypergrid(1, 2))
	e, err := metric.Judge(space, logs(.5, .5), logs(1, 3), 1)
	require.NoError(t, err)
	require.InDelta(t, .25, e.TV, 1e-15)
	require.InDelta(t, .5, e.L1, 1e-15)
	require.InDelta(t, .25*math.Log(.5)+.75*math.Log(1.5), e.KLNats, 1e-15, "KL(R/Z || p_T), not the reverse")
	require.InDelta(t, math.Log(4), e.LogZTrue, 1e-15)
	require.InDelta(t, 1-math.Log(4), e.LogZError, 1e-15)
	require.InDelta(t, 2, e.ExpectedReward, 1e-15)
	require.InDelta(t, 2.5, e.ExpectedRewardTrue, 1e-15)
	require.Equal(t, 2, e.States)
	require.InDeltaSlice(t, []float64{.25, .75}, e.True, 1e-15)
	require.InDeltaSlice(t, []float64{.5, .5}, e.Learned, 1e-15)
	require.Same(t, space, e.Space)

	narrow, err := metric.Judge(space, logs(.5, .5), []float32{0, float32(math.Log(3))}, 1)
	require.NoError(t, err)
	require.InDelta(t, e.KLNats, narrow.KLNats, 1e-7, "log R as a reward returns it")
}

func TestJudgeAtTheEdges(t *testing.T) {
	space := enumerate(t, world.Hypergrid(1, 2))
	missed, err := metric.Judge(space, logs(1, 0), logs(1, 1), math.NaN())
	require.NoError(t, err)
	require.True(t, math.IsInf(missed.KLNats, 1), "a state with reward that is never built")
	require.InDelta(t, .5, missed.TV, 1e-15)
	require.True(t, math.IsNaN(missed.LogZ) && math.IsNaN(missed.LogZError))

	spare, err := metric.Judge(space, logs(.5, .5), logs(1, 0), 0)
	require.NoError(t, err)
	require.InDelta(t, math.Ln2, spare.KLNats, 1e-15, "0 log 0 is 0")
	require.InDelta(t, .5, spare.ExpectedReward, 1e-15)

	huge, err := metric.Judge(space, logs(.5, .5), []float64{1000, 1000}, 1000)
	require.NoError(t, err)
	require.InDelta(t, 1000+math.Ln2, huge.LogZTrue, 1e-12, "log Z is summed in logarithms")
	require.InDelta(t, 0, huge.TV, 1e-12)
	require.True(t, math.IsInf(huge.ExpectedReward, 1))

	_, err = metric.Judge(space, logs(.5, .5), logs(0, 0), 0)
	require.ErrorIs(t, err, metric.ErrNoReward)
	_, err = metric.Judge(space, logs(.5, .5), []float64{0, math.NaN()}, 0)
	require.ErrorContains(t, err, "log R of state [1] is NaN")
	_, err = metric.Judge(space, logs(.5, .5), []float64{math.Inf(1), 0}, 0)
	require.ErrorContains(t, err, "log R of state [0] is +Inf")
	require.Panics(t, func() { _, _ = metric.Judge(space, logs(1), logs(1, 1), 0) })
}

// TestJudgeReadsEndsOnly has rewards on states in which nothing ends: they are no part of the target.
func TestJudgeReadsEndsOnly(t *testing.T) {
	w := world.FromMoves(graph.Moves{Kind: graph.Append, Registers: 2, Values: 3, Stop: graph.StopFull})
	space := enumerate(t, w) // 1 + 2 + 4 states, 4 of them ends
	logR := make([]float64, space.N)
	for i := range logR {
		if !space.Ends(i) {
			logR[i] = math.NaN()
		}
	}
	logP, err := metric.Terminal(space, table(space, make([]float64, space.N*2)))
	require.NoError(t, err)
	e, err := metric.Judge(space, logP, logR, 0)
	require.NoError(t, err)
	require.InDelta(t, math.Log(4), e.LogZTrue, 1e-15)
	require.InDelta(t, 0, e.TV, 1e-15)
	require.Equal(t, 7, e.States)
}
