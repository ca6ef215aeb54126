package metric_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sluice-ml/sluice/gfn/metric"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
)

func TestLogSoftmax(t *testing.T) {
	inf := math.Inf(1)
	row := []float64{math.Log(1), math.NaN(), math.Log(3), inf, math.Log(4)}
	sum := metric.LogSoftmax(row, row, []uint32{0b10101})
	require.InDelta(t, math.Log(8), sum, 1e-15)
	require.InDeltaSlice(t, []float64{.125, 0, .375, 0, .5}, []float64{
		math.Exp(row[0]), math.Exp(row[1]), math.Exp(row[2]), math.Exp(row[3]), math.Exp(row[4])}, 1e-15)

	wide := make([]float64, 70) // the third mask word
	wide[69] = 1
	dst := make([]float64, 70)
	metric.LogSoftmax(dst, wide, []uint32{0, 1 << 31, 1 << 5})
	require.InDelta(t, 1/(1+math.E), math.Exp(dst[63]), 1e-15)
	require.InDelta(t, math.E/(1+math.E), math.Exp(dst[69]), 1e-15)
	require.True(t, math.IsInf(dst[0], -1))

	huge := []float64{1e300, 1e300}
	metric.LogSoftmax(huge, huge, []uint32{3})
	require.InDeltaSlice(t, []float64{-math.Ln2, -math.Ln2}, huge, 1e-15, "offsets cancel")
	require.True(t, math.IsInf(metric.LogSoftmax(huge, huge, []uint32{0}), -1), "nothing allowed")
	require.True(t, math.IsInf(huge[0], -1))
}

// TestTerminalUniform is worked out by hand: on the 2 x 2 grid the source has three actions, two of its children two, the last
// cell only stop.
func TestTerminalUniform(t *testing.T) {
	w := world.Hypergrid(2, 2)
	space := enumerate(t, w)
	logP, err := metric.Terminal(space, table(space, make([]float64, 4*3)))
	require.NoError(t, err)
	want := map[string]float64{"(0,0)": 1. / 3, "(0,1)": 1. / 6, "(1,0)": 1. / 6, "(1,1)": 1. / 3}
	for i, v := range logP {
		require.InDelta(t, want[world.Text(w, space.State(i))], math.Exp(v), 1e-15)
	}
}

func TestTerminalIsTheSumOverTrajectories(t *testing.T) {
	for name, w := range worlds() {
		t.Run(name, func(t *testing.T) {
			space := enumerate(t, w)
			require.Equal(t, w.Spec().Actions(), space.Spec().Actions())
			for seed := range uint64(5) {
				logits := randomLogits(space, newRand(seed), float64(seed)) // seed 0 is the uniform policy
				want := make([]float64, space.N)
				for _, p := range paths(w, space, logits, make([]float64, space.N)) {
					want[p.end] += math.Exp(p.logPF)
				}
				logP, err := metric.Terminal(space, table(space, logits))
				require.NoError(t, err)
				for i := range want {
					require.InDelta(t, want[i], math.Exp(logP[i]), 1e-14, "state %v", space.State(i))
					require.Equal(t, !space.Ends(i), math.IsInf(logP[i], -1))
				}
			}
		})
	}
}

func TestPerfectPolicy(t *testing.T) {
	for name, w := range worlds() {
		space := enumerate(t, w)
		logR := randomLogR(space, newRand(3))
		logits, logZ := perfect(space, logR)
		logP, err := metric.Terminal(space, table(space, logits))
		require.NoError(t, err)
		exact, err := metric.Judge(space, logP, logR, logZ)
		require.NoError(t, err)
		require.Less(t, exact.TV, 1e-12, name)
		require.Less(t, exact.KLNats, 1e-12, name)
		require.InDelta(t, 0, exact.LogZError, 1e-12, name)
		require.InDelta(t, exact.ExpectedRewardTrue, exact.ExpectedReward, 1e-10, name)
	}
}

func TestTerminalLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := graph.Moves{
			Kind:      graph.MoveKind(rapid.IntRange(0, 1).Draw(t, "kind")),
			Registers: rapid.IntRange(1, 4).Draw(t, "registers"),
			Values:    rapid.IntRange(2, 4).Draw(t, "values"),
			Stop:      graph.StopRule(rapid.IntRange(0, 1).Draw(t, "stop")),
		}
		space := enumerate(t, world.FromMoves(m))
		r := newRand(rapid.Uint64().Draw(t, "seed"))
		logits := randomLogits(space, r, rapid.Float64Range(0, 30).Draw(t, "scale"))
		logP, err := metric.Terminal(space, table(space, logits))
		require.NoError(t, err)
		require.InDelta(t, 1, sumExp(logP), 1e-12, "probability is neither lost nor made")

		width := space.Spec().Actions()
		for i := range space.N { // a policy is its logits up to a constant a state
			offset := 10 * r.NormFloat64()
			for a := range width {
				logits[i*width+a] += offset
			}
		}
		again, err := metric.Terminal(space, table(space, logits))
		require.NoError(t, err)
		logR := randomLogR(space, r)
		exact, err := metric.Judge(space, logP, logR, math.NaN())
		require.NoError(t, err)
		for i, v := range logP {
			require.InDelta(t, math.Exp(v), math.Exp(again[i]), 1e-12)
		}
		require.True(t, exact.TV >= 0 && exact.TV <= 1 && exact.L1 == 2*exact.TV)
		require.GreaterOrEqual(t, exact.KLNats+1e-12, 2*exact.TV*exact.TV, "Pinsker")
	})
}

