package kernel_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/kernel"
)

// same wants the same bits; a NaN is like any NaN.
func same[T word](t testing.TB, want, got []T, what string) {
	t.Helper()
	require.Len(t, got, len(want), what)
	for i := range want {
		a, b := want[i], got[i]
		x, isFloat := any(a).(float32)
		if !isFloat {
			if a != b {
				require.Failf(t, what, "element %d of %d: want %v, got %v", i, len(want), a, b)
			}
			continue
		}
		y := any(b).(float32)
		if math.Float32bits(x) != math.Float32bits(y) && (x == x || y == y) {
			require.Failf(t, what, "element %d of %d: want %v (%#x), got %v (%#x)", i, len(want), x, math.Float32bits(x), y, math.Float32bits(y))
		}
	}
}

// some is a float of an ordinary size, now and then a zero of either sign or one whose square vanishes.
func (r *rig) some() float32 {
	switch r.rnd.IntN(12) {
	case 0:
		return 0
	case 1:
		return float32(math.Copysign(0, -1))
	case 2:
		return float32(r.rnd.NormFloat64()) * 1e-24
	}
	return float32(r.rnd.NormFloat64())
}

func (r *rig) floats(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = r.some()
	}
	return x
}

// layout is the rows of a span: lane l works on [lo[l], lo[l]+n[l]) of cap.
type layout struct {
	lo, n   []int
	cap     int
	longest int
}

// layouts of three lanes of most rows or less: as a rollout's step, and as a piece of all rows.
func stepLayout(most int) layout {
	return layout{lo: []int{3, 0, 1}, n: []int{most, most / 2, most - most/3}, cap: most + 5, longest: most}
}

func pieceLayout(most int) layout {
	return layout{lo: []int{2, 2, 2}, n: []int{most, 0, most / 2}, cap: most + 2, longest: most}
}

func (l layout) span(r *rig, step bool) kernel.Span {
	var from, to []int32
	for i := range l.lo {
		from, to = append(from, int32(l.lo[i])), append(to, int32(l.lo[i]+l.n[i]))
		if !step && l.n[i] == 0 {
			to[i]-- // a lane that ended before the piece
		}
	}
	s := kernel.Span{To: up(r, to), Len: int32(l.longest), Cap: int32(l.cap), Lanes: int32(len(l.lo))}
	if step {
		s.From = up(r, from)
	} else {
		s.Begin = int32(l.lo[0])
	}
	return s
}

// matrix is a row operand and its copy.
type matrix struct {
	kernel.Val
	l    layout
	x    []float32
	rows int
}

// matrix makes an operand of width columns, some of the rows' floats unused; local is as Scratch lies.
func (r *rig) matrix(l layout, width, ld int, local bool) *matrix {
	m := &matrix{l: l, rows: l.cap}
	if local {
		m.rows = l.longest + 1
	}
	m.x = r.floats(len(l.lo) * m.rows * ld)
	m.Val = kernel.Val{P: up(r, m.x), LD: int32(ld), Rows: int32(m.rows)}
	if local {
		m.Local = 1
	}
	return m
}

// row is row i of the span in lane l.
func (m *matrix) row(l, i int) []float32 {
	if m.Local == 0 {
		i += m.l.lo[l]
	}
	return m.x[(l*m.rows+i)*int(m.LD):][:m.LD]
}

// check compares all of the operand, rows outside of the span included.
func (m *matrix) check(r *rig, what string) {
	r.t.Helper()
	same(r.t, m.x, down[float32](r, m.P, len(m.x)), what)
}

// each calls f for every row of the span.
func (l layout) each(f func(lane, i int)) {
	for k := range l.n {
		for i := range l.n[k] {
			f(k, i)
		}
	}
}

// global is the row's number in the row arrays.
func (l layout) global(lane, i int) int { return lane*l.cap + l.lo[lane] + i }

// rowCounts are the sizes spans are tried at.
var rowCounts = []int{1, 31, 32, 33, 255, 1000}
