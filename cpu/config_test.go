// This file tests what a device refuses and how it ends.

package cpu

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/graph"
)

func TestConfigIsChecked(t *testing.T) {
	for field, cfg := range map[string]Config{"Workers": {Workers: -1}, "Chunk": {Chunk: 257}, "Memory": {Memory: -1}} {
		_, err := Open(cfg)
		require.ErrorContains(t, err, field)
		d := New(cfg) // keeps the error
		_, err = d.Compile(budgetPlan(t))
		require.ErrorContains(t, err, field)
		_, err = d.Alloc(1)
		require.ErrorContains(t, err, field)
		require.NoError(t, d.Close())
	}
	_, err := Open(Config{Chunk: -1})
	require.ErrorContains(t, err, "Chunk")
	t.Setenv("SLUICE_CPU", "abacus")
	_, err = Open(Config{})
	require.ErrorContains(t, err, "abacus")
}

func TestNames(t *testing.T) {
	require.Equal(t, "cpu/ref64", Ref64().Name())
	for _, tier := range tiers() {
		require.Equal(t, fmt.Sprintf("cpu/%v", tier), opened(t, Config{}, tier).Name())
	}
}

func TestCompileRefuses(t *testing.T) {
	d := opened(t, Config{Workers: 2}, tierGo)
	plan := *budgetPlan(t)
	plan.Step = append([]graph.Instr{{Op: 99, N: 1}}, plan.Step...)
	_, err := d.Compile(&plan)
	require.ErrorContains(t, err, "Op(99)")
	require.NoError(t, d.Close())
	require.NoError(t, d.Close())
	_, err = d.Compile(budgetPlan(t))
	require.ErrorIs(t, err, errClosed)
}

// A world of four steps that says it has three.
func TestTrajectoriesLongerThanTheirWorldSays(t *testing.T) {
	m := graph.Moves{Kind: graph.Increment, Registers: 2, Values: 3, Stop: graph.StopFull}
	for _, steps := range []int{3, 4} {
		b := graph.NewBuilder(graph.Shape{Ints: 2, Active: 2, Features: 6, Values: 3, Actions: 2, Stop: -1, Back: 2, Steps: steps, Moves: &m})
		logits := b.Gather(b.Param("w", "policy", graph.Init{}, 6, 2), b.Param("b", "policy", graph.Init{}, 2))
		p, err := b.Lower(graph.Want{Policy: logits})
		require.NoError(t, err)
		q, err := opened(t, Config{}, tierGo).Compile(p)
		require.NoError(t, err)
		_, err = q.Rollout(&buffer[float32]{x: make([]float32, p.Params.Len())}, graph.Source{Count: 5}, nil)
		if steps == m.Steps() {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, "the trajectory ends within 3 steps")
		}
	}
}

func TestWrongNumberOfRewardsPanics(t *testing.T) {
	q, err := opened(t, Config{}, tierGo).Compile(budgetPlan(t))
	require.NoError(t, err)
	require.Panics(t, func() { q.Reward([]float32{1}) })
}

// A pool runs every job once, whichever worker takes it, also when several callers share it.
func TestPoolRunsEveryJobOnce(t *testing.T) {
	for _, workers := range []int{1, 2, 4} {
		p := newPool[float32](workers)
		var callers sync.WaitGroup
		for range 3 {
			callers.Go(func() {
				for n := range 40 {
					done := make([]int, n)
					p.run(n, func(_ *worker[float32], i int) { done[i]++ })
					for i, v := range done {
						if v != 1 {
							t.Errorf("job %d of %d ran %d times", i, n, v)
						}
					}
				}
			})
		}
		callers.Wait()
		p.stop()
		p.stop()
		ran := 0
		p.run(3, func(*worker[float32], int) { ran++ })
		require.Equal(t, 3, ran, "after stop the caller works alone")
	}
}
