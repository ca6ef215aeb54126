package kernel_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/f32"
	"github.com/sluice-ml/sluice/graph"
)

func act(a graph.Act, v float32) float32 {
	switch {
	case a == graph.ReLU && v < 0:
		return 0
	case a == graph.Leaky && v < 0:
		return v * graph.LeakySlope
	case a == graph.Tanh:
		return f32.Tanh(v)
	}
	return v
}

// chain is Σ a(i)·b(i), one chain of fused multiply-adds from s.
func chain(s float32, n int, a, b func(int) float32) float32 {
	for i := range n {
		s = f32.FMA(a(i), b(i), s)
	}
	return s
}

type product struct{ rows, k, n int }

// variants are the kernels that take a product: the one its Launch chooses, or the others in its place.
func variants(chosen kernel.ID, g kernel.Grid, m, n int, biasBlocks bool, quads bool, list ...kernel.ID) map[kernel.ID]kernel.Grid {
	out := map[kernel.ID]kernel.Grid{chosen: g}
	for i, id := range list {
		if i < 2 && !quads { // the first two are the tiles
			continue
		}
		s := tileOf[id]
		x := (m + s[0] - 1) / s[0] * ((n + s[1] - 1) / s[1])
		if biasBlocks {
			x += (n + s[2] - 1) / s[2]
		}
		out[id] = kernel.Grid{X: x, Y: g.Y, Threads: s[2]}
	}
	return out
}

// One thing varied at a time: rows, inner width, outer width; multiples of four and not.
var products = []product{{70, 24, 20}, {1000, 8, 12}, {1, 24, 20}, {31, 24, 20}, {32, 24, 20}, {33, 24, 20}, {255, 24, 20}, {70, 1, 20}, {70, 4, 20}, {70, 7, 20},
	{70, 8, 20}, {70, 33, 20}, {70, 68, 20}, {70, 24, 1}, {70, 24, 5}, {70, 24, 4}, {70, 24, 9}, {70, 24, 16}, {70, 24, 17}, {70, 130, 5}, {70, 130, 12}, {200, 68, 4}, {200, 68, 8}, {70, 24, 64}, {70, 24, 68}, {70, 24, 132}}

func TestLinear(t *testing.T) {
	for i, c := range someProducts() {
		for _, a := range []graph.Act{graph.Identity, graph.ReLU, graph.Leaky, graph.Tanh} {
			if i > 0 && a != graph.Act(i%4) {
				continue
			}
			t.Run(fmt.Sprint(c, a), func(t *testing.T) {
				r := newRig(t)
				step := i%2 == 0
				l := stepLayout(c.rows)
				if !step {
					l = pieceLayout(c.rows)
				}
				span := l.span(r, step)
				x := r.matrix(l, c.k, (c.k+3)&^3, i%3 == 1)
				w, bias := r.floats(c.k*c.n), r.floats(c.n)
				args := kernel.LinearArgs{Span: span, A: x.Val, W: up(r, w), Bias: up(r, bias), K: int32(c.k), N: int32(c.n), Act: int32(a)}
				args.Out = r.matrix(l, c.n, (c.n+3)&^3, false).Val
				id, g := args.Launch()
				for id, g := range variants(id, g, c.rows, c.n, false, c.k%4 == 0 && c.n%4 == 0, kernel.Linear128x64, kernel.Linear64x64,
					kernel.LinearAny, kernel.LinearFew) {
					out := r.matrix(l, c.n, (c.n+3)&^3, step)
					args.Out = out.Val
					run(r, id, g, args)
					l.each(func(lane, i int) {
						o, xr := out.row(lane, i), x.row(lane, i)
						for j := range c.n {
							s := chain(0, c.k, func(k int) float32 { return xr[k] }, func(k int) float32 { return w[k*c.n+j] })
							o[j] = act(a, s+bias[j])
						}
					})
					out.check(r, id.String())
				}
			})
		}
	}
}

// A chain that has underflowed to -0 stays there whatever the length of the tile it is in.
func TestLinearKeepsNegativeZero(t *testing.T) {
	negative := float32(math.Copysign(0, -1))
	for _, k := range []int{1, 4, 5} {
		r := newRig(t)
		l := stepLayout(4)
		x := r.matrix(l, k, k, false)
		for i := range x.x {
			x.x[i] = -1e-30
		}
		x.P = up(r, x.x)
		w := make([]float32, k*4)
		for i := range w {
			w[i] = 1e-30
		}
		args := kernel.LinearArgs{Span: l.span(r, true), A: x.Val, W: up(r, w), Bias: up(r, []float32{negative, negative, negative, negative}), K: int32(k), N: 4}
		args.Out = r.matrix(l, 4, 4, false).Val
		id, g := args.Launch()
		for id, g := range variants(id, g, 4, 4, false, k%4 == 0, kernel.Linear128x64, kernel.Linear64x64, kernel.LinearAny, kernel.LinearFew) {
			out := r.matrix(l, 4, 4, false)
			args.Out = out.Val
			run(r, id, g, args)
			l.each(func(lane, i int) { copy(out.row(lane, i), []float32{negative, negative, negative, negative}) })
			out.check(r, id.String())
		}
	}
}

