package bench_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/bench"
)

// The Go benchmarks run the list of sluice bench, for benchstat. An iteration's parameters stand still, so b.N does not show.

func BenchmarkLoss(b *testing.B)      { each(b, bench.Loss) }
func BenchmarkIteration(b *testing.B) { each(b, bench.Iteration) }
func BenchmarkRollout(b *testing.B)   { each(b, bench.Rollout) }
func BenchmarkGEMM(b *testing.B)      { each(b, bench.GEMM) }

func each(b *testing.B, kind bench.Kind) {
	m := machine()
	list, err := bench.List(kind, bench.Sizes{}, m.Cores)
	require.NoError(b, err)
	peak := m.Peak()
	for _, w := range list {
		b.Run(strings.TrimPrefix(w.Name(), string(kind)+"/"), func(b *testing.B) {
			r, err := m.Open(w)
			require.NoError(b, err)
			defer r.Close()
			_, err = r.Step() // the rows are grown
			require.NoError(b, err)
			require.NoError(b, r.Reset())
			rows := 0
			for b.Loop() {
				n, err := r.Step()
				if err != nil {
					b.Fatal(err)
				}
				rows += n
			}
			rate := float64(b.N) / b.Elapsed().Seconds()
			mean := float64(rows) / float64(b.N)
			flops := r.FLOPs(mean) * rate
			if w.Batch > 0 {
				b.ReportMetric(float64(w.Batch)*rate, "traj/s")
				b.ReportMetric(mean*rate, "transitions/s")
				b.ReportMetric(mean/float64(w.Batch), "length")
			}
			b.ReportMetric(flops/1e9, "GFLOP/s")
			b.ReportMetric(flops/(peak*float64(w.Workers)), "of_peak")
		})
	}
}
