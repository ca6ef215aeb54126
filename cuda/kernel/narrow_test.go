package kernel_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/kernel"
)

// This file tests that a launch of several instructions gives what launches of each give, whatever their shapes; what each gives is
// tested elsewhere.

// alike runs a list's instructions one by one, then together, and compares what is in the words words at out(i) of each.
func alike[A any](r *rig, list []A, launch func(*A) (kernel.ID, kernel.Grid), words []int, out func(a *A) *uint64) {
	r.t.Helper()
	var want [][]float32
	for i := range list {
		*out(&list[i]) = r.blank(words[i])
		write(r, *out(&list[i]), make([]float32, words[i]))
		k, g := launch(&list[i])
		run(r, k, g, list[i])
		want = append(want, down[float32](r, *out(&list[i]), words[i]))
	}
	for i := range list {
		*out(&list[i]) = up(r, make([]float32, words[i]))
	}
	k, g, n := kernel.Together(list, launch)
	require.Equal(r.t, len(list), n)
	together(r, k, g, n, list...)
	for i := range list {
		same(r.t, want[i], down[float32](r, *out(&list[i]), words[i]), fmt.Sprint(k, i))
	}
}

// Heads of different widths on layers of different widths.
var heads4 = []struct{ k, n int }{{24, 5}, {33, 4}, {140, 16}, {7, 1}}

func TestTogether(t *testing.T) {
	for _, rows := range []int{1, 33, 150} {
		t.Run(fmt.Sprint(rows), func(t *testing.T) {
			r, l := newRig(t), stepLayout(rows)
			span := l.span(r, true)
			var linear []kernel.LinearArgs
			var logProb, logProbBack []kernel.LogProbArgs
			var words, one []int
			for _, c := range heads4 {
				x, out := r.matrix(l, c.k, c.k, false), r.matrix(l, c.n, c.n, false)
				linear = append(linear, kernel.LinearArgs{Span: span, Out: out.Val, A: x.Val, W: up(r, r.floats(c.k*c.n)), Bias: up(r, r.floats(c.n)), K: int32(c.k), N: int32(c.n)})
				words, one = append(words, len(out.x)), append(one, len(l.n)*l.cap)
				mask, choice := r.masks(len(l.n)*l.cap, c.n, 1)
				a := kernel.LogProbArgs{Span: span, Out: r.matrix(l, 1, 1, false).Val, A: out.Val, Mask: up(r, mask), Choice: up(r, choice), N: int32(c.n), Words: 1}
				logProb = append(logProb, a)
				a.Out, a.A, a.B = out.Val, a.Out, out.Val
				logProbBack = append(logProbBack, a)
			}
			alike(r, linear, (*kernel.LinearArgs).Launch, words, func(a *kernel.LinearArgs) *uint64 { return &a.Out.P })
			alike(r, logProb, (*kernel.LogProbArgs).Launch, one, func(a *kernel.LogProbArgs) *uint64 { return &a.Out.P })
			alike(r, logProbBack, (*kernel.LogProbArgs).LaunchBack, words, func(a *kernel.LogProbArgs) *uint64 { return &a.Out.P })
		})
	}
}

// Sums into parameters: a launch's instructions have bias blocks at different places of its grid.
func TestGradientsTogether(t *testing.T) {
	for _, rows := range []int{1, 33, 150} {
		t.Run(fmt.Sprint(rows), func(t *testing.T) {
			r, l := newRig(t), pieceLayout(rows)
			span := l.span(r, false)
			const length = 3000
			var linear []kernel.LinearGradArgs
			var gather []kernel.GatherGradArgs
			var words []int
			for i, c := range heads4 {
				x, d := r.matrix(l, c.k, c.k, false), r.matrix(l, c.n, c.n, true)
				linear = append(linear, kernel.LinearGradArgs{Span: span, A: x.Val, D: d.Val, K: int32(c.k), N: int32(c.n), GradLen: length, First: 1})
				gather = append(gather, kernel.GatherGradArgs{Span: span, D: r.matrix(l, c.k, 2*c.k+1, false).Val, Feat: up(r, r.features(l, 3, 5)),
					Active: int32(i), Values: 5, N: int32(c.k), GradLen: length, First: int32(i / 2)})
				words = append(words, len(l.n)*length)
			}
			alike(r, linear, func(a *kernel.LinearGradArgs) (kernel.ID, kernel.Grid) {
				if a.Bias = a.Out + 4*2500; a.N == 4 {
					a.Bias = 0 // nobody asks for one
				}
				return a.Launch()
			}, words, func(a *kernel.LinearGradArgs) *uint64 { return &a.Out })
			alike(r, gather, func(a *kernel.GatherGradArgs) (kernel.ID, kernel.Grid) {
				a.Bias = a.Out + 4*2500
				return a.Launch()
			}, words, func(a *kernel.GatherGradArgs) *uint64 { return &a.Out })
		})
	}
}

// One sum over several products: each goes on where the one before ended, and the last has the gate.
func TestLinearBackTogether(t *testing.T) {
	for i, rows := range []int{1, 15, 16, 33, 150} {
		t.Run(fmt.Sprint(rows), func(t *testing.T) {
			r, l, k := newRig(t), pieceLayout(rows), 100+40*i
			span := l.span(r, false)
			apart, at1 := r.matrix(l, k, k, true), r.matrix(l, k, k, true)
			copy(at1.x, apart.x)
			at1.P = up(r, at1.x)
			var list []kernel.LinearBackArgs
			for j, n := range []int{5, 4, 16, 1} {
				a := kernel.LinearBackArgs{Span: span, Out: apart.Val, A: r.matrix(l, n, n+j%2, true).Val, W: up(r, r.floats(k*n)), K: int32(k), N: int32(n), Acc: int32(min(1, i%2+j))}
				if j == 3 {
					a.Gate = r.matrix(l, k, k, false).Val
				}
				id, g := a.Launch()
				run(r, id, g, a)
				a.Out = at1.Val
				list = append(list, a)
			}
			id, g := list[0].Launch()
			together(r, id, g, 1, list...)
			same(t, down[float32](r, apart.P, len(apart.x)), down[float32](r, at1.P, len(at1.x)), id.String())
		})
	}
}

// Instructions that would run by different kernels do not share a launch.
func TestTogetherAsksForOneKernel(t *testing.T) {
	s := kernel.Span{Len: 9, Lanes: 2}
	list := []kernel.LinearArgs{{Span: s, K: 8, N: 4}, {Span: s, K: 8, N: 9}, {Span: s, K: 8, N: 17}}
	id, g, n := kernel.Together(list, (*kernel.LinearArgs).Launch)
	require.Equal(t, kernel.LinearNarrow, id)
	require.Equal(t, 2, n)
	require.Equal(t, kernel.Grid{X: 1, Y: 2, Threads: 128}, g)
}
