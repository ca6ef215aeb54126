package graph

import "gorgonia.org/tensor"

// This file is the symbols a balance is written with. Nothing broadcasts silently: Spread, SumT, Sum and their kin are the only ways
// from one space to another.

// Add is x + y, of one shape.
func (b *Builder) Add(x, y Node) Node { return b.binary("Add", OpAdd, x, y) }

// Sub is x - y, of one shape.
func (b *Builder) Sub(x, y Node) Node { return b.binary("Sub", OpSub, x, y) }

// Mul is x·y elementwise, of one shape.
func (b *Builder) Mul(x, y Node) Node { return b.binary("Mul", OpMul, x, y) }

func (b *Builder) binary(name string, op Op, x, y Node) Node {
	if !b.usable(name, x, y) {
		return Node{}
	}
	if x.space == PerParam || x.space != y.space || !x.n.Shape().Eq(y.n.Shape()) {
		return b.fail(name, "x is %v, y %v", x, y)
	}
	return b.put(name, operation{op: op, out: x.n.Shape()}, x, y)
}

// Scale is c·x.
func (b *Builder) Scale(c float32, x Node) Node {
	if !b.usable("Scale", x) {
		return Node{}
	}
	if x.space == PerParam {
		return b.fail("Scale", "x is %v", x)
	}
	return b.put("Scale", operation{op: OpScale, con: c, out: x.n.Shape()}, x)
}

// Square is x·x elementwise.
func (b *Builder) Square(x Node) Node { return b.unary("Square", operation{op: OpSquare}, x) }

// StopGrad is x, to the gradient a constant. It costs nothing.
func (b *Builder) StopGrad(x Node) Node {
	return b.unary("StopGrad", operation{op: opStop, diff: []bool{false}}, x)
}

func (b *Builder) unary(name string, o operation, x Node) Node {
	if !b.usable(name, x) {
		return Node{}
	}
	if x.space == PerParam {
		return b.fail(name, "x is %v", x)
	}
	o.out = x.n.Shape()
	return b.put(name, o, x)
}

// SumT sums x [rows] over each trajectory's steps: [trajs]. Rows of role end, where no step leaves, are left out.
func (b *Builder) SumT(x Node) Node { return b.reduce("SumT", OpSumT, x, PerRow, trajVector()) }

// Spread gives every trajectory the value of x, a scalar or a parameter of one float: [trajs].
func (b *Builder) Spread(x Node) Node {
	if !b.usable("Spread", x) {
		return Node{}
	}
	if !x.n.IsScalar() {
		return b.fail("Spread", "x is %v", x)
	}
	return b.put("Spread", operation{op: OpSpread, out: trajVector()}, x)
}

// Sum is the sum of x [trajs] over all trajectories.
func (b *Builder) Sum(x Node) Node { return b.reduce("Sum", OpSum, x, PerTraj, tensor.ScalarShape()) }

// Mean is the mean of x [trajs] over all trajectories.
func (b *Builder) Mean(x Node) Node {
	return b.reduce("Mean", OpMean, x, PerTraj, tensor.ScalarShape())
}

// Variance is the mean of (x - mean x)² over all trajectories, x [trajs].
func (b *Builder) Variance(x Node) Node {
	return b.reduce("Variance", OpVariance, x, PerTraj, tensor.ScalarShape())
}

// DivSteps is the scalar x divided by the number of steps of the batch.
func (b *Builder) DivSteps(x Node) Node {
	return b.reduce("DivSteps", OpDivSteps, x, PerBatch, tensor.ScalarShape())
}

// Next is x [rows] of the row the step leads to: x[next[r]], 0 where there is none.
func (b *Builder) Next(x Node) Node { return b.reduce("Next", OpNext, x, PerRow, rowVector()) }

// First is x [rows] at each trajectory's first row: [trajs].
func (b *Builder) First(x Node) Node { return b.reduce("First", OpFirst, x, PerRow, trajVector()) }

// NextFlow is the flow a step leads to: x [rows] of the next row on a move, logR [trajs] on the last step, 0 on the row of a
// terminal state.
func (b *Builder) NextFlow(x, logR Node) Node {
	if !b.usable("NextFlow", x, logR) {
		return Node{}
	}
	if !x.vector() || logR.space != PerTraj {
		return b.fail("NextFlow", "x is %v, logR %v", x, logR)
	}
	return b.put("NextFlow", operation{op: OpNextFlow, out: rowVector()}, x, logR)
}

// reduce is an operation on a vector of one space.
func (b *Builder) reduce(name string, op Op, x Node, from Space, out tensor.Shape) Node {
	if !b.usable(name, x) {
		return Node{}
	}
	if x.space != from || x.cols != 1 || x.matrix() {
		return b.fail(name, "x is %v", x)
	}
	return b.put(name, operation{op: op, out: out}, x)
}
