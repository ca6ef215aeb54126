// This file tests the memory budget: what is dropped, and that recomputing it gives the same bits.

package cpu

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// budgetPlan is a policy of two layers on a grid, trained by the variance of log P_F.
func budgetPlan(t *testing.T) *graph.Plan {
	t.Helper()
	m := &graph.Moves{Kind: graph.Increment, Registers: 3, Values: 16, Stop: graph.StopAnywhere}
	b := graph.NewBuilder(graph.Shape{Ints: 3, Active: 3, Features: 48, Values: 16, Actions: 4, Stop: 3, Back: 3, Steps: m.Steps(), Moves: m})
	param := func(name string, shape ...int) graph.Node {
		return b.Param(name, "policy", graph.Init{Spread: .4}, shape...)
	}
	h := b.Act(b.Gather(param("w0", 48, 20), param("b0", 20)), graph.ReLU)
	h = b.Act(b.Linear(h, param("w1", 20, 24), param("b1", 24)), graph.Tanh)
	logits := b.Linear(h, param("w2", 24, 4), param("b2", 4))
	p, err := b.Lower(graph.Want{Policy: logits, Loss: b.Variance(b.Sub(b.Data(graph.LogR), b.SumT(b.LogPF(logits))))})
	require.NoError(t, err)
	return p
}

// gradient is an iteration's loss and gradient.
func gradient(t *testing.T, p *program[float32], lanes int) (loss float64, grads []float32) {
	t.Helper()
	params, g := &buffer[float32]{x: make([]float32, p.plan.Params.Len())}, &buffer[float32]{x: make([]float32, p.plan.Params.Len())}
	for _, q := range p.plan.Params {
		rng.NewKey(uint64(q.Offset)).Uniform(params.x[q.Offset:q.Offset+q.Size()], 0)
		for j := q.Offset; j < q.Offset+q.Size(); j++ {
			params.x[j] = (params.x[j] - .5) / 2
		}
	}
	batch, err := p.Rollout(params, graph.Source{Key: rng.NewKey(1), Count: 300, Lanes: lanes}, nil)
	require.NoError(t, err)
	logR := make([]float32, batch.Count)
	for i := range logR {
		logR[i] = float32(batch.Terminal[3*i])
	}
	p.Reward(logR)
	require.NoError(t, p.Close(params))
	require.NoError(t, p.Backward(params, g))
	out, err := p.Outcome(nil, -1)
	require.NoError(t, err)
	return out.Loss, g.x
}

// Budgets for 0, 1, 2, ... saved blocks a lane drop the others, hold as many as they pay for, and change no bit.
func TestBudgetDropsSavedBlocks(t *testing.T) {
	plan := budgetPlan(t)
	for _, tier := range tiers() {
		for _, lanes := range []int{1, 2} {
			program := func(memory int64) *program[float32] {
				q, err := opened(t, Config{Workers: 2, Chunk: 100, Memory: memory}, tier).Compile(plan)
				require.NoError(t, err)
				return q.(*program[float32])
			}
			all := program(0)
			loss, want := gradient(t, all, lanes)
			require.NotZero(t, loss)
			blocks := all.lanes[0].rows / graph.BlockRows
			require.GreaterOrEqual(t, blocks, 2, "the test wants several blocks a lane")
			memory := all.Memory()
			block := int64(graph.BlockRows * plan.BytesPerRow())
			fixed := int64(memory.Scratch+memory.Packed) + int64(4*lanes*plan.GradLen)
			for keep := range blocks {
				t.Run(fmt.Sprintf("%v/lanes=%d/blocks=%d", tier, lanes, keep), func(t *testing.T) {
					budget := fixed + int64(lanes*keep)*block
					p := program(max(budget, 1))
					got, grads := gradient(t, p, lanes)
					require.Equal(t, loss, got)
					require.Equal(t, want, grads)
					require.Len(t, p.lanes[0].saved, keep)
					require.Less(t, p.Memory().RowBytes, memory.RowBytes)
				})
			}
			tiny := program(1)
			got, grads := gradient(t, tiny, lanes)
			require.Equal(t, loss, got)
			require.Equal(t, want, grads)
			require.Empty(t, tiny.lanes[0].saved)
		}
	}
}

// What a batch of few lanes saved is given back when the next has more: the budget is for all of them.
func TestBudgetIsForAllLanes(t *testing.T) {
	plan := budgetPlan(t)
	q, err := opened(t, Config{Workers: 1}, detectTier()).Compile(plan)
	require.NoError(t, err)
	gradient(t, q.(*program[float32]), 1)
	m := q.Memory()
	budget := int64(m.Scratch + m.Packed + m.GradBytes + m.RowBytes)
	d := opened(t, Config{Workers: 1, Memory: budget}, detectTier())
	for _, lanes := range [][]int{{1, 30, 1}, {30, 1, 30}} {
		q, err := d.Compile(plan)
		require.NoError(t, err)
		p := q.(*program[float32])
		for _, n := range lanes {
			gradient(t, p, n)
			saved := 0
			for i := range p.lanes {
				saved += len(p.lanes[i].saved)
			}
			held := int64(saved*graph.BlockRows*plan.BytesPerRow() + p.Memory().Scratch + p.Memory().Packed + p.Memory().GradBytes)
			require.LessOrEqual(t, held, budget, "%d lanes of %v", n, lanes)
		}
	}
}
