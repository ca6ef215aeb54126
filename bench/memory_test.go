package bench_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/bench"
	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/graph"
)

// TestMemory: 4,096 trajectories of a converged policy, 160 thousand rows, fit in 512 MiB, and in half of that with that budget, which
// costs forward passes and nothing else. What a row takes is what the plan says it takes. It runs two iterations of a second each.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("two iterations of 160 thousand rows")
	}
	total := func(m graph.Memory) int { return m.RowBytes + m.GradBytes + m.Scratch + m.Packed }
	held := func(budget int64) (graph.Memory, int) {
		m := still()
		m.Device = func(workers int, _ string) (graph.Device, error) {
			return cpu.Open(cpu.Config{Workers: workers, Memory: budget})
		}
		r := openOn(t, m, bench.Workload{Kind: bench.Iteration, Policy: bench.Converged, Batch: 4096, Width: bench.PolicyWidth, Workers: 2})
		n := lengths(t, r, 1)[0]
		return r.Memory(), n
	}
	all, steps := held(0)
	half, same := held(256 << 20)
	t.Logf("%d transitions: %+v, with a budget %+v", steps, all, half)
	require.Equal(t, steps, same)
	require.Greater(t, steps, 4096*37)
	require.LessOrEqual(t, total(all), 512<<20)
	require.LessOrEqual(t, total(half), 256<<20)
	require.Greater(t, total(all), 256<<20, "or the budget had nothing to do")

	d, err := cpu.Open(cpu.Config{Workers: 1})
	require.NoError(t, err)
	defer d.Close()
	trainer, err := gfn.New(bench.Job(d, 16, bench.PolicyWidth, bench.PolicyWidth))
	require.NoError(t, err)
	defer trainer.Close()
	require.Equal(t, trainer.Plan().BytesPerRow(), all.RowBytes/all.RowsHeld, "bytes a row")
}
