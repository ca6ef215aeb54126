package oracle_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/diff/fd"

	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/graph/oracle"
)

// numbers are n values in (-1, 1) without a pattern that a wrong index would keep, and none near 0.
func numbers(seed, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		v := math.Sin(float64(7*i+13*seed) + .5)
		x[i] = v + math.Copysign(.05, v)
	}
	return x
}

func matrix(seed, rows, cols int) oracle.Matrix {
	return oracle.Matrix{Rows: rows, Cols: cols, X: numbers(seed, rows*cols)}
}

// Every operation: the value equals a few loops, the gradients equal central differences of Σ up∘Y.
func TestOperations(t *testing.T) {
	features := [][]int{{0, 3}, {1, 4}, {2, 3}}
	mask := [][]bool{{true, true, false}, {true, true, true}, {false, true, false}, {false, false, false}}
	action := []int{1, 2, 1, -1}
	traj, next, role := []int{0, 1, 0, 1}, []int{2, 3, -1, -1}, []int{0, 0, 1, 1}
	type call = func(in []oracle.Matrix, up oracle.Matrix) (oracle.Result, error)
	x, y := matrix(1, 3, 4), matrix(2, 3, 4)
	column := oracle.Column(numbers(3, 4))
	cases := []struct {
		name string
		in   []oracle.Matrix
		up   oracle.Matrix
		f    call
		want func(in []oracle.Matrix) []float64
	}{
		{"linear", []oracle.Matrix{x, matrix(4, 4, 2), matrix(5, 1, 2)}, matrix(6, 3, 2),
			func(in []oracle.Matrix, up oracle.Matrix) (oracle.Result, error) {
				return oracle.Linear(in[0], in[1], in[2], up)
			},
			func(in []oracle.Matrix) []float64 { return linear(in[0], in[1], in[2]) }},
		{"gather", []oracle.Matrix{matrix(7, 5, 2), matrix(8, 1, 2)}, matrix(9, 3, 2),
			func(in []oracle.Matrix, up oracle.Matrix) (oracle.Result, error) {
				return oracle.Gather(features, in[0], in[1], up)
			},
			func(in []oracle.Matrix) []float64 {
				out := make([]float64, 6)
				for r, list := range features {
					for j := range 2 {
						out[2*r+j] = in[1].X[j] + in[0].X[2*list[0]+j] + in[0].X[2*list[1]+j]
					}
				}
				return out
			}},
		{"relu", []oracle.Matrix{x}, y, act(graph.ReLU), each(func(v float64) float64 { return max(v, 0) })},
		{"leaky", []oracle.Matrix{x}, y, act(graph.Leaky), each(func(v float64) float64 { return max(v, float64(graph.LeakySlope)*v) })},
		{"tanh", []oracle.Matrix{x}, y, act(graph.Tanh), each(math.Tanh)},
		{"identity", []oracle.Matrix{x}, y, act(graph.Identity), each(func(v float64) float64 { return v })},
		{"log prob", []oracle.Matrix{matrix(10, 4, 3)}, column,
			func(in []oracle.Matrix, up oracle.Matrix) (oracle.Result, error) {
				return oracle.LogProb(in[0], mask, action, up)
			},
			func(in []oracle.Matrix) []float64 {
				out := make([]float64, 4)
				for r, a := range action[:3] {
					s := 0.0
					for j, ok := range mask[r] {
						if ok {
							s += math.Exp(in[0].X[3*r+j])
						}
					}
					out[r] = in[0].X[3*r+a] - math.Log(s)
				}
				return out
			}},
		{"add", []oracle.Matrix{x, y}, matrix(11, 3, 4), two(oracle.Add), pair(func(a, b float64) float64 { return a + b })},
		{"sub", []oracle.Matrix{x, y}, matrix(11, 3, 4), two(oracle.Sub), pair(func(a, b float64) float64 { return a - b })},
		{"mul", []oracle.Matrix{x, y}, matrix(11, 3, 4), two(oracle.Mul), pair(func(a, b float64) float64 { return a * b })},
		{"scale", []oracle.Matrix{x}, y,
			func(in []oracle.Matrix, up oracle.Matrix) (oracle.Result, error) { return oracle.Scale(-3, in[0], up) },
			each(func(v float64) float64 { return -3 * v })},
		{"square", []oracle.Matrix{x}, y,
			func(in []oracle.Matrix, up oracle.Matrix) (oracle.Result, error) { return oracle.Square(in[0], up) },
			each(func(v float64) float64 { return v * v })},
		{"sum_t", []oracle.Matrix{column}, matrix(12, 2, 1),
			func(in []oracle.Matrix, up oracle.Matrix) (oracle.Result, error) {
				return oracle.SumT(in[0].X, traj, 2, up.X)
			},
			func(in []oracle.Matrix) []float64 {
				return []float64{in[0].X[0] + in[0].X[2], in[0].X[1] + in[0].X[3]}
			}},
		{"spread", []oracle.Matrix{matrix(1, 1, 1)}, column,
			func(in []oracle.Matrix, up oracle.Matrix) (oracle.Result, error) {
				return oracle.Spread(in[0].X[0], 4, up.X)
			},
			func(in []oracle.Matrix) []float64 {
				return []float64{in[0].X[0], in[0].X[0], in[0].X[0], in[0].X[0]}
			}},
		{"sum", []oracle.Matrix{column}, matrix(12, 1, 1), scalar(oracle.Sum),
			func(in []oracle.Matrix) []float64 { return []float64{4 * average(in[0].X)} }},
		{"mean", []oracle.Matrix{column}, matrix(12, 1, 1), scalar(oracle.Mean),
			func(in []oracle.Matrix) []float64 { return []float64{average(in[0].X)} }},
		{"variance", []oracle.Matrix{column}, matrix(12, 1, 1), scalar(oracle.Variance),
			func(in []oracle.Matrix) []float64 {
				m, v := average(in[0].X), 0.0
				for _, a := range in[0].X {
					v += (a - m) * (a - m) / 4
				}
				return []float64{v}
			}},
		{"next", []oracle.Matrix{column}, matrix(13, 4, 1),
			func(in []oracle.Matrix, up oracle.Matrix) (oracle.Result, error) {
				return oracle.Next(in[0].X, next, up.X)
			},
			func(in []oracle.Matrix) []float64 { return []float64{in[0].X[2], in[0].X[3], 0, 0} }},
		{"first", []oracle.Matrix{column}, matrix(13, 2, 1),
			func(in []oracle.Matrix, up oracle.Matrix) (oracle.Result, error) {
				return oracle.First(in[0].X, []int{0, 1}, up.X)
			},
			func(in []oracle.Matrix) []float64 { return in[0].X[:2] }},
		{"next_flow", []oracle.Matrix{column, matrix(14, 2, 1)}, matrix(13, 4, 1),
			func(in []oracle.Matrix, up oracle.Matrix) (oracle.Result, error) {
				return oracle.NextFlow(in[0].X, in[1].X, next, traj, role, up.X)
			},
			func(in []oracle.Matrix) []float64 {
				return []float64{in[0].X[2], in[0].X[3], in[1].X[0], in[1].X[1]}
			}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.f(c.in, c.up)
			require.NoError(t, err)
			require.InDeltaSlice(t, c.want(c.in), got.Y.X, 1e-12)
			require.Len(t, got.D, len(c.in))
			for i := range c.in {
				value := func(x []float64) float64 {
					in := append([]oracle.Matrix(nil), c.in...)
					in[i].X = x
					s := 0.0
					for k, v := range c.want(in) {
						s += v * c.up.X[k]
					}
					return s
				}
				want := fd.Gradient(nil, value, c.in[i].X, &fd.Settings{Formula: fd.Central})
				require.InDeltaSlice(t, want, got.D[i].X, 1e-7)
			}
		})
	}
}

