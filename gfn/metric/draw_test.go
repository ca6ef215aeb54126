package metric_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/gfn/metric"
	"github.com/sluice-ml/sluice/rng"
)

// TestDraw holds counts of 100,000 draws against their law: within 5 standard deviations, and nothing where p is 0.
func TestDraw(t *testing.T) {
	p := []float64{0, .5, 0, .3, .0001, .1999, 0}
	const n = 100000
	draws := metric.Draw(make([]int32, n), p, rng.NewKey(3))
	count := make([]float64, len(p))
	for _, x := range draws {
		count[x]++
	}
	for x, q := range p {
		require.InDelta(t, n*q, count[x], 5*math.Sqrt(n*q*(1-q)), "state %d", x)
	}
	require.Equal(t, draws[:10], metric.Draw(make([]int32, 10), p, rng.NewKey(3)), "a draw depends on the key and its number")
	require.NotEqual(t, draws[:10], metric.Draw(make([]int32, 10), p, rng.NewKey(4)))

	// A state of mass 2^-39 around the point that the definition gives for a draw: it takes both numbers of the pair to hit it.
	for i := range 4 {
		var u [2]float32
		rng.NewKey(5).Uniform(u[:], 2*uint64(i))
		at := float64(u[0]) + (float64(u[1])-.5)*0x1p-23
		needle := []float64{at - 0x1p-40, 0x1p-39, 1 - at - 0x1p-40}
		require.EqualValues(t, 1, metric.Draw(make([]int32, 4), needle, rng.NewKey(5))[i])
	}

	short := metric.Draw(make([]int32, 50), []float64{.1, 0}, rng.NewKey(1)) // a total below 1 stays in range
	for _, x := range short {
		require.Zero(t, x)
	}
}
