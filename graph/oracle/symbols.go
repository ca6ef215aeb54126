package oracle

import (
	"fmt"
	"sync"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/sluice-ml/sluice/graph"
)

// This file writes formulas in stock operations. Everything is a matrix and moves by products, because those are the operations of
// Gorgonia whose gradients are simplest.

// running guards graphs: gorgonia.Grad hashes a package-global constant.
var running sync.Mutex

// formula is one graph with a sticky error. Inputs are named apart, since Gorgonia merges equal unnamed ones.
type formula struct {
	g      *gorgonia.ExprGraph
	inputs int
	err    error
}

func newFormula() *formula { return &formula{g: gorgonia.NewGraph()} }

// input is m as a symbol.
func (f *formula) input(m Matrix) *gorgonia.Node {
	if f.err == nil && (len(m.X) != m.Rows*m.Cols || len(m.X) == 0) {
		f.err = fmt.Errorf("oracle: %d numbers in a %dx%d matrix", len(m.X), m.Rows, m.Cols)
	}
	if f.err != nil {
		return nil
	}
	f.inputs++
	backing := append([]float64(nil), m.X...)
	return gorgonia.NewMatrix(f.g, gorgonia.Float64, gorgonia.WithName(fmt.Sprintf("input%d", f.inputs)), gorgonia.WithShape(m.Rows, m.Cols),
		gorgonia.WithValue(tensor.New(tensor.WithShape(m.Rows, m.Cols), tensor.WithBacking(backing))))
}

func (f *formula) keep(n *gorgonia.Node, err error) *gorgonia.Node {
	if f.err == nil && err != nil {
		f.err = fmt.Errorf("oracle: %w", err)
	}
	return n
}

type binary func(a, b *gorgonia.Node) (*gorgonia.Node, error)

func (f *formula) two(op binary, a, b *gorgonia.Node) *gorgonia.Node {
	if f.err != nil {
		return nil
	}
	return f.keep(op(a, b))
}

func (f *formula) mul(a, b *gorgonia.Node) *gorgonia.Node { return f.two(gorgonia.Mul, a, b) } // matrix product
func (f *formula) add(a, b *gorgonia.Node) *gorgonia.Node { return f.two(gorgonia.Add, a, b) }
func (f *formula) sub(a, b *gorgonia.Node) *gorgonia.Node { return f.two(gorgonia.Sub, a, b) }
func (f *formula) had(a, b *gorgonia.Node) *gorgonia.Node { return f.two(gorgonia.HadamardProd, a, b) }

// scale is c·x, with c as a matrix of its own: Gorgonia merges constants that print alike.
func (f *formula) scale(c float64, x *gorgonia.Node) *gorgonia.Node {
	if f.err != nil {
		return nil
	}
	m := ones(x.Shape()[0], x.Shape()[1])
	for i := range m.X {
		m.X[i] = c
	}
	return f.had(f.input(m), x)
}

// square is x∘x.
func (f *formula) square(x *gorgonia.Node) *gorgonia.Node { return f.had(x, x) }

// left is m·x with constant m.
func (f *formula) left(m Matrix, x *gorgonia.Node) *gorgonia.Node { return f.mul(f.input(m), x) }

// linear is x·w + bias, bias [1, N].
func (f *formula) linear(x, w, bias *gorgonia.Node) *gorgonia.Node {
	if f.err != nil {
		return nil
	}
	return f.add(f.mul(x, w), f.left(ones(x.Shape()[0], 1), bias))
}

func (f *formula) act(a graph.Act, x *gorgonia.Node) *gorgonia.Node {
	if f.err != nil {
		return nil
	}
	switch a {
	case graph.Identity:
		return x
	case graph.ReLU:
		return f.keep(gorgonia.Rectify(x))
	case graph.Leaky:
		return f.keep(gorgonia.LeakyRelu(x, float64(graph.LeakySlope)))
	case graph.Tanh:
		return f.keep(gorgonia.Tanh(x))
	}
	f.err = fmt.Errorf("oracle: no activation %v", a)
	return nil
}

// logProb is the log-softmax of logits over the allowed actions at the action, 0 where it is -1: [rows, 1]. Rows without an action
// forbid nothing, since Gorgonia's LogSoftMax makes NaN of a row of -1e9.
func (f *formula) logProb(logits *gorgonia.Node, mask [][]bool, action []int) *gorgonia.Node {
	if f.err != nil {
		return nil
	}
	n := logits.Shape()[1]
	forbid := zeros(len(mask), n)
	for r, row := range mask {
		for j, ok := range row {
			if !ok && action[r] >= 0 {
				forbid.X[r*n+j] = -1e9
			}
		}
	}
	masked := f.add(logits, f.input(forbid))
	if f.err != nil {
		return nil
	}
	logSoftMax := f.keep(gorgonia.LogSoftMax(masked, 1))
	return f.mul(f.had(logSoftMax, f.input(pick(action, n))), f.input(ones(n, 1)))
}

// total is the sum of all of x.
func (f *formula) total(x *gorgonia.Node) *gorgonia.Node {
	if f.err != nil {
		return nil
	}
	return f.keep(gorgonia.Sum(x))
}

// run computes cost's gradient by wrt, and the values of cost, the gradients and also.
func (f *formula) run(cost *gorgonia.Node, wrt []*gorgonia.Node, also ...*gorgonia.Node) (value float64, grads, values []Matrix, err error) {
	if f.err != nil {
		return 0, nil, nil, f.err
	}
	derived, err := gorgonia.Grad(cost, wrt...)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("oracle: %w", err)
	}
	// Node.Value of an intermediate may be overwritten in place; Read is taken when it is computed. It must come after Grad.
	nodes := append(append(gorgonia.Nodes{cost}, derived...), also...)
	read := make([]gorgonia.Value, len(nodes))
	for i, n := range nodes {
		gorgonia.Read(n, &read[i])
	}
	machine := gorgonia.NewTapeMachine(f.g)
	if err := machine.RunAll(); err != nil {
		return 0, nil, nil, fmt.Errorf("oracle: %w", err)
	}
	out := make([]Matrix, len(nodes))
	for i, v := range read {
		if out[i], err = matrixOf(v); err != nil {
			return 0, nil, nil, err
		}
	}
	if err := machine.Close(); err != nil {
		return 0, nil, nil, fmt.Errorf("oracle: %w", err)
	}
	return out[0].X[0], out[1 : 1+len(wrt)], out[1+len(wrt):], nil
}

func matrixOf(v gorgonia.Value) (Matrix, error) {
	switch x := v.Data().(type) {
	case float64:
		return Matrix{1, 1, []float64{x}}, nil
	case []float64:
		m := Matrix{len(x), 1, append([]float64(nil), x...)}
		if s := v.Shape(); len(s) == 2 {
			m.Rows, m.Cols = s[0], s[1]
		}
		return m, nil
	}
	return Matrix{}, fmt.Errorf("oracle: a value of type %T", v.Data())
}
