package sim

import (
	"math"

	"github.com/sluice-ml/sluice/f32"
)

// This file is arithmetic on float32: each operation rounds once, to nearest, and every NaN becomes the GPU's.

const nanBits = 0x7fffffff

func bitsOf(x float32) uint32 {
	if x != x {
		return nanBits
	}
	return math.Float32bits(x)
}

func value(b uint32) float32 { return math.Float32frombits(b) }

func (t *translator) float() run {
	in := t.in
	d := t.narrow(in.Args[0])
	var s []int
	for _, o := range in.Args[1:] {
		s = append(s, t.narrow(o))
	}
	switch in.Op {
	case "fma":
		return fma(d, s[0], s[1], s[2])
	case "add":
		return add(d, s[0], s[1])
	case "mul":
		return mul(d, s[0], s[1])
	case "sub":
		return two(d, s[0], s[1], func(x, y uint32) uint32 { return bitsOf(value(x) - value(y)) })
	case "div":
		return two(d, s[0], s[1], func(x, y uint32) uint32 { return bitsOf(value(x) / value(y)) })
	case "min":
		return two(d, s[0], s[1], func(x, y uint32) uint32 { return extreme(x, y, func(a, b float32) float32 { return min(a, b) }) })
	case "max":
		return two(d, s[0], s[1], func(x, y uint32) uint32 { return extreme(x, y, func(a, b float32) float32 { return max(a, b) }) })
	case "sqrt":
		// The square root of a float64 that is a float32, rounded again, is the float32's: 2·24 + 2 bits are fewer than 53.
		return two(d, s[0], s[0], func(x, _ uint32) uint32 { return bitsOf(float32(math.Sqrt(float64(value(x))))) })
	case "neg":
		return two(d, s[0], s[0], func(x, _ uint32) uint32 { return x ^ 1<<31 })
	case "abs":
		return two(d, s[0], s[0], func(x, _ uint32) uint32 { return x &^ (1 << 31) })
	}
	t.refuse("no float32 form")
	return nil
}

// extreme is min or max, which prefer a number to a NaN.
func extreme(x, y uint32, f func(a, b float32) float32) uint32 {
	a, b := value(x), value(y)
	switch {
	case a != a:
		return bitsOf(b)
	case b != b:
		return x
	}
	return math.Float32bits(f(a, b))
}

func two(d, a, b int, f func(x, y uint32) uint32) run {
	return func(w *warp, m uint32) {
		D, A, B := &w.narrow[d], &w.narrow[a], &w.narrow[b]
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			D[l] = f(A[l], B[l])
		}
	}
}

func fma(d, a, b, c int) run {
	return func(w *warp, m uint32) {
		D, A, B, C := &w.narrow[d], &w.narrow[a], &w.narrow[b], &w.narrow[c]
		if m == full {
			for l := range D {
				D[l] = bitsOf(f32.FMA(value(A[l]), value(B[l]), value(C[l])))
			}
			return
		}
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			D[l] = bitsOf(f32.FMA(value(A[l]), value(B[l]), value(C[l])))
		}
	}
}

func add(d, a, b int) run {
	return func(w *warp, m uint32) {
		D, A, B := &w.narrow[d], &w.narrow[a], &w.narrow[b]
		if m == full {
			for l := range D {
				D[l] = bitsOf(value(A[l]) + value(B[l]))
			}
			return
		}
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			D[l] = bitsOf(value(A[l]) + value(B[l]))
		}
	}
}

func mul(d, a, b int) run {
	return func(w *warp, m uint32) {
		D, A, B := &w.narrow[d], &w.narrow[a], &w.narrow[b]
		if m == full {
			for l := range D {
				D[l] = bitsOf(value(A[l]) * value(B[l]))
			}
			return
		}
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			D[l] = bitsOf(value(A[l]) * value(B[l]))
		}
	}
}
