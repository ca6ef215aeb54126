package cuda

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/sim"
)

// What a machine lacks is said by New, by name.
func TestWhatIsMissing(t *testing.T) {
	_, err := New(sim.Driver(sim.Config{Devices: -1}), Config{})
	require.ErrorIs(t, err, driver.ErrNoDevice)
	_, err = New(sim.Driver(sim.Config{}), Config{Device: 1})
	require.ErrorIs(t, err, driver.ErrNoDevice)
	_, err = New(sim.Driver(sim.Config{Version: 9020}), Config{})
	require.ErrorContains(t, err, "CUDA 9.2, the kernels need 10.0")
	_, err = New(&edited{Driver: sim.Driver(sim.Config{}), version: 9000}, Config{})
	require.ErrorContains(t, err, "CUDA 9.0")
	renamed := &edited{Driver: sim.Driver(sim.Config{}), edit: func(ptx string) string { return replaced(t, ptx, "adam", "adam(", "adamant(") }}
	_, err = New(renamed, Config{})
	require.ErrorContains(t, err, "kernel adam")
	broken := &edited{Driver: sim.Driver(sim.Config{}), edit: func(ptx string) string { return replaced(t, ptx, "adam", "sqrt.rn", "sqrt.odd") }}
	_, err = New(broken, Config{})
	require.ErrorContains(t, err, "sqrt.odd")
	require.ErrorContains(t, errors.Unwrap(err), "CUDA_ERROR_INVALID_PTX")
}

// A call that fails in the middle of the work names itself, and the device refuses what comes after.
func TestCallsThatFail(t *testing.T) {
	for _, c := range []struct {
		call string
		code int
		name string
	}{
		{"alloc", driver.OutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY"},
		{"launch", driver.LaunchOutOf, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"},
		{"sync", driver.LaunchFailed, "CUDA_ERROR_LAUNCH_FAILED"},
	} {
		t.Run(c.call, func(t *testing.T) {
			drv := &edited{Driver: sim.Driver(sim.Config{})}
			on := false
			drv.fail = func(call string, _ int, kernel string) error {
				if !on || call != c.call {
					return nil
				}
				return &driver.Error{Code: c.code, Name: c.name, Call: c.call, Kernel: kernel}
			}
			dev := open(t, drv, Config{})
			s := selftests()[0]
			plan, err := s.plan()
			require.NoError(t, err)
			on = true
			_, err = s.run(dev, plan)
			require.ErrorContains(t, err, c.name)
			require.Equal(t, c.code == driver.OutOfMemory, errors.Is(err, driver.ErrOutOfMemory))
		})
	}
}

// Bugs planted into the PTX are caught: by a fault of the simulator, or by bits that are not the defined ones. Each edit runs the self-test
// of a Plan, some seconds in all.
func TestPlantedBugs(t *testing.T) {
	if testing.Short() {
		t.Skip("a self-test for each bug")
	}
	s := selftests()[0]
	plan, err := s.plan()
	require.NoError(t, err)
	want, err := s.run(open(t, sim.Driver(sim.Config{}), Config{}), plan)
	require.NoError(t, err)
	for _, c := range []struct{ name, kernel, old, new, fault string }{
		{"adam without a root", "adam", "sqrt.rn.f32", "abs.f32", ""},
		{"adam adds where it multiplies", "adam", "mul.rn.f32", "add.rn.f32", ""},
		{"log probability without the maximum", "log_prob", "sub.rn.f32", "add.rn.f32", ""},
		{"its gradient divides the wrong way", "log_prob_back", "div.rn.f32", "mul.rn.f32", ""},
		{"another word of the generator", "sample", "mul.hi.u32", "mul.lo.s32", ""},
		{"the lanes' tree takes away", "reduce", "add.rn.f32", "sub.rn.f32", ""},
		{"a sum along trajectories takes away", "collect", "add.rn.f32", "sub.rn.f32", ""},
		{"no barrier in the rollout", "begin", "bar.sync \t0;", "", "data race in kernel begin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			drv := &edited{Driver: sim.Driver(sim.Config{Race: true, Init: true}), edit: func(ptx string) string { return replaced(t, ptx, c.kernel, c.old, c.new) }}
			dev := open(t, drv, Config{})
			got, err := s.run(dev, plan)
			if c.fault != "" {
				require.ErrorContains(t, err, c.fault)
				return
			}
			require.NoError(t, err)
			require.NotEqual(t, want, got)
		})
	}
}
