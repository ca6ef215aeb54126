package devicetest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// This file is the test of a device: what is tried, in which order.

// rowCounts are the batches of every formula, on one program in this order: one row, around a sum's 32 lanes, around a block, and many
// blocks; then few again, in memory that many have used.
var rowCounts = []int{1, 31, 32, 33, 255, 257, 1000, 33}

// Test holds dev against the contract of graph.Device, and against ref on the same trajectories; gradients of a float64 device among the
// two are held against differences of its losses. With -short it draws less.
func Test(t *testing.T, dev, ref graph.Device) {
	exact := width(t, dev) == width(t, ref)
	var plans []*graph.Plan
	t.Run("Instructions", func(t *testing.T) {
		for _, f := range formulas() {
			plans = append(plans, f.plan(t))
			t.Run(f.name, func(t *testing.T) { f.test(t, exact, rowCounts, dev, ref) })
		}
		covers(t, plans)
	})
	t.Run("Widths", func(t *testing.T) {
		for _, f := range widths() {
			t.Run(f.name, func(t *testing.T) { f.test(t, exact, []int{33, 255}, dev, ref) })
		}
	})
	t.Run("Update", func(t *testing.T) { testUpdate(t, exact, dev, ref) })
	t.Run("NotFinite", func(t *testing.T) { testNotFinite(t, dev) })
	t.Run("LossNotFinite", func(t *testing.T) { testLossNotFinite(t, dev) })
	t.Run("HandedIn", func(t *testing.T) { testHandedIn(t, dev) })
	t.Run("Differences", func(t *testing.T) {
		for _, d := range []graph.Device{dev, ref} {
			if width(t, d) == 64 {
				for _, f := range append(formulas(), widths()...) {
					t.Run(f.name, func(t *testing.T) { f.differences(t, d) })
				}
			}
		}
	})
	t.Run("Law", func(t *testing.T) { testLaw(t, dev) })
	t.Run("Allowed", func(t *testing.T) { testAllowed(t, dev) })
	t.Run("Given", func(t *testing.T) { testGiven(t, dev) })
	t.Run("Refusals", func(t *testing.T) { testRefusals(t, dev) })
	t.Run("EndRows", func(t *testing.T) { testEndRows(t, dev) })
	t.Run("Host", func(t *testing.T) { testHost(t, dev) })
	t.Run("Eval", func(t *testing.T) { testEval(t, dev) })
	t.Run("Score", func(t *testing.T) { testScore(t, dev) })
	t.Run("Memory", func(t *testing.T) { testMemory(t, dev) })
}

// Same demands the same bits of all devices, whatever their workers, chunks, memory or kernels are: drawn and given trajectories, all
// formulas, several numbers of lanes.
func Same(t *testing.T, devs ...graph.Device) {
	for _, f := range formulas() {
		t.Run(f.name, func(t *testing.T) { f.test(t, true, []int{33, 600}, devs[0], devs[1:]...) })
	}
	for _, f := range widths() {
		t.Run(f.name, func(t *testing.T) { f.test(t, true, []int{50}, devs[0], devs[1:]...) })
	}
}

// test runs the formula's Plan on given and on drawn trajectories; others are compared with dev.
func (f formula) test(t *testing.T, exact bool, rows []int, dev graph.Device, others ...graph.Device) {
	p := f.plan(t)
	tolerance := 0.0
	if !exact {
		tolerance = f.tolerance
	}
	rigs := []*rig{newRig(t, dev, p, nil)}
	for _, o := range others {
		rigs = append(rigs, newRig(t, o, p, nil))
	}
	defer func() {
		for _, r := range rigs {
			r.program.Free()
		}
	}()
	for k, n := range rows {
		list, have := given(f.moves, p.World.EndRows, n, 7)
		if f.moves.Stop == graph.StopAnywhere {
			require.Equal(t, n, have)
		}
		for _, lanes := range []int{0, 3} {
			src := graph.Source{Key: rng.NewKey(5), Count: len(list), Given: list, Lanes: min(lanes, len(list))}
			f.same(t, rigs, src, have, tolerance)
			src.Given, src.Iteration, src.First, src.Epsilon = nil, uint32(k), 1000, .25
			if exact {
				f.same(t, rigs, src, 0, 0)
			}
		}
	}
}

// same runs one batch everywhere and compares; rows is how many it must have, 0 any.
func (f formula) same(t *testing.T, rigs []*rig, src graph.Source, rows int, tolerance float64) {
	t.Helper()
	want := rigs[0].values(t, src)
	require.False(t, rows > 0 && float64(rows) != want[2].x[0], "%v rows, %d were given", want[2].x[0], rows)
	for i, r := range rigs[1:] {
		got := r.values(t, src)
		compare(t, fmt.Sprintf("device %d, %v rows in %d lanes", i+1, want[2].x[0], src.Lanes), got, want, tolerance)
	}
}
