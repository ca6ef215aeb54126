package kernel_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/f32"
	"github.com/sluice-ml/sluice/graph"
)

// features fills a feature list for all rows of a layout: register k is one of [k*values, (k+1)*values).
func (r *rig) features(l layout, active, values int) []int32 {
	x := make([]int32, len(l.n)*l.cap*active)
	for i := range x {
		x[i] = int32(i%active*values + r.rnd.IntN(values))
	}
	return x
}

func TestGather(t *testing.T) {
	for i, c := range []struct{ rows, active, values, n int }{{33, 4, 5, 8}, {1, 4, 5, 8}, {31, 4, 5, 8}, {255, 4, 5, 8}, {1000, 4, 5, 8}, {33, 1, 5, 8}, {33, 9, 5, 8},
		{33, 4, 5, 1}, {33, 4, 5, 7}, {33, 4, 5, 64}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			r := newRig(t)
			l, step := pieceLayout(c.rows), i%2 == 0
			if step {
				l = stepLayout(c.rows)
			}
			feat := r.features(l, c.active, c.values)
			w, bias := r.floats(c.active*c.values*c.n), r.floats(c.n)
			a := kernel.GatherArgs{Span: l.span(r, step), A: up(r, w), B: up(r, bias), Feat: up(r, feat), Active: int32(c.active), N: int32(c.n), Act: int32(i % 4)}
			check := func(id kernel.ID, g kernel.Grid, out *matrix) {
				a.Out = out.Val
				run(r, id, g, a)
				l.each(func(lane, i int) {
					o, row := out.row(lane, i), l.global(lane, i)
					for j := range c.n {
						s := float32(0)
						for _, f := range feat[row*c.active : (row+1)*c.active] {
							s += w[int(f)*c.n+j]
						}
						o[j] = act(graph.Act(a.Act), s+bias[j])
					}
				})
				out.check(r, id.String())
			}
			out := r.matrix(l, c.n, (c.n+3)&^3, step)
			a.Out = out.Val
			id, g := a.Launch()
			check(id, g, out)
			check(kernel.GatherAny, kernel.Grid{X: (c.rows*c.n + 255) / 256, Y: 3, Threads: 256}, r.matrix(l, c.n, c.n+1, !step))
		})
	}
}

// The sums start from nothing in the first span and go on in the next.
func TestGatherGrad(t *testing.T) {
	for i, c := range []struct{ rows, active, values, n int }{{33, 3, 5, 40}, {1, 3, 5, 40}, {31, 3, 5, 40}, {15, 2, 3, 8}, {255, 3, 5, 40}, {1000, 2, 5, 5}, {33, 1, 2, 40}, {33, 3, 97, 40},
		{33, 3, 5, 1}, {33, 3, 5, 32}, {33, 3, 5, 33}, {33, 3, 5, 132}, {33, 3, 5, 136}, {1600, 1, 1, 8}, {33, 3, 5, 256}, {33, 0, 1, 40}, {33, 0, 1, 260}} {
		for _, gates := range []bool{false, true} {
			t.Run(fmt.Sprint(c, gates), func(t *testing.T) {
				r := newRig(t)
				l := pieceLayout(c.rows)
				feat := r.features(l, max(c.active, 1), c.values)
				d, gate := r.matrix(l, c.n, c.n+i%2*4, false), r.matrix(l, c.n, c.n+(i+1)%2*8, false)
				size := c.active * c.values * c.n
				length := size + c.n + 4
				a := kernel.GatherGradArgs{Span: l.span(r, false), D: d.Val, Feat: up(r, feat), Active: int32(c.active), Values: int32(c.values), N: int32(c.n), GradLen: int32(length)}
				if gates {
					a.Gate = gate.Val
				}
				id, g := a.Launch()
				x := (c.n + 31) / 32
				for id, g := range map[kernel.ID]kernel.Grid{id: g, kernel.GatherGradAny: {X: x*c.active + (c.n+255)/256, Y: 3, Threads: 256},
					kernel.GatherGradWide: {X: x * (c.active + 1), Y: 3, Threads: 32}} {
					grads := r.blank(len(l.n) * length)
					a.Out, a.Bias = grads, grads+uint64(4*size)
					first := c.rows / 3
					a.First, a.Span.Begin, a.Span.Len = 1, 2, int32(first)
					run(r, id, g, a)
					a.First, a.Span.Begin, a.Span.Len = 0, 2+int32(first), int32(c.rows-first)
					run(r, id, g, a)
					for lane, n := range l.n {
						want := make([]float32, size+c.n)
						for i := range n {
							row := l.global(lane, i)
							for j := range c.n {
								v := d.row(lane, i)[j]
								if gates && !(gate.row(lane, i)[j] > 0) {
									v = 0
								}
								for k := range c.active {
									want[int(feat[row*c.active+k])*c.n+j] += v
								}
								want[size+j] += v
							}
						}
						same(t, want, down[float32](r, grads+uint64(4*lane*length), len(want)), id.String())
					}
				}
			})
		}
	}
}

