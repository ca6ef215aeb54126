// This file holds the device against the public conformance test.

package cpu

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/graph/devicetest"
)

// opened is a float32 device of a tier.
func opened(t *testing.T, cfg Config, tier tier) graph.Device {
	t.Helper()
	d, err := open[float32](cfg, tier)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// wide is the float64 instance with settings of its own.
func wide(t *testing.T, cfg Config) graph.Device {
	t.Helper()
	d, err := open[float64](cfg, tierGo)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// The definition in float32 is near the definition in float64. Most of its seconds are a million draws.
func TestDefinitionConforms(t *testing.T) {
	devicetest.Test(t, opened(t, Config{Workers: 2}, tierGo), Ref64())
}

// Every other tier has the bits of the definition, with other workers, chunks and memory than it.
func TestTiersConform(t *testing.T) {
	ref := opened(t, Config{Workers: 1, Chunk: graph.BlockRows}, tierGo)
	for _, tier := range tiers()[1:] {
		t.Run(tier.String(), func(t *testing.T) { devicetest.Test(t, opened(t, Config{Workers: 2, Chunk: 50}, tier), ref) })
	}
}

// configs are workers, chunks and memory limits, down to nothing kept at all.
func configs() []Config {
	var list []Config
	for i, workers := range []int{1, 2, 4} {
		for k, chunk := range []int{16, 100, graph.BlockRows} {
			list = append(list, Config{Workers: workers, Chunk: chunk, Memory: []int64{0, 1, 2 << 20}[(i+k)%3]})
		}
	}
	return list
}

func TestSettingsNeverShow(t *testing.T) {
	for _, tier := range tiers() {
		t.Run(tier.String(), func(t *testing.T) {
			devs := []graph.Device{opened(t, Config{Workers: 1, Chunk: graph.BlockRows}, tierGo)}
			for i, cfg := range configs() {
				if tier != tierGo || i%4 == 0 { // the definition is slow, and has no packing to depend on chunks
					devs = append(devs, opened(t, cfg, tier))
				}
			}
			devicetest.Same(t, devs...)
		})
	}
	t.Run("ref64", func(t *testing.T) {
		devicetest.Same(t, Ref64(), wide(t, Config{Workers: 4, Chunk: 16, Memory: 1}), wide(t, Config{Workers: 2, Chunk: 100, Memory: 2 << 20}))
	})
}

func TestAllocations(t *testing.T) {
	for _, cfg := range []Config{{Workers: 1}, {Workers: 2, Chunk: 16}, {Workers: 2, Memory: 1}} {
		t.Run(fmt.Sprintf("%+v", cfg), func(t *testing.T) { devicetest.Allocations(t, opened(t, cfg, detectTier())) })
	}
}

func TestMemoryIsWhatAPlanSaysOfARow(t *testing.T) {
	devicetest.Unlimited(t, opened(t, Config{Workers: 2}, detectTier()))
}
