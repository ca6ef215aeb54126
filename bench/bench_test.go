package bench_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/bench"
	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/gfn"
)

// BenchmarkLoss is the hot path: forward at given rows, sums, loss, gradient, update. Nothing is drawn.
func BenchmarkLoss(b *testing.B) {
	for _, trajectories := range []int{16, 106} {
		for _, workers := range []int{1, 2} {
			rows := trajectories * bench.LongestRows
			b.Run(fmt.Sprintf("tb/hypergrid-20x4/width=256/rows=%d/workers=%d", rows, workers), func(b *testing.B) {
				dev := cpu.New(cpu.Config{Workers: workers})
				defer dev.Close()
				t, err := gfn.New(bench.Job(dev, trajectories, 256))
				require.NoError(b, err)
				given := bench.Longest(trajectories)
				for b.Loop() {
					if _, err := t.StepOn(given); err != nil {
						b.Fatal(err)
					}
				}
				report(b, rows, workers)
			})
		}
	}
}

// BenchmarkIteration is the whole iteration with drawing, from a fresh policy on.
func BenchmarkIteration(b *testing.B) {
	for _, batch := range []int{16, 256, 4096} {
		b.Run(fmt.Sprintf("tb/hypergrid-20x4/width=256/batch=%d", batch), func(b *testing.B) {
			dev := cpu.New(cpu.Config{})
			defer dev.Close()
			t, err := gfn.New(bench.Job(dev, batch, 256))
			require.NoError(b, err)
			transitions := int64(0)
			for b.Loop() {
				p, err := t.Step()
				if err != nil {
					b.Fatal(err)
				}
				transitions = p.Transitions
			}
			b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "traj/s")
			b.ReportMetric(float64(transitions)/float64(batch*b.N), "length")
		})
	}
}

func report(b *testing.B, rows, workers int) {
	flops := float64(rows) * bench.RowFLOPs(256) * float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(flops/1e9, "GFLOP/s")
	b.ReportMetric(flops/(cpu.Peak()*float64(workers)), "of_peak")
}