func linear(x, w, bias oracle.Matrix) []float64 {
	out := make([]float64, x.Rows*w.Cols)
	for r := range x.Rows {
		for j := range w.Cols {
			out[r*w.Cols+j] = bias.X[j]
			for k := range x.Cols {
				out[r*w.Cols+j] += x.X[r*x.Cols+k] * w.X[k*w.Cols+j]
			}
		}
	}
	return out
}

func average(x []float64) (m float64) {
	for _, v := range x {
		m += v / float64(len(x))
	}
	return m
}

func act(a graph.Act) func([]oracle.Matrix, oracle.Matrix) (oracle.Result, error) {
	return func(in []oracle.Matrix, up oracle.Matrix) (oracle.Result, error) { return oracle.Act(a, in[0], up) }
}

func two(f func(x, y, up oracle.Matrix) (oracle.Result, error)) func([]oracle.Matrix, oracle.Matrix) (oracle.Result, error) {
	return func(in []oracle.Matrix, up oracle.Matrix) (oracle.Result, error) { return f(in[0], in[1], up) }
}

func scalar(f func(x []float64, up float64) (oracle.Result, error)) func([]oracle.Matrix, oracle.Matrix) (oracle.Result, error) {
	return func(in []oracle.Matrix, up oracle.Matrix) (oracle.Result, error) { return f(in[0].X, up.X[0]) }
}

func each(f func(float64) float64) func([]oracle.Matrix) []float64 {
	return func(in []oracle.Matrix) []float64 {
		out := make([]float64, len(in[0].X))
		for i, v := range in[0].X {
			out[i] = f(v)
		}
		return out
	}
}

func pair(f func(a, b float64) float64) func([]oracle.Matrix) []float64 {
	return func(in []oracle.Matrix) []float64 {
		out := make([]float64, len(in[0].X))
		for i, v := range in[0].X {
			out[i] = f(v, in[1].X[i])
		}
		return out
	}
}
