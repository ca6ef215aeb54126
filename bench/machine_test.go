package bench_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/bench"
	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/graph"
)

// This file is the machine of the tests and benchmarks: two workers on this computer's CPU.

func machine() bench.Machine {
	return bench.Machine{
		Cores: 2,
		Device: func(workers int, tier string) (graph.Device, error) {
			if tier != "" {
				defer os.Setenv("SLUICE_CPU", os.Getenv("SLUICE_CPU"))
				os.Setenv("SLUICE_CPU", tier)
			}
			return cpu.Open(cpu.Config{Workers: workers})
		},
		Tiers:   cpu.Tiers(),
		Peak:    cpu.Peak,
		Product: func(p bench.Product) (func(), error) { return cpu.Product(p.TA, p.TB, p.M, p.K, p.N) },
	}
}

// still is a machine whose peak is known.
func still() bench.Machine {
	m := machine()
	m.Peak = func() float64 { return 1e11 }
	return m
}

func open(t *testing.T, w bench.Workload) *bench.Runner {
	t.Helper()
	return openOn(t, still(), w)
}

func openOn(t *testing.T, m bench.Machine, w bench.Workload) *bench.Runner {
	t.Helper()
	r, err := m.Open(w)
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return r
}
