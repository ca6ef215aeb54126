package devicetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// This file tests what a program holds: that it says so, and that an iteration asks for no more.

// testMemory: what is reported is rows by whole blocks times what a row costs, and it stays when the same batch comes again.
// A device with a limit may hold less than BytesPerRow a row, one of wider floats more.
func testMemory(t *testing.T, dev graph.Device) {
	f := formulas()[4]
	p := f.plan(t)
	r := newRig(t, dev, p, nil)
	defer r.program.Free()
	src := graph.Source{Key: rng.NewKey(2), Count: 200, Epsilon: 1}
	batch := r.rollout(t, src)
	require.NoError(t, r.program.Close(r.params))
	require.NoError(t, r.program.Backward(r.params, r.grads))
	m := r.program.Memory()
	require.GreaterOrEqual(t, m.RowsHeld, batch.Rows)
	require.Zero(t, m.RowsHeld%graph.BlockRows)
	words := width(t, dev) / 32
	require.LessOrEqual(t, m.RowBytes, m.RowsHeld*p.BytesPerRow()*words)
	require.GreaterOrEqual(t, m.RowBytes, m.RowsHeld*p.World.RowDataBytes())
	require.GreaterOrEqual(t, m.GradBytes, 4*words*p.GradLen*graph.Lanes(src.Count, p.Params.Len()))
	r.values(t, src)
	require.Equal(t, m, r.program.Memory())
}

// Unlimited demands that dev, which holds float32 values and has no memory limit, reports exactly BytesPerRow for every row held.
func Unlimited(t *testing.T, dev graph.Device) {
	for _, f := range formulas() {
		r := newRig(t, dev, f.plan(t), nil)
		for _, src := range []graph.Source{{Count: 3}, {Count: 300}, {Count: 300, Lanes: 1}, {Count: 40}} {
			r.values(t, src)
			m := r.program.Memory()
			require.Equal(t, m.RowsHeld*r.plan.BytesPerRow(), m.RowBytes, f.name)
		}
		r.program.Free()
	}
}

// Allocations demands that an iteration, Rollout to Outcome, allocates nothing once memory has grown to what its batch needs, in worlds
// that are data and in worlds that are Go code. Nothing else may run meanwhile.
func Allocations(t *testing.T, dev graph.Device) {
	for _, f := range formulas() {
		for _, code := range []bool{false, true} {
			p := f.plan(t)
			var h graph.Host
			if code {
				q := *p
				q.World.Moves = nil
				p, h = &q, host{f.moves}
			}
			r := newRig(t, dev, p, h)
			moments := alloc(t, dev, 2*p.Params.Len())
			rule := rules()[3]
			s := scalars(p.Params.Groups(), 1)
			src := graph.Source{Key: rng.NewKey(2), Count: 24, Epsilon: .1}
			states := make([]int32, 8*p.World.Ints)
			var list [][]float64
			for _, h := range p.Heads {
				list = append(list, make([]float64, 8*h.Ref.Cols))
			}
			var failed error
			keep := func(err error) {
				if failed == nil {
					failed = err
				}
			}
			step := func() {
				batch, err := r.program.Rollout(r.params, src, r.host)
				keep(err)
				r.logR = logR(r.logR, batch.Terminal, p.World.Ints)
				r.program.Reward(r.logR)
				keep(r.program.Close(r.params))
				keep(r.program.Backward(r.params, r.grads))
				keep(r.program.Update(r.params, r.grads, moments, rule, s))
				_, err = r.program.Outcome(r.params, 0)
				keep(err)
				keep(r.program.Eval(r.params, states, list))
			}
			// The same draws on moving parameters: lengths differ a little, so memory grows in the first iterations.
			for range 5 {
				step()
			}
			s.Rates = make([]float32, len(s.Rates)) // from here on nothing moves
			step()
			require.Zero(t, testing.AllocsPerRun(10, step), "%s, stepped by Go: %v", f.name, code)
			require.NoError(t, failed)
			r.program.Free()
		}
	}
}
