package kernel_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/f32"
)

func TestReduce(t *testing.T) {
	for _, lanes := range []int{1, 2, 3, 7, 31, 32, 33, 70} {
		for _, length := range []int{1, 300} {
			r := newRig(t)
			grads := r.floats(lanes * length)
			n := (length + 1) / 2
			a := kernel.ReduceArgs{Grads: up(r, grads), Out: r.blank(n), GradLen: int32(length), Lanes: int32(lanes), N: int32(n)}
			run(r, kernel.Reduce, kernel.ReduceGrid(length), a)
			want := make([]float32, length)
			for i := range want {
				part := make([]float32, lanes)
				for l := range part {
					part[l] = grads[l*length+i]
				}
				want[i] = f32.Tree(part)
			}
			what := fmt.Sprintf("%d lanes of %d", lanes, length)
			same(t, want[:n], down[float32](r, a.Out, n), what)
			same(t, want[n:], down[float32](r, a.Grads+uint64(4*n), length-n), what)
		}
	}
}

func TestAdd(t *testing.T) {
	for _, n := range []int{1, 255, 257} {
		r := newRig(t)
		x, y := r.floats(n), r.floats(n+1)
		a := kernel.AddArgs{Out: up(r, y), X: up(r, x), N: int32(n)}
		run(r, kernel.Add, kernel.JointGrid(n), a)
		for i, v := range x {
			y[i] += v
		}
		same(t, y, down[float32](r, a.Out, n+1), "add")
	}
}

// norm is the global norm of g.
func norm(g []float32) float32 {
	var parts []float32
	for ; len(g) > 0; g = g[min(4096, len(g)):] {
		var p [f32.Lanes]float32
		for i, v := range g[:min(4096, len(g))] {
			p[i%f32.Lanes] = f32.FMA(v, v, p[i%f32.Lanes])
		}
		parts = append(parts, f32.Butterfly(&p))
	}
	return float32(math.Sqrt(float64(f32.Tree(parts))))
}

func TestNorm(t *testing.T) {
	for _, n := range []int{1, 31, 33, 4095, 4096, 4097, 30000} {
		for _, clip := range []float32{0, 1e-3, 1e9} {
			r := newRig(t)
			g := r.floats(n)
			blocks := (n + 4095) / 4096
			a := kernel.NormArgs{G: up(r, g), Part: r.blank(blocks), N: int32(n)}
			run(r, kernel.Norm, kernel.NormGrid(n), a)
			s := kernel.ScaleArgs{Part: a.Part, Out: r.blank(3), Clip: clip, Blocks: int32(blocks)}
			run(r, kernel.Scale, kernel.ScaleGrid(), s)
			want := norm(g)
			scale := float32(1)
			if clip > 0 && want > clip {
				scale = clip / want
			}
			same(t, []float32{want, scale, 1}, down[float32](r, s.Out, 3), fmt.Sprint(n, clip))
		}
	}
}

// A norm or a loss that is not finite is told, and then no rule does anything.
func TestNotFinite(t *testing.T) {
	for _, bad := range []float32{float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 3e38} {
		r := newRig(t)
		s := kernel.ScaleArgs{Part: up(r, []float32{1, bad, bad}), Out: r.blank(3), Clip: 1, Blocks: 3}
		run(r, kernel.Scale, kernel.ScaleGrid(), s)
		same(t, []float32{0}, down[float32](r, s.Out+8, 1), fmt.Sprint(bad))
		w := []float32{1, 2}
		a := kernel.StepArgs{W: up(r, w), Scale: s.Out, N: 2}
		run(r, kernel.SGD, kernel.StepGrid(2), a)
		run(r, kernel.Adam, kernel.StepGrid(2), a)
		same(t, w, down[float32](r, a.W, 2), "parameters")

		s = kernel.ScaleArgs{Part: up(r, []float32{1, 2, 3}), Out: r.blank(3), Loss: up(r, []float32{bad}), Clip: 1, Blocks: 3}
		run(r, kernel.Scale, kernel.ScaleGrid(), s)
		verdict := float32(0)
		if bad == 3e38 { // a loss of that is finite
			verdict = 1
		}
		same(t, []float32{verdict}, down[float32](r, s.Out+8, 1), fmt.Sprint("loss ", bad))
	}
}

func TestRules(t *testing.T) {
	for _, n := range []int{1, 31, 255, 257, 1000} {
		for decay := range int32(2) {
			r := newRig(t)
			w, g, m, v := r.floats(n), r.floats(n), r.floats(n), r.floats(n)
			for i := range v {
				v[i] *= v[i]
			}
			rates := []float32{7, .01, 7, .97, 1.25, 1.5} // the second of two groups
			a := kernel.StepArgs{W: up(r, w), G: up(r, g), M: up(r, m), V: up(r, v), Scale: up(r, []float32{9, .5, 1}), Rates: up(r, rates),
				N: int32(n), Group: 1, Groups: 2, Decay: decay, Beta1: .9, OneMinusBeta1: .1, Beta2: .99, OneMinusBeta2: .01, Eps: 1e-6}
			b := a
			b.W = up(r, w)
			run(r, kernel.Adam, kernel.StepGrid(n), a)
			run(r, kernel.SGD, kernel.StepGrid(n), b)
			plain := append([]float32(nil), w...)
			for i := range w {
				x := .5 * g[i]
				plain[i] = f32.FMA(-.01, x, w[i])
				m[i] = f32.FMA(.9, m[i], float32(.1)*x)
				v[i] = f32.FMA(.99, v[i], float32(.01)*x*x)
				root := float32(math.Sqrt(float64(v[i]*1.5))) + 1e-6
				base := w[i]
				if decay != 0 {
					base *= .97
				}
				w[i] = f32.FMA(-.01, m[i]*1.25/root, base)
			}
			what := fmt.Sprint(n, decay)
			same(t, w, down[float32](r, a.W, n), "w "+what)
			same(t, m, down[float32](r, a.M, n), "m "+what)
			same(t, v, down[float32](r, a.V, n), "v "+what)
			same(t, plain, down[float32](r, b.W, n), "sgd "+what)
		}
	}
}
