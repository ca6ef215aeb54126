// This file holds the device against the public conformance test.

package cpu

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

// A device nobody closed is collected once nothing runs on it, and its goroutines end.
func TestADeviceNobodyClosed(t *testing.T) {
	p := func() *pool[float32] {
		d, err := open[float32](Config{Workers: 2}, detectTier())
		require.NoError(t, err)
		q, err := d.Compile(budgetPlan(t))
		require.NoError(t, err)
		gradient(t, q.(*program[float32]), 2)
		return d.pool
	}()
	require.Eventually(t, func() bool {
		runtime.GC()
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.closing
	}, 5*time.Second, time.Millisecond)
}

// A job that panics does so on the caller, whichever worker had it, when all are done; the pool goes on.
func TestPanicsReachTheCaller(t *testing.T) {
	p := newPool[float32](3)
	defer p.stop()
	wrong := errors.New("wrong")
	for _, who := range []int{0, 1, 2} {
		for range 20 {
			var running atomic.Int32
			var met sync.WaitGroup
			met.Add(3)
			err := func() (err error) {
				defer func() { err = recover().(error) }()
				p.run(300, func(w *worker[float32], i int) {
					running.Add(1)
					defer running.Add(-1)
					if i < 3 { // so each worker has one of them
						met.Done()
						met.Wait()
						if w.id == who {
							panic(wrong)
						}
					}
				})
				return nil
			}()
			require.ErrorIs(t, err, wrong)
			require.Zero(t, running.Load())
			if who > 0 {
				require.ErrorContains(t, err, "TestPanicsReachTheCaller", "the stack where it happened")
			}
			var sum atomic.Int64
			p.run(100, func(_ *worker[float32], i int) { sum.Add(int64(i)) })
			require.EqualValues(t, 4950, sum.Load())
		}
	}
}

func TestAllocations(t *testing.T) {
	for _, cfg := range []Config{{Workers: 1}, {Workers: 2, Chunk: 16}, {Workers: 2, Memory: 1}} {
		t.Run(fmt.Sprintf("%+v", cfg), func(t *testing.T) { devicetest.Allocations(t, opened(t, cfg, detectTier())) })
	}
}

func TestMemoryIsWhatAPlanSaysOfARow(t *testing.T) {
	devicetest.Unlimited(t, opened(t, Config{Workers: 2}, detectTier()))
}