func TestAct(t *testing.T) {
	for i, rows := range rowCounts {
		for a := range graph.Tanh + 1 {
			if i > 0 && int(a) != i%4 {
				continue
			}
			t.Run(fmt.Sprint(rows, a), func(t *testing.T) {
				r, n := newRig(t), 5
				l := stepLayout(rows)
				x, y, out, back := r.matrix(l, n, n+1, false), r.matrix(l, n, n, true), r.matrix(l, n, n, true), r.matrix(l, n, n+2, false)
				args := kernel.ActArgs{Span: l.span(r, true), Out: out.Val, A: x.Val, N: int32(n), Act: int32(a)}
				g := kernel.ElementsGrid(rows, len(l.n), n)
				bias := slices.Repeat([]float32{float32(math.Copysign(0, -1))}, n) // which changes nothing
				if i%2 == 1 {
					bias = r.floats(n)
					args.B.P = up(r, bias)
				}
				run(r, kernel.Act, g, args)
				args.Out, args.B = back.Val, y.Val
				run(r, kernel.ActBack, g, args)
				l.each(func(lane, i int) {
					for j := range n {
						g, v := x.row(lane, i)[j], y.row(lane, i)[j]
						out.row(lane, i)[j] = act(a, g+bias[j])
						switch {
						case a == graph.ReLU && !(v > 0):
							g = 0
						case a == graph.Leaky && !(v > 0):
							g *= graph.LeakySlope
						case a == graph.Tanh:
							g = f32.FMA(-(v * v), g, g)
						}
						back.row(lane, i)[j] = g
					}
				})
				out.check(r, "act")
				back.check(r, "act_back")
			})
		}
	}
}

func element(op graph.Op, c, a, b float32) float32 {
	switch op {
	case graph.OpAdd:
		return a + b
	case graph.OpSub:
		return a - b
	case graph.OpMul:
		return a * b
	case graph.OpScale:
		return c * a
	case graph.OpSquare:
		return a * a
	}
	return c
}

func TestElementwise(t *testing.T) {
	for i, rows := range rowCounts {
		for op := graph.OpAdd; op <= graph.OpConst; op++ {
			if i > 0 && int(op-graph.OpAdd) != i {
				continue
			}
			t.Run(fmt.Sprint(rows, op), func(t *testing.T) {
				r, n := newRig(t), 3
				l := pieceLayout(rows)
				x, y, out := r.matrix(l, n, n, false), r.matrix(l, n, n+1, true), r.matrix(l, n, n+2, false)
				a := kernel.ElementsArgs{Span: l.span(r, false), Out: out.Val, A: x.Val, Op: int32(op - graph.OpAdd), N: int32(n), C: -.3}
				if op <= graph.OpMul { // the others have no b, which must not be read
					a.B = y.Val
				}
				run(r, kernel.Rows_, kernel.ElementsGrid(rows, len(l.n), n), a)
				l.each(func(lane, i int) {
					for j := range n {
						out.row(lane, i)[j] = element(op, a.C, x.row(lane, i)[j], y.row(lane, i)[j])
					}
				})
				out.check(r, "rows")

				u, v, want := r.floats(rows), r.floats(rows), make([]float32, rows)
				j := kernel.JointArgs{Out: r.blank(rows), A: up(r, u), B: up(r, v), Op: a.Op, Count: int32(rows), C: a.C}
				run(r, kernel.Joint, kernel.JointGrid(rows), j)
				for i := range want {
					want[i] = element(op, a.C, u[i], v[i])
				}
				same(t, want, down[float32](r, j.Out, rows), "joint")
			})
		}
	}
}

func TestFeatures(t *testing.T) {
	r := newRig(t)
	const n, ints, values = 300, 3, 7
	state, want := make([]int32, n*ints), make([]int32, n*ints)
	for i := range state {
		state[i] = int32(r.rnd.IntN(values))
		want[i] = int32(i%ints*values) + state[i]
	}
	a := kernel.FeaturesArgs{State: up(r, state), Feat: r.blank(n * ints), N: n, Ints: ints, Values: values}
	run(r, kernel.Features, kernel.JointGrid(n*ints), a)
	same(t, want, down[int32](r, a.Feat, n*ints), "features")
}