// TestTerminalSeesWhatUnderflows has a policy that avoids the far corner by e^-1500: more than a float64 can be small.
func TestTerminalSeesWhatUnderflows(t *testing.T) {
	space := enumerate(t, world.Hypergrid(1, 4))
	logits := make([]float64, 4*2)
	for i := range 3 {
		logits[2*i] = -500 // move, against stop
	}
	logP, err := metric.Terminal(space, table(space, logits))
	require.NoError(t, err)
	require.InDelta(t, -1500, logP[3], 1e-9)
	exact, err := metric.Judge(space, logP, make([]float64, 4), 0)
	require.NoError(t, err)
	require.InDelta(t, -math.Log(4)+.25*(500+1000+1500), exact.KLNats, 1e-9)
}

// TestTerminalOfActionsNeverTaken has the perfect policy for a target with rewards of 0: whole regions get logits of -Inf.
func TestTerminalOfActionsNeverTaken(t *testing.T) {
	space := enumerate(t, world.Hypergrid(2, 4))
	logR := make([]float64, space.N)
	for i := range logR {
		if s := space.State(i); s[0] > 1 || s[1] == 1 {
			logR[i] = math.Inf(-1)
		}
	}
	logits, logZ := perfect(space, logR)
	logP, err := metric.Terminal(space, table(space, logits))
	require.NoError(t, err)
	exact, err := metric.Judge(space, logP, logR, logZ)
	require.NoError(t, err)
	require.InDelta(t, math.Log(6), exact.LogZTrue, 1e-14)
	require.Less(t, exact.TV, 1e-14)
	require.Less(t, exact.KLNats, 1e-14)
}

func TestTerminalRefuses(t *testing.T) {
	space := enumerate(t, world.Hypergrid(1, 3))
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		_, err := metric.Terminal(space, func(_ []int32, dst []float64) error {
			clear(dst)
			dst[2] = bad
			return nil
		})
		require.ErrorContains(t, err, "state [1]")
	}
	down := errors.New("device is gone")
	_, err := metric.Terminal(space, func([]int32, []float64) error { return down })
	require.ErrorIs(t, err, down)
}

// TestTwentyToTheFour is 160,000 states, asked in blocks: Z of the standard reward is .001·20⁴ + .5·10⁴ + 2·4⁴.
func TestTwentyToTheFour(t *testing.T) {
	if testing.Short() {
		t.Skip("enumerates 160,000 states")
	}
	space := enumerate(t, world.Hypergrid(4, 20))
	logR := make([]float64, space.N)
	for i := range logR {
		outer, band := 1.0, 1.0
		for _, v := range space.State(i) {
			x := max(2*int(v)-19, 19-2*int(v)) // 2·19·|s/19 - ½|
			if 4*x <= 2*19 {
				outer = 0
			}
			if 10*x <= 6*19 || 10*x >= 8*19 {
				band = 0
			}
		}
		logR[i] = math.Log(.001 + .5*outer + 2*band)
	}
	logits, logZ := perfect(space, logR)
	width, at := space.Spec().Actions(), 0
	logP, err := metric.Terminal(space, func(_ []int32, dst []float64) error { // blocks come in order
		at += copy(dst, logits[at:])
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, space.N*width, at, "every state was asked once")
	exact, err := metric.Judge(space, logP, logR, logZ)
	require.NoError(t, err)
	require.InDelta(t, math.Log(.001*160000+.5*10000+2*256), exact.LogZTrue, 1e-10)
	require.Less(t, exact.TV, 1e-12)
}

func BenchmarkTerminal(b *testing.B) {
	for _, size := range []struct{ dim, side int }{{2, 8}, {4, 20}} {
		space, err := world.Enumerate(world.Hypergrid(size.dim, size.side), 0)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("hypergrid-%d^%d", size.side, size.dim), func(b *testing.B) {
			for b.Loop() {
				if _, err := metric.Terminal(space, func(_ []int32, dst []float64) error { clear(dst); return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(space.N)*float64(b.N)/b.Elapsed().Seconds(), "states/s")
		})
	}
}
