package cuda

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/sim"
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/nn"
	"github.com/sluice-ml/sluice/rng"
)

// What a machine lacks is said by New, by name.
func TestWhatIsMissing(t *testing.T) {
	_, err := New(sim.Driver(sim.Config{Devices: -1}), Config{})
	require.ErrorIs(t, err, driver.ErrNoDevice)
	_, err = New(sim.Driver(sim.Config{}), Config{Device: 1})
	require.ErrorIs(t, err, driver.ErrNoDevice)
	_, err = New(sim.Driver(sim.Config{Version: 9020}), Config{})
	require.ErrorIs(t, err, driver.ErrOldDriver)
	require.ErrorContains(t, err, "CUDA 9.2, the kernels need 10.0")
	_, err = New(&edited{Driver: sim.Driver(sim.Config{}), version: 9000}, Config{})
	require.ErrorContains(t, err, "CUDA 9.0")
	renamed := &edited{Driver: sim.Driver(sim.Config{}), edit: func(ptx string) string { return replaced(t, ptx, "adam", `adam\(`, "adamant(", false) }}
	_, err = New(renamed, Config{})
	require.ErrorContains(t, err, "kernel adam")
	broken := &edited{Driver: sim.Driver(sim.Config{}), edit: func(ptx string) string { return replaced(t, ptx, "adam", `sqrt\.rn`, "sqrt.odd", false) }}
	_, err = New(broken, Config{})
	require.ErrorContains(t, err, "sqrt.odd")
	require.ErrorContains(t, errors.Unwrap(err), "CUDA_ERROR_INVALID_PTX")
}

// A launch or a wait that fails ends the device: the error says call and kernel, everything after it is refused with the same one, and
// what had been read stays.
func TestADeviceThatFailed(t *testing.T) {
	plan := smallest(t, tinyGrid, false)
	for _, c := range []struct {
		call, kernel string
		code         int
		name         string
	}{
		{"launch", "advance", driver.LaunchOutOf, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"},
		{"launch", "adam", driver.LaunchOutOf, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"},
		{"sync", "", driver.LaunchTimeout, "CUDA_ERROR_LAUNCH_TIMEOUT"},
	} {
		t.Run(c.call+" "+c.kernel, func(t *testing.T) {
			on := false
			drv := &edited{Driver: sim.Driver(sim.Config{}), fail: func(call string, _ int, kernel string) error {
				if !on || call != c.call || c.kernel != "" && kernel != c.kernel {
					return nil
				}
				return &driver.Error{Code: c.code, Name: c.name, Call: "the call", Kernel: kernel}
			}}
			dev := open(t, drv, Config{Chunk: 24})
			w := newTwin(t, dev, plan)
			src := graph.Source{Key: rng.NewKey(1), Count: 8}
			require.NoError(t, w.run(src, nil).Err)
			on = true
			update := func() error {
				rule := graph.Rule{Kind: graph.Adam}
				return w.program.Update(w.params, w.grads, w.params, rule, graph.Scalars{Rates: []float32{0, 0}, Keep: []float32{1, 1}})
			}
			err := w.run(src, nil).Err
			if err == nil {
				err = update()
			}
			require.ErrorContains(t, err, "the call: "+c.name)
			require.ErrorContains(t, err, c.kernel)
			on = false
			var first *driver.Error
			require.ErrorAs(t, err, &first)
			for _, again := range []error{w.run(src, nil).Err, update(), w.program.Eval(w.params, nil, make([][]float64, 1))} {
				require.ErrorContains(t, again, "refuses work")
				require.ErrorIs(t, again, error(first))
			}
			_, err = dev.Alloc(4)
			require.ErrorIs(t, err, error(first))
			x := []float64{1}
			w.params.Read(x, 0)
			require.True(t, math.IsNaN(x[0]), "what cannot be read is no number")
		})
	}
}

// A run whose GPU fails goes on from its last state on the CPU, to the bits of one that never had a GPU.
func TestARunGoesOnOnTheCPU(t *testing.T) {
	job := func(dev graph.Device) gfn.Job {
		return gfn.Job{Device: dev, World: world.FromMoves(tinyGrid), LogReward: reward.Each(func(s []int32) float32 { return -float32(s[0]) / 2 }),
			Balance: balance.DB{}, Backward: gfn.Learned, Net: nn.MLP{Hidden: []int{8}}, Batch: 8, Iterations: 6, Seed: 3}
	}
	whole, err := gfn.Train(t.Context(), job(cpu.New(cpu.Config{})))
	require.NoError(t, err)

	var waits, dies int // waits of a step: one in the rollout, one for the outcome
	drv := &edited{Driver: sim.Driver(sim.Config{}), fail: func(call string, _ int, _ string) error {
		if call == "sync" {
			waits++
		}
		if call == "sync" && waits == dies {
			return &driver.Error{Code: driver.LaunchFailed, Name: "CUDA_ERROR_LAUNCH_FAILED", Call: "cuStreamSynchronize"}
		}
		return nil
	}}
	gpu, err := gfn.New(job(open(t, drv, Config{Chunk: 24})))
	require.NoError(t, err)
	saved := gpu.State()
	for err == nil {
		waits = 0
		if gpu.Iteration() == 3 {
			dies = 2
		}
		if _, err = gpu.Step(); err == nil {
			saved = gpu.State()
		}
		require.Less(t, gpu.Iteration(), 6, "it fails before the end")
	}
	require.ErrorContains(t, err, "CUDA_ERROR_LAUNCH_FAILED")
	require.Equal(t, 3, saved.Iteration)
	rest, err := gfn.New(job(cpu.New(cpu.Config{})))
	require.NoError(t, err)
	require.NoError(t, rest.Restore(saved))
	for rest.Iteration() < 6 {
		_, err := rest.Step()
		require.NoError(t, err)
	}
	require.Equal(t, whole.Hash(), rest.Policy().Hash())
}

// A batch that does not fit says which one does; that one then runs, and the device has not failed.
func TestMemoryThatIsShort(t *testing.T) {
	plan := smallest(t, longGrid, false)
	dev := open(t, sim.Driver(sim.Config{Memory: 3 << 20}), Config{Chunk: 24})
	w := newTwin(t, dev, plan)
	err := w.run(graph.Source{Count: 100_000}, nil).Err
	require.ErrorIs(t, err, driver.ErrOutOfMemory)
	var short *MemoryError
	require.ErrorAs(t, err, &short)
	require.Equal(t, 100_000, short.Batch)
	require.Greater(t, short.Bytes, short.Free)
	require.Greater(t, short.Fits, 1000)
	require.ErrorContains(t, err, fmt.Sprintf("a batch of %d fits", short.Fits))
	_, err = w.program.Rollout(w.params, graph.Source{Count: short.Fits}, nil)
	require.NoError(t, err)
}
