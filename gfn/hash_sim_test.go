//go:build amd64

// Not on arm64, which is tested under an emulator: package driver makes a binary ask for the system's loader, and there is none there.

package gfn_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda"
	"github.com/sluice-ml/sluice/cuda/sim"
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/testdata"
)

// This file trains on the GPU's kernels, run by the simulator, to the hashes of the CPU.

func init() {
	devices = append(devices, func(t *testing.T) graph.Device { return simulated(t, sim.Config{}) })
}

func simulated(t *testing.T, cfg sim.Config) graph.Device {
	d, err := cuda.New(sim.Driver(cfg), cuda.Config{Chunk: 256})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// Every balance by both backward policies; the plain order of warps and another. It takes some seconds each, for each instruction of
// each lane is interpreted. sluice reproduce simulator does five times as many iterations.
func TestHashOnTheSimulator(t *testing.T) {
	want := testdata.Hashes()
	for i, b := range []balance.Balance{balance.TB{}, balance.DB{}, balance.VarGrad{}} {
		for back, name := range map[gfn.Backward]string{gfn.Uniform: "uniform", gfn.Learned: "learned"} {
			if testing.Short() && (i > 0 || back == gfn.Uniform) {
				continue
			}
			j := small(b, back)
			key := fmt.Sprintf("%s-%s-%d", b, name, j.Iterations)
			t.Run(key, func(t *testing.T) {
				j.Device = simulated(t, sim.Config{Seed: uint64(i)})
				require.Equal(t, want[key], train(t, j))
			})
		}
	}
}

// A world in Go is stepped by the host, one as data by a kernel.
func TestHashOfTowerOnTheSimulator(t *testing.T) {
	for name, w := range map[string]world.World{"host": world.Each(tower{}),
		"moves": world.FromMoves(graph.Moves{Kind: graph.Append, Registers: 8, Values: 4})} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name == "moves" {
				t.Skip("the host's way is tested")
			}
			j := towers(w)
			j.Device = simulated(t, sim.Config{})
			require.Equal(t, testdata.Hashes()["tower-20"], train(t, j))
		})
	}
}
