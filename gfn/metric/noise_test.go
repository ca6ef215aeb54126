package metric_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sluice-ml/sluice/gfn/metric"
)

func uniform(n int) []float64 {
	p := make([]float64, n)
	for i := range p {
		p[i] = 1 / float64(n)
	}
	return p
}

func TestSampledTVByHand(t *testing.T) {
	p := []float64{.5, .25, .25}
	require.InDelta(t, .25, metric.SampledTV(p, []int32{0, 1, 0, 0}), 1e-15) // .75 .25 0
	require.InDelta(t, 0, metric.SampledTV(p, []int32{0, 1, 2, 0}), 1e-15)
	require.InDelta(t, .75, metric.SampledTV(p, []int32{1}), 1e-15)
}

// TestNoiseFloorIsTheBinomialSum adds up E|K/n - p| term by term.
func TestNoiseFloorIsTheBinomialSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "n")
		p := rapid.SliceOfN(rapid.Float64Range(0, 1), 1, 6).Draw(t, "weights")
		total := 1e-300
		for _, v := range p {
			total += v
		}
		want := 0.0
		for i := range p {
			p[i] /= total
			for k := range n + 1 {
				all, _ := math.Lgamma(float64(n + 1))
				up, _ := math.Lgamma(float64(k + 1))
				down, _ := math.Lgamma(float64(n - k + 1))
				mass := math.Exp(all-up-down) * math.Pow(p[i], float64(k)) * math.Pow(1-p[i], float64(n-k))
				want += mass * math.Abs(float64(k)/float64(n)-p[i]) / 2
			}
		}
		require.InDelta(t, want, metric.NoiseFloor(p, n), 1e-11)
	})
}

// TestNoiseFloor has the value that makes sampled TV useless on small grids: .06 for 10,000 perfect draws over 256 states.
func TestNoiseFloor(t *testing.T) {
	require.InDelta(t, .0637, metric.NoiseFloor(uniform(256), 10000), 1e-3)
	require.InDelta(t, math.Sqrt(255/(2*math.Pi*1e8)), metric.NoiseFloor(uniform(256), 1e8), 1e-7, "the normal limit")
	require.InDelta(t, 1-1./1000, metric.NoiseFloor(uniform(1000), 1), 1e-12, "one draw misses all but one state")
	require.Zero(t, metric.NoiseFloor([]float64{1, 0}, 50), "a certain outcome has no noise")
	require.InDelta(t, 0, metric.NoiseFloor([]float64{1 - 1e-17*3, 1e-16}, 1000), 1e-9)
}

// TestNoiseFloorIsWhatAPerfectSamplerShows draws from p itself.
func TestNoiseFloorIsWhatAPerfectSamplerShows(t *testing.T) {
	r, p, n := newRand(11), []float64{.4, .3, .1, .1, .05, .05}, 200
	sum, runs := 0.0, 3000
	for range runs {
		draws := make([]int32, n)
		for i := range draws {
			u := r.Float64()
			for u -= p[0]; u > 0 && int(draws[i]) < len(p)-1; u -= p[draws[i]] {
				draws[i]++
			}
		}
		sum += metric.SampledTV(p, draws)
	}
	require.InDelta(t, metric.NoiseFloor(p, n), sum/float64(runs), 1e-3)
}
