package devicetest

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/graph"
)

func TestGivenHasTheRowsAskedFor(t *testing.T) {
	for _, m := range []graph.Moves{grid, letter} {
		for _, n := range rowCounts {
			list, have := given(m, false, n, 1)
			require.Equal(t, n, have)
			rows := 0
			for _, a := range list {
				require.EqualValues(t, m.Forward(), a[len(a)-1])
				rows += len(a)
			}
			require.Equal(t, n, rows)
		}
	}
	_, have := given(full, true, 31, 1)
	require.Equal(t, 35, have, "five trajectories of six steps and an end row")
}

func TestTheTableHoldsEveryInstruction(t *testing.T) {
	var plans []*graph.Plan
	for _, f := range formulas() {
		plans = append(plans, f.plan(t))
	}
	covers(t, plans)
}

// A comparison that cannot fail compares nothing.
func TestCompareFails(t *testing.T) {
	negative := math.Copysign(0, -1)
	for _, c := range []struct {
		want, got, tolerance float64
		equal                bool
	}{
		{1, 1, 0, true}, {math.NaN(), math.NaN(), 0, true}, {0, negative, 0, false}, {1, 1 + 0x1p-40, 0, false},
		{1, 1.0001, 1e-3, true}, {1, 1.01, 1e-3, false}, {1, math.NaN(), 1e-3, false}, {math.NaN(), 1, 1e-3, false}, {1, math.Inf(1), 1e-3, false},
	} {
		var f fake
		func() {
			defer func() { _ = recover() }()
			compare(&f, "", []value{{"x", []float64{c.want}}}, []value{{"x", []float64{c.got}}}, c.tolerance)
		}()
		require.Equal(t, c.equal, !f.failed, "%v", c)
	}
}

// fake is a testing.TB that only remembers failures.
type fake struct {
	testing.TB
	failed bool
}

func (f *fake) Helper()               {}
func (f *fake) Name() string          { return "fake" }
func (f *fake) Errorf(string, ...any) { f.failed = true }
func (f *fake) FailNow()              { f.failed = true; panic("stop") }
