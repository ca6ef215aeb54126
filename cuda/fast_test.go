package cuda

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/sim"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// The fast mode's gradients are those of the definition but for how products are added up, in lanes of different lengths, in pieces that
// lanes end in, with Saved values and without: to float32 where products do not round their inputs, and to TF32's 10 bits where they do.
func TestFastMode(t *testing.T) {
	var plans []*graph.Plan
	for _, s := range selftests() {
		if s.name == "odd" || s.name == "flow" {
			plan, err := s.plan()
			require.NoError(t, err)
			plans = append(plans, plan)
		}
	}
	gated, err := selftest{moves: tinyGrid, build: func(s *sketch) graph.Want { // gates and biases that the first layer's gradient takes along
		pf := s.layer(s.torso(graph.ReLU, 36, 24, 20), s.World().Actions)
		return graph.Want{Policy: pf, Loss: s.Mean(s.Square(s.Sub(s.Data(graph.LogR), s.SumT(s.LogPF(pf))))), Heads: []graph.Named{{Name: "pf", Node: pf}}}
	}}.plan()
	require.NoError(t, err)
	plans = append(plans, gated)
	ref := cpu.New(cpu.Config{})
	for _, c := range []struct {
		memory    int64
		tf32      bool
		tolerance float64 // of a tensor's largest number
	}{{0, false, 1e-4}, {1, false, 1e-4}, {0, true, 1e-2}} {
		if testing.Short() && c.memory == 0 {
			continue
		}
		near := func(t *testing.T, want, got []float64) { near(t, want, got, c.tolerance) }
		dev := open(t, blasDriver{sim.Driver(sim.Config{}), c.tf32}, Config{Mode: Fast, Chunk: 36, Memory: c.memory})
		require.Equal(t, "cuda/simulator/fast", dev.Name())
		for _, plan := range plans {
			if plan == gated && c.tf32 {
				continue // a rounded sum on the other side of 0 opens a gate
			}
			src := graph.Source{Key: rng.NewKey(6), Count: 13, Lanes: 3, Epsilon: .5}
			a, b := newTwin(t, dev, plan), newTwin(t, ref, plan)
			for range 2 { // the second is captured, in memory the first has used
				want, got := b.run(src, nil), a.run(src, nil)
				require.NoError(t, got.Err)
				require.Equal(t, want.Actions, got.Actions)
				near(t, want.Grads, got.Grads)
				src.Iteration++
			}
			src.Given = make([][]int32, src.Count)
			for i := range src.Given {
				src.Given[i] = b.program.Actions(nil, i)
			}
			want, got := b.run(src, nil), a.run(src, nil)
			require.NoError(t, got.Err)
			near(t, []float64{want.Loss}, []float64{got.Loss})
			near(t, want.Grads, got.Grads)
		}
	}
}

func near(t *testing.T, want, got []float64, tolerance float64) {
	t.Helper()
	largest := 1e-3
	for _, v := range want {
		largest = max(largest, math.Abs(v))
	}
	for i, v := range want {
		require.InDelta(t, v, got[i], tolerance*largest, "element %d of %d", i, len(want))
	}
}

// blasDriver is a driver whose products may round their inputs.
type blasDriver struct {
	driver.Driver
	tf32 bool
}

func (d blasDriver) Open(device int) (driver.Context, error) {
	c, err := d.Driver.Open(device)
	return blasContext{c, d.tf32}, err
}

type blasContext struct {
	driver.Context
	tf32 bool
}

func (c blasContext) BLAS() (driver.BLAS, error) {
	b, err := c.Context.BLAS()
	return rounding{b, c.tf32}, err
}

type rounding struct {
	driver.BLAS
	tf32 bool
}

func (r rounding) Gemm(s driver.Stream, g driver.Gemm) error {
	g.TF32 = g.TF32 && r.tf32
	return r.BLAS.Gemm(s, g)
}

// Without cuBLAS the fast mode has the defined products, and its name says so; one that does not start is an error.
func TestFastModeWithoutBLAS(t *testing.T) {
	plan := smallest(t, tinyGrid, false)
	src := graph.Source{Key: rng.NewKey(6), Count: 5}
	dev := open(t, noBLAS{sim.Driver(sim.Config{})}, Config{Mode: Fast, Chunk: 24})
	require.Equal(t, "cuda/simulator/fast without cuBLAS", dev.Name())
	require.Equal(t, newTwin(t, cpu.New(cpu.Config{}), plan).run(src, nil), newTwin(t, dev, plan).run(src, nil))
}

type noBLAS struct{ driver.Driver }

func (d noBLAS) Open(device int) (driver.Context, error) {
	c, err := d.Driver.Open(device)
	return noBLASContext{c}, err
}

type noBLASContext struct{ driver.Context }

func (noBLASContext) BLAS() (driver.BLAS, error) { return nil, driver.ErrNoBLAS }

func TestFastModeOfABrokenBLAS(t *testing.T) {
	drv := &brittle{only: "BLAS", at: 1, err: &driver.Error{Code: driver.NotInitialized, Name: "CUBLAS_STATUS_NOT_INITIALIZED", Call: "cublasCreate_v2"}}
	_, err := New(drv, Config{Mode: Fast})
	require.ErrorContains(t, err, "cublasCreate_v2: CUBLAS_STATUS_NOT_INITIALIZED")
	dev, err := New(drv, Config{}) // which does not want it
	require.NoError(t, err)
	require.NoError(t, dev.Close())
}
