package gfn_test

import (
	"bytes"
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/nn"
)

// half is a policy that is neither untrained nor done, so that no bound is tight by accident.
func half(t *testing.T, back gfn.Backward) *gfn.Policy {
	t.Helper()
	j := grid8(1, balance.TB{}, back)
	j.Iterations = 60
	p, err := gfn.Train(context.Background(), j)
	require.NoError(t, err)
	return p
}

// Draws follow the law that Exact pushes through the graph: the two ways to know a policy agree to sampling noise.
func TestSamplesFollowTheExactLaw(t *testing.T) {
	p := half(t, gfn.Learned)
	e, err := p.Exact()
	require.NoError(t, err)
	const n = 20000
	draws, err := p.Sample(n, 3)
	require.NoError(t, err)
	share := make([]float64, len(e.Learned))
	for _, d := range draws {
		share[e.Space.Index(d.State)] += 1. / n
	}
	// ½ Σ|share - p| of n draws of p itself is about ½ Σ √(2p(1-p)/(πn)).
	floor, learned, target := 0., 0., 0.
	for i, p := range e.Learned {
		floor += math.Sqrt(p * (1 - p) / (2 * math.Pi * n))
		learned += math.Abs(share[i]-p) / 2
		target += math.Abs(share[i]-e.True[i]) / 2
	}
	require.Less(t, learned, 1.3*floor)
	require.Greater(t, target, 2*floor, "the half-trained policy differs from the target")
}

func TestSampleIsKeyedBySeed(t *testing.T) {
	p := half(t, gfn.Uniform)
	a, err := p.Sample(5000, 7) // more than one block
	require.NoError(t, err)
	b, err := p.Sample(100, 7)
	require.NoError(t, err)
	require.Equal(t, a[:100], b)
	c, err := p.Sample(100, 8)
	require.NoError(t, err)
	require.NotEqual(t, b, c)
	_, err = p.Sample(0, 1)
	require.ErrorContains(t, err, "0 draws")
}

// ELBO <= log Z <= EUBO, and both close in as the policy learns.
func TestBoundsBracketLogZ(t *testing.T) {
	for _, back := range []gfn.Backward{gfn.Uniform, gfn.Learned} {
		p := half(t, back)
		lo, se1, err := p.ELBO(4096, 1)
		require.NoError(t, err)
		hi, se2, err := p.EUBO(4096, 1)
		require.NoError(t, err)
		require.Less(t, lo, grid8LogZ+4*se1)
		require.Greater(t, hi, grid8LogZ-4*se2)
		require.Greater(t, hi-lo, .01)
		require.Less(t, hi-lo, 3.)
		// EUBO - log Z is KL(R/Z || p_T) and more: Exact's KL is a lower bound of it.
		e, err := p.Exact()
		require.NoError(t, err)
		require.Greater(t, hi-grid8LogZ+4*se2, e.KLNats)
	}
}

// With one trajectory into each object EUBO - log Z is exactly that KL divergence.
func TestEUBOOnATree(t *testing.T) {
	j := towers(world.Each(tower{}))
	j.Iterations = 100
	p, err := gfn.Train(context.Background(), j)
	require.NoError(t, err)
	e, err := p.Exact()
	require.NoError(t, err)
	hi, se, err := p.EUBO(4096, 2)
	require.NoError(t, err)
	require.InDelta(t, e.KLNats, hi-e.LogZTrue, 4*se)
}

func TestSaveLoad(t *testing.T) {
	p := half(t, gfn.Learned)
	var buf bytes.Buffer
	require.NoError(t, p.Save(&buf))
	raw := buf.Bytes()
	job := grid8(1, balance.TB{}, gfn.Learned)
	q, err := gfn.Load(bytes.NewReader(raw), job)
	require.NoError(t, err)
	require.Equal(t, p.Hash(), q.Hash())
	a, err := p.Sample(50, 1)
	require.NoError(t, err)
	b, err := q.Sample(50, 1)
	require.NoError(t, err)
	require.Equal(t, a, b)

	_, err = gfn.Load(bytes.NewReader(raw[:len(raw)-9]), job)
	require.Error(t, err, "cut short")
	wide := job
	wide.Net = nn.MLP{Hidden: []int{64, 128}}
	_, err = gfn.Load(bytes.NewReader(raw), wide)
	require.ErrorContains(t, err, `tensor "policy.torso.0.weight" is [16 128] in the checkpoint, [16 64] in this model`)
	_, err = gfn.Load(bytes.NewReader(raw), grid8(1, balance.TB{}, gfn.Uniform))
	require.ErrorContains(t, err, `"policy.backward.`)
}

// What a balance without a log Z of its own reports is near the truth once it is trained.
func TestLogZOfEachBalance(t *testing.T) {
	for _, b := range []balance.Balance{balance.TB{}, balance.DB{}, balance.VarGrad{}} {
		j := grid8(2, b, gfn.Uniform)
		j.Iterations = 400
		p, err := gfn.Train(context.Background(), j)
		require.NoError(t, err)
		z, err := p.LogZ()
		require.NoError(t, err)
		require.InDelta(t, grid8LogZ, z, .25, b)
	}
}

// 160,000 states are judged exactly in under two seconds.
func TestLargeGridIsJudgedInTime(t *testing.T) {
	if testing.Short() {
		t.Skip("a timing; the same code runs on 8x8 in TestGate")
	}
	j := gfn.Job{Device: cpu.New(cpu.Config{}), World: world.Hypergrid(4, 20), LogReward: reward.HypergridEasy(20), Balance: balance.TB{},
		Net: nn.MLP{Hidden: []int{256, 256}}, Batch: 16, Iterations: 1, Seed: 1}
	p, err := gfn.Train(context.Background(), j)
	require.NoError(t, err)
	best := math.Inf(1)
	for range 3 { // the first also lists the states
		start := time.Now()
		e, err := p.Exact()
		require.NoError(t, err)
		require.InDelta(t, 8.643297, e.LogZTrue, 1e-6)
		took := time.Since(start).Seconds()
		t.Logf("%.2f s", took)
		best = min(best, took)
	}
	require.Less(t, best, 2.)
}

func TestExactRefusesLargeWorlds(t *testing.T) {
	j := grid8(1, balance.TB{}, gfn.Uniform)
	j.Iterations, j.Limit = 1, 63
	p, err := gfn.Train(context.Background(), j)
	require.NoError(t, err)
	_, err = p.Exact()
	var large *world.TooLargeError
	require.ErrorAs(t, err, &large)
	require.ErrorContains(t, err, "64 states, the limit is 63: exact metrics are off")
}

func TestLanesAreWhole(t *testing.T) {
	require.Equal(t, 1, graph.Lanes(1, 10))
	require.Equal(t, 2, graph.Lanes(16, 10))
	require.Equal(t, 32, graph.Lanes(4096, 10))
	require.Equal(t, 16, graph.Lanes(4096, 4<<20), "32 x 4 Mi parameters are too many")
}
