package metric_test

import (
	"math"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/gfn/metric"
	"github.com/sluice-ml/sluice/gfn/world"
)

func columns(ps []path) (logR, logPB, logPF []float64) {
	for _, p := range ps {
		logR, logPB, logPF = append(logR, p.logR), append(logPB, p.logPB), append(logPF, p.logPF)
	}
	return logR, logPB, logPF
}

// drawPaths draws n of the paths with probability proportional to exp(logWeight).
func drawPaths(ps []path, logWeight func(path) float64, n int, seed uint64) []path {
	sum := make([]float64, len(ps))
	total := 0.0
	for i, p := range ps {
		total += math.Exp(logWeight(p))
		sum[i] = total
	}
	r := newRand(seed)
	out := make([]path, n)
	for i := range out {
		out[i] = ps[sort.SearchFloat64s(sum, r.Float64()*total)]
	}
	return out
}

func TestBoundsByHand(t *testing.T) {
	mean, stdErr := metric.ELBO([]float64{1, 2}, []float64{-1, -1}, []float64{-3, -6})
	require.Equal(t, 5.0, mean) // 3 and 7
	require.InDelta(t, 2, stdErr, 1e-15)
	mean, stdErr = metric.EUBO([]float64{1}, []float64{-1}, []float64{-3})
	require.Equal(t, []float64{3, 0}, []float64{mean, stdErr})
	require.Panics(t, func() { metric.ELBO(nil, nil, nil) })
	require.Panics(t, func() { metric.EUBO([]float64{1}, []float64{1, 2}, []float64{1}) })
}

// TestBoundsAreLogZOfAPerfectPolicy: every trajectory of a perfect policy has c(τ) = log Z.
func TestBoundsAreLogZOfAPerfectPolicy(t *testing.T) {
	for name, w := range worlds() {
		space := enumerate(t, w)
		logR := randomLogR(space, newRand(8))
		logits, logZ := perfect(space, logR)
		mean, stdErr := metric.ELBO(columns(paths(w, space, logits, logR)))
		require.InDelta(t, logZ, mean, 1e-12, name)
		require.Less(t, stdErr, 1e-12, name)
	}
}

// TestBoundsBracketLogZ compares sampled bounds with log Z -+ the divergences summed over all trajectories.
func TestBoundsBracketLogZ(t *testing.T) {
	w := world.Hypergrid(2, 3)
	space := enumerate(t, w)
	logR := randomLogR(space, newRand(4))
	_, logZ := perfect(space, logR)
	all := paths(w, space, randomLogits(space, newRand(5), 1), logR)
	forward, backward := 0.0, 0.0
	for _, p := range all {
		logQ := p.logR - logZ + p.logPB
		forward += math.Exp(p.logPF) * (p.logPF - logQ)
		backward += math.Exp(logQ) * (logQ - p.logPF)
	}
	require.Greater(t, min(forward, backward), .3, "the policy is far from perfect")

	elbo, stdErr := metric.ELBO(columns(drawPaths(all, func(p path) float64 { return p.logPF }, 40000, 6)))
	require.InDelta(t, logZ-forward, elbo, 4*stdErr)
	require.Less(t, 10*stdErr, forward)
	eubo, stdErr := metric.EUBO(columns(drawPaths(all, func(p path) float64 { return p.logR + p.logPB }, 40000, 7)))
	require.InDelta(t, logZ+backward, eubo, 4*stdErr)
	require.Less(t, 10*stdErr, backward)
}
