package devicetest

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// This file holds gradients against the losses they are gradients of, so that what two devices have wrong in common is seen.

const (
	differenceStep  = 1e-5
	differenceError = 1e-6 // of the change, plus the same of 1
)

// differences compares the gradient by every tensor, along three directions in it, with central differences of the loss of the same
// trajectories. Where a ReLU changes sides in between, the loss has a kink and the two differences of one side differ; such a
// direction is left out, and at least one of the three must stay.
func (f formula) differences(t *testing.T, dev graph.Device) {
	t.Helper()
	p := f.plan(t)
	r := newRig(t, dev, p, nil)
	defer r.program.Free()
	list, _ := given(f.moves, p.World.EndRows, 40, 9)
	src := graph.Source{Count: len(list), Given: list, Lanes: min(3, len(list))}
	here := read(r.params)
	loss := func(x []float64) float64 {
		r.params.Write(x, 0)
		r.rollout(t, src)
		return r.loss(t)
	}
	center := loss(here)
	require.NoError(t, r.program.Backward(r.params, r.grads))
	g := read(r.grads)
	for i, q := range p.Params {
		require.False(t, f.reachesNothing(q, g), "%s has no gradient", q.Name)
		kept := 0
		for d := range 3 {
			direction := make([]float32, q.Size())
			rng.NewKey(uint64(100*i+d)).Uniform(direction, 0)
			change := 0.0
			for j, v := range direction {
				change += g[q.Offset+j] * (float64(v) - .5)
			}
			at := func(h float64) float64 {
				x := slices.Clone(here)
				for j, v := range direction {
					x[q.Offset+j] += h * (float64(v) - .5)
				}
				return loss(x)
			}
			up, down := at(differenceStep), at(-differenceStep)
			if curve := math.Abs(up - 2*center + down); curve > 1e-7*(1+math.Abs(change)) {
				continue // a smooth loss has some h² of it
			}
			kept++
			require.InDelta(t, change, (up-down)/(2*differenceStep), differenceError*(1+math.Abs(change)), q.Name)
		}
		require.Positive(t, kept, q.Name)
	}
}

// reachesNothing reports a tensor without gradient where there must be one: one action alone has log-probability 0 whatever its logit.
func (f formula) reachesNothing(q graph.ParamInfo, g []float64) bool {
	if f.moves.Forward() == 1 && f.moves.Stop == graph.StopFull {
		return false
	}
	for _, v := range g[q.Offset : q.Offset+q.Size()] {
		if v != 0 {
			return false
		}
	}
	return true
}
