package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/graph"
)

// TestGates: the table, and that each gate holds at its bound and not beyond it. Changing a bound is a decision, so it is written twice.
func TestGates(t *testing.T) {
	share := func(s float64) []Line { return []Line{{PeakShare: Share(s / 2), FastestShare: s}} }
	faster := func(r float64) []Line { return []Line{{FastestMS: r}, {FastestMS: 1}} }
	rows := func(r float64) []Line { // the machine is at half its speed in the second round, and one line disturbed in the third
		q := math.Sqrt(r)
		return []Line{{rounds: []float64{1, 2, 1}, Rows: 1000}, {rounds: []float64{10 * r, 20 * r, 50 * r}, Rows: 10_000},
			{rounds: []float64{100 * q, 200 * q, 100 * q}, Rows: 100_000}}
	}
	want := []struct {
		bound, at70 float64
		lines       func(float64) []Line
	}{{.72, .504, share}, {1.7, 1.19, faster}, {1.15, 1 + .15/.7, rows}, {.60, .42, share}, {.80, .56, faster}}
	gates := Gates(2)
	require.Len(t, gates, len(want))
	for i, g := range gates {
		require.Equal(t, want[i].bound, g.Bound, g.Name)
		require.InDelta(t, want[i].at70, g.at(.7), 1e-12, g.Name)
		for _, s := range []float64{1, .7} {
			inside, outside := 1.001, .999
			if g.Most {
				inside, outside = outside, inside
			}
			v := g.judge(want[i].lines(g.at(s)*inside), s)
			require.True(t, v.Held, "%+v", v)
			require.InEpsilon(t, g.at(s)*inside, v.Value, 1e-9, g.Name)
			v = g.judge(want[i].lines(g.at(s)*outside), s)
			require.False(t, v.Held, "%+v", v)
			require.ErrorContains(t, Failed([]Verdict{{Held: true, Name: "fine"}, v}), "bench: a gate does not hold:\n  "+g.Name+": ")
			require.NotContains(t, Failed([]Verdict{{Held: true, Name: "fine"}, v}).Error(), "fine")
			require.ErrorIs(t, Failed([]Verdict{v}), ErrGate)
		}
	}
	require.NoError(t, Failed([]Verdict{{Held: true}, {Held: true, Skipped: "why"}}))
}

// TestGatesArePublished: the page has the table as it is.
func TestGatesArePublished(t *testing.T) {
	page, err := os.ReadFile("../docs/performance.md")
	require.NoError(t, err)
	for _, g := range Gates(2) {
		require.Contains(t, string(page), fmt.Sprintf("\n| %s | %s %v |\n", g.Name, Verdict{AtMost: g.Most}.side(), g.Bound))
	}
}

// TestGatesNeed: what a gate compares differs in one thing only.
func TestGatesNeed(t *testing.T) {
	for _, g := range Gates(3) {
		for _, w := range g.needs[1:] {
			a, b := g.needs[0], w
			same := 0
			for _, equal := range []bool{a.Kind == b.Kind && a.Policy == b.Policy && a.Width == b.Width && a.Embed == b.Embed, a.Batch == b.Batch, a.Workers == b.Workers, a.Tier == b.Tier} {
				if equal {
					same++
				}
			}
			require.Equal(t, 3, same, "%s: %s and %s", g.Name, a.Name(), b.Name())
		}
	}
	require.Equal(t, 3, Gates(3)[3].needs[0].Workers, "the batch has all processors")
}

// TestCheckSkips: a machine of one processor without AVX-512 is not blamed for it, and a share out of bounds is refused.
func TestCheckSkips(t *testing.T) {
	m := Machine{Cores: 1, Device: func(_ int, tier string) (graph.Device, error) {
		if tier == "" {
			return nil, errors.New("no device in this test")
		}
		return nil, errors.New("cpu: SLUICE_CPU=avx512: this processor has no AVX-512 (F, BW, DQ, VL)")
	}}
	gates := Gates(1)
	require.Equal(t, "1 processor", m.lacks(gates[1]))
	require.Equal(t, "no avx512 on this processor", m.lacks(gates[4]))
	require.Empty(t, m.lacks(gates[0]))
	for _, share := range []float64{0, -1, 1.1, math.NaN()} {
		_, err := m.Check(context.Background(), share, Options{})
		require.ErrorContains(t, err, "bench: the share of the gates must be in (0, 1], is ")
	}
	_, err := m.Check(context.Background(), 1, Options{})
	require.ErrorContains(t, err, "no device in this test")
}

// TestVerdicts: 80 columns are enough for every gate, whatever became of it.
func TestVerdicts(t *testing.T) {
	for _, g := range Gates(2) {
		for _, v := range []Verdict{{Name: g.Name, Value: .5, Held: true}, {Name: g.Name, Value: .5, Bound: .72},
			{Name: g.Name, Held: true, Skipped: "this processor has no AVX-512 (F, BW, DQ, VL)"}} {
			var b bytes.Buffer
			require.NoError(t, WriteVerdicts(&b, []Verdict{v}))
			for line := range bytes.Lines(b.Bytes()) {
				require.LessOrEqual(t, utf8.RuneCount(bytes.TrimRight(line, "\n")), 80, "%s", line)
			}
			require.Equal(t, v.Skipped != "", bytes.HasPrefix(b.Bytes(), []byte("skip")))
			require.Equal(t, !v.Held, bytes.HasPrefix(b.Bytes(), []byte("NO")))
		}
	}
}
