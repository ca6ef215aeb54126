package oracle

import (
	"gorgonia.org/gorgonia"

	"github.com/sluice-ml/sluice/graph"
)

// This file is one operation at a time. up is the gradient of the result and has its shape.

// Result is an operation's value and, for each differentiable operand in order, the gradient of Σ up∘Y.
type Result struct {
	Y Matrix
	D []Matrix
}

// apply runs build on symbols for the operands.
func apply(up Matrix, build func(f *formula, in []*gorgonia.Node) *gorgonia.Node, operands ...Matrix) (Result, error) {
	running.Lock()
	defer running.Unlock()
	f := newFormula()
	in := make([]*gorgonia.Node, len(operands))
	for i, m := range operands {
		in[i] = f.input(m)
	}
	y := build(f, in)
	_, grads, values, err := f.run(f.total(f.had(f.input(up), y)), in, y)
	if err != nil {
		return Result{}, err
	}
	return Result{values[0], grads}, nil
}

// Linear is x·w + bias, bias 1xN. D: x, w, bias.
func Linear(x, w, bias, up Matrix) (Result, error) {
	return apply(up, func(f *formula, in []*gorgonia.Node) *gorgonia.Node { return f.linear(in[0], in[1], in[2]) }, x, w, bias)
}

// Gather is Σ_f w[features[r][f], :] + bias. D: w, bias.
func Gather(features [][]int, w, bias, up Matrix) (Result, error) {
	return apply(up, func(f *formula, in []*gorgonia.Node) *gorgonia.Node {
		return f.linear(f.input(oneHot(features, w.Rows)), in[0], in[1])
	}, w, bias)
}

func oneHot(features [][]int, width int) Matrix {
	x := zeros(len(features), width)
	for r, list := range features {
		for _, j := range list {
			x.X[r*width+j]++
		}
	}
	return x
}

// Act is an activation. D: x.
func Act(a graph.Act, x, up Matrix) (Result, error) {
	return apply(up, func(f *formula, in []*gorgonia.Node) *gorgonia.Node {
		if a == graph.Identity { // the operand itself cannot be read as a result
			return f.scale(1, in[0])
		}
		return f.act(a, in[0])
	}, x)
}

// LogProb is the masked log-softmax at the action, 0 where the action is -1. D: logits.
func LogProb(logits Matrix, mask [][]bool, action []int, up Matrix) (Result, error) {
	return apply(up, func(f *formula, in []*gorgonia.Node) *gorgonia.Node { return f.logProb(in[0], mask, action) }, logits)
}

// Add, Sub, Mul are elementwise. D: x, y.
func Add(x, y, up Matrix) (Result, error) {
	return apply(up, func(f *formula, in []*gorgonia.Node) *gorgonia.Node { return f.add(in[0], in[1]) }, x, y)
}

// Sub is x - y. D: x, y.
func Sub(x, y, up Matrix) (Result, error) {
	return apply(up, func(f *formula, in []*gorgonia.Node) *gorgonia.Node { return f.sub(in[0], in[1]) }, x, y)
}

// Mul is x∘y. D: x, y.
func Mul(x, y, up Matrix) (Result, error) {
	return apply(up, func(f *formula, in []*gorgonia.Node) *gorgonia.Node { return f.had(in[0], in[1]) }, x, y)
}

// Scale is c·x. D: x.
func Scale(c float64, x, up Matrix) (Result, error) {
	return apply(up, func(f *formula, in []*gorgonia.Node) *gorgonia.Node { return f.scale(c, in[0]) }, x)
}

// Square is x∘x. D: x.
func Square(x, up Matrix) (Result, error) {
	return apply(up, func(f *formula, in []*gorgonia.Node) *gorgonia.Node { return f.square(in[0]) }, x)
}

// moved is m·x for a column x.
func moved(m Matrix, x []float64, up []float64) (Result, error) {
	return apply(Column(up), func(f *formula, in []*gorgonia.Node) *gorgonia.Node { return f.left(m, in[0]) }, Column(x))
}

// SumT sums x over the rows of each of trajs trajectories. D: x.
func SumT(x []float64, traj []int, trajs int, up []float64) (Result, error) {
	return moved(pick(traj, trajs).transposed(), x, up)
}

// Spread gives each of n trajectories the number x. D: x.
func Spread(x float64, n int, up []float64) (Result, error) {
	return moved(ones(n, 1), []float64{x}, up)
}

// Sum is the sum of x. D: x.
func Sum(x []float64, up float64) (Result, error) {
	return moved(ones(1, len(x)), x, []float64{up})
}

// Mean is the mean of x. D: x.
func Mean(x []float64, up float64) (Result, error) { return moved(mean(len(x)), x, []float64{up}) }

// mean is the row that averages n numbers.
func mean(n int) Matrix {
	m := ones(1, n)
	for i := range m.X {
		m.X[i] /= float64(n)
	}
	return m
}

// Next is x[next[r]], 0 where next is -1. D: x.
func Next(x []float64, next []int, up []float64) (Result, error) {
	return moved(pick(next, len(x)), x, up)
}

// First is x[first[i]]. D: x.
func First(x []float64, first []int, up []float64) (Result, error) {
	return moved(pick(first, len(x)), x, up)
}

// NextFlow is x[next[r]] where role[r] is graph.Move, logR[traj[r]] where it is graph.Last, else 0. D: x, logR.
func NextFlow(x, logR []float64, next, traj, role []int, up []float64) (Result, error) {
	return apply(Column(up), func(f *formula, in []*gorgonia.Node) *gorgonia.Node {
		return f.nextFlow(in[0], in[1], next, traj, role, len(logR))
	}, Column(x), Column(logR))
}

func (f *formula) nextFlow(x, logR *gorgonia.Node, next, traj, role []int, trajs int) *gorgonia.Node {
	return f.add(f.left(pick(where(next, role, graph.Move), len(next)), x), f.left(pick(where(traj, role, graph.Last), trajs), logR))
}

// where is index, but -1 where role is not is.
func where(index, role []int, is graph.Role) []int {
	out := make([]int, len(index))
	for r, j := range index {
		out[r] = -1
		if role[r] == int(is) {
			out[r] = j
		}
	}
	return out
}

// Variance is the mean of (x - mean x)². D: x.
func Variance(x []float64, up float64) (Result, error) {
	return apply(Column([]float64{up}), func(f *formula, in []*gorgonia.Node) *gorgonia.Node { return f.variance(in[0], len(x)) }, Column(x))
}

func (f *formula) variance(x *gorgonia.Node, n int) *gorgonia.Node {
	d := f.sub(x, f.left(ones(n, 1), f.left(mean(n), x)))
	return f.left(mean(n), f.square(d))
}
