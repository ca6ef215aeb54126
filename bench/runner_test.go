package bench_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/bench"
)

// lengths is the transitions of n iterations.
func lengths(t *testing.T, r *bench.Runner, n int) (out []int) {
	t.Helper()
	for range n {
		k, err := r.Step()
		require.NoError(t, err)
		out = append(out, k)
	}
	return out
}

// TestPoliciesStand: each policy has the length it stands for, still has it after many iterations, and draws the same trajectories again
// after a Reset. A workload that trained its policy away would measure another one.
func TestPoliciesStand(t *testing.T) {
	for _, c := range []struct {
		policy bench.Policy
		lo, hi float64
	}{{bench.Fresh, 4, 6}, {bench.Early, 7.5, 9.5}, {bench.Converged, 37, 43}} {
		for _, kind := range []bench.Kind{bench.Iteration, bench.Rollout} {
			r := open(t, bench.Workload{Kind: kind, Policy: c.policy, Batch: 16, Width: 256, Workers: 1})
			const n = 40
			all := lengths(t, r, 2*n)
			require.NoError(t, r.Reset())
			require.Equal(t, all[:n], lengths(t, r, n), "%s %s", kind, c.policy)
			for _, half := range [][]int{all[:n], all[n:]} {
				sum := 0
				for _, k := range half {
					sum += k
				}
				mean := float64(sum) / (16 * n)
				require.True(t, c.lo < mean && mean < c.hi, "%s %s: %v steps", kind, c.policy, mean)
			}
			require.NotEqual(t, all[0:3], all[3:6], "every iteration draws its own")
		}
	}
}

// TestLoss: the rows are those that were asked for.
func TestLoss(t *testing.T) {
	r := open(t, bench.Workload{Kind: bench.Loss, Batch: 3, Width: 16, Workers: 1})
	require.Equal(t, []int{231, 231}, lengths(t, r, 2))
	require.Equal(t, 100*bench.RowFLOPs(16, 16), r.FLOPs(100))
	require.True(t, strings.HasPrefix(r.Device, "cpu/"))
	require.NoError(t, r.Reset())
	r = open(t, bench.Workload{Kind: bench.Rollout, Policy: bench.Fresh, Batch: 3, Width: 16, Workers: 1})
	require.Equal(t, 100*bench.ForwardFLOPs(16, 16), r.FLOPs(100))
	r = open(t, bench.Workload{Kind: bench.GEMM, Workers: 1, Product: bench.Product{TA: true, M: 3, K: 4, N: 5}})
	require.Equal(t, 2*3*4*5., r.FLOPs(0))
	require.Equal(t, []int{0}, lengths(t, r, 1))
}

// TestMeasure: the numbers of a line belong together.
func TestMeasure(t *testing.T) {
	list := []bench.Workload{{Kind: bench.Iteration, Policy: bench.Fresh, Batch: 8, Width: 16, Workers: 2},
		{Kind: bench.GEMM, Workers: 1, Product: bench.Product{M: 8, K: 8, N: 16}}}
	lines, err := still().Measure(context.Background(), list, bench.Options{Rounds: 3, Least: time.Millisecond})
	require.NoError(t, err)
	require.Len(t, lines, 2)
	l := lines[0]
	require.Equal(t, "iteration/tb/hypergrid-20x4/fresh/width=16/batch=8/workers=2", l.Name)
	require.True(t, 0 < l.FastestMS && 0 < l.BestMS && l.BestMS <= l.MedianMS && l.MedianMS <= l.WorstMS)
	require.InEpsilon(t, 1e3/l.MedianMS, l.PerSecond, 1e-9)
	require.InEpsilon(t, 8*l.PerSecond, l.TrajPerSecond, 1e-9)
	require.InEpsilon(t, l.MeanLength*l.TrajPerSecond, l.TransitionsPerSecond, 1e-9)
	require.InDelta(t, 8*l.MeanLength, l.Rows, .5)
	require.InEpsilon(t, l.TransitionsPerSecond*bench.RowFLOPs(16, 16)/1e9, l.GFLOPs, 1e-9)
	require.InEpsilon(t, l.GFLOPs/(2*100), float64(l.PeakShare), 1e-9, "two workers at a peak of 100")
	require.True(t, l.FastestShare >= .999*float64(l.PeakShare))
	require.InEpsilon(t, 2*8*8*16/lines[1].MedianMS/1e6, lines[1].GFLOPs, 1e-9)
	require.Equal(t, []any{8, 16, 0, 0.}, []any{lines[1].Rows, lines[1].Width, lines[1].Batch, lines[1].MeanLength})
}

// TestKeys: scripts read these.
func TestKeys(t *testing.T) {
	text, err := json.Marshal(bench.Line{})
	require.NoError(t, err)
	require.Equal(t, `{"name":"","ms_fastest":0,"ms_best":0,"ms_median":0,"ms_worst":0,"rows":0,"batch":0,"embed":0,"width":0,"workers":0,"policy":"","it_per_s":0,"traj_per_s":0,`+
		`"transitions_per_s":0,"mean_length":0,"gflop_per_s":0,"peak_share":null,"device":""}`, string(text))
	text, err = json.Marshal(bench.Verdict{})
	require.NoError(t, err)
	require.Equal(t, `{"name":"","value":0,"bound":0,"at_most":false,"held":false,"skipped":""}`, string(text))
}

// TestStop: a measurement ends when it is told to.
func TestStop(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	m := still()
	m.Peak = func() float64 { cancel(); return 1e11 } // in the first round
	_, err := m.Measure(ctx, []bench.Workload{{Kind: bench.Loss, Batch: 1, Width: 16, Workers: 1}}, bench.Options{Least: time.Millisecond})
	require.ErrorIs(t, err, context.Canceled)
	m.Product = func(bench.Product) (func(), error) { return nil, errors.New("no") }
	_, err = m.Measure(context.Background(), []bench.Workload{{Kind: bench.GEMM, Product: bench.Product{M: 1, K: 1, N: 1}}}, bench.Options{})
	require.EqualError(t, err, "bench: gemm/nn/1x1x1: no")
}