func TestLinearBack(t *testing.T) {
	for i, c := range someProducts() {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			r := newRig(t)
			l, step := pieceLayout(c.rows), i%2 == 0
			if step {
				l = stepLayout(c.rows)
			}
			d := r.matrix(l, c.n, (c.n+3)&^3, true)
			gate := r.matrix(l, c.k, (c.k+3)&^3, false)
			w := r.floats(c.k * c.n)
			args := kernel.LinearBackArgs{Span: l.span(r, step), A: d.Val, W: up(r, w), K: int32(c.k), N: int32(c.n), Acc: int32(i / 2 % 2)}
			gated := i%3 > 0
			if gated {
				args.Gate = gate.Val
			}
			args.Out = r.matrix(l, c.k, (c.k+3)&^3, false).Val
			id, g := args.Launch()
			for id, g := range variants(id, g, c.rows, c.k, false, c.k%4 == 0 && c.n%4 == 0, kernel.LinearBack128x64, kernel.LinearBack64x64, kernel.LinearBackAny) {
				out := r.matrix(l, c.k, (c.k+3)&^3, i%4 == 0)
				args.Out = out.Val
				run(r, id, g, args)
				l.each(func(lane, i int) {
					o, dr, h := out.row(lane, i), d.row(lane, i), gate.row(lane, i)
					for k := range c.k {
						s := float32(0)
						if args.Acc != 0 {
							s = o[k]
						}
						s = chain(s, c.n, func(j int) float32 { return dr[j] }, func(j int) float32 { return w[k*c.n+j] })
						if gated && !(h[k] > 0) {
							s = 0
						}
						o[k] = s
					}
				})
				out.check(r, id.String())
			}
		})
	}
}

// Two spans in a row must give what one gives: the second goes on where the first ended.
func TestLinearGrad(t *testing.T) {
	for i, c := range someProducts() {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			r := newRig(t)
			l := pieceLayout(c.rows)
			x, d := r.matrix(l, c.k, (c.k+3)&^3, false), r.matrix(l, c.n, (c.n+3)&^3, false)
			length := (c.k*c.n+c.n+7)&^3 + 4*(i%2)
			args := kernel.LinearGradArgs{Span: l.span(r, false), A: x.Val, D: d.Val, Out: 4 * 4, Bias: 1, K: int32(c.k), N: int32(c.n), GradLen: int32(length)}
			id, g := args.Launch()
			for id, g := range variants(id, g, c.k, c.n, true, c.k%4 == 0 && c.n%4 == 0, kernel.LinearGrad128x64, kernel.LinearGrad64x64, kernel.LinearGradAny) {
				grads := r.blank(len(l.n) * length)
				args.Out, args.Bias = grads, grads+uint64(4*c.k*c.n)
				first := c.rows / 3
				args.First, args.Span.Begin, args.Span.Len = 1, 2, int32(first)
				run(r, id, g, args)
				args.First, args.Span.Begin, args.Span.Len = 0, 2+int32(first), int32(c.rows-first)
				run(r, id, g, args)
				for lane, n := range l.n {
					want := make([]float32, c.k*c.n+c.n)
					for k := range c.k {
						for j := range c.n {
							want[k*c.n+j] = chain(0, n, func(i int) float32 { return x.row(lane, i)[k] }, func(i int) float32 { return d.row(lane, i)[j] })
						}
					}
					for i := range n {
						for j := range c.n {
							want[c.k*c.n+j] += d.row(lane, i)[j]
						}
					}
					same(t, want, down[float32](r, grads+uint64(4*lane*length), len(want)), id.String())
				}
			}
		})
	}
}

func TestLinearGradWithoutBias(t *testing.T) {
	a := kernel.LinearGradArgs{Span: kernel.Span{Len: 9, Lanes: 2}, K: 64, N: 64, Bias: 16}
	_, with := a.Launch()
	a.Bias = 0
	_, without := a.Launch()
	require.Equal(t, with.X-1, without.X)
}
