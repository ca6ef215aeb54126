package graph

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// This file is the derivative of every operation. The order of the operations here is the order of roundings in a gradient, so a
// change of this file changes golden parameter hashes:
//
//	Add       dx = g, dy = g
//	Sub       dx = g, dy = -1·g
//	Mul       dx = g·y, dy = g·x
//	Square    dx = g·(2·x)
//	Scale     dx = c·g
//	Sum, Mean, SumT, Spread, First, Next, ...: their Back instruction or their mirror image
//
// Terms that meet in one node are added by Gorgonia, from the last consumer in its topological order to the first; see fuse.go for the
// one place where Lower reorders them.

// SymDiff implements gorgonia.SDOp.
func (o *operation) SymDiff(in gorgonia.Nodes, out, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	d := deriver{}
	var r gorgonia.Nodes
	switch o.op {
	case OpGather: // in w, bias
		r = gorgonia.Nodes{
			d.put(operation{op: OpGatherGrad, out: in[0].Shape(), layer: out.ID()}, grad),
			d.put(operation{op: opBiasGrad, out: in[1].Shape(), layer: out.ID()}, grad),
		}
	case OpLinear: // in x, w, bias
		r = gorgonia.Nodes{
			d.put(operation{op: OpLinearBack, out: in[0].Shape(), layer: out.ID()}, grad, in[1]),
			d.put(operation{op: OpLinearGrad, out: in[1].Shape(), layer: out.ID()}, in[0], grad),
			d.put(operation{op: opBiasGrad, out: in[2].Shape(), layer: out.ID()}, grad),
		}
	case OpAct:
		r = gorgonia.Nodes{d.put(operation{op: OpActBack, act: o.act, out: in[0].Shape()}, grad, out)}
	case opColumn:
		r = gorgonia.Nodes{d.put(operation{op: opMatrix, out: in[0].Shape()}, grad)}
	case OpLogProb:
		r = gorgonia.Nodes{d.put(operation{op: OpLogProbBack, forward: o.forward, out: in[0].Shape()}, grad, in[0])}
	case opStop:
		r = gorgonia.Nodes{nil}

	case OpAdd:
		r = gorgonia.Nodes{grad, grad}
	case OpSub:
		r = gorgonia.Nodes{grad, d.like(OpScale, -1, grad)}
	case OpMul:
		r = gorgonia.Nodes{d.like(OpMul, 0, grad, in[1]), d.like(OpMul, 0, grad, in[0])}
	case OpScale:
		r = gorgonia.Nodes{d.like(OpScale, o.con, grad)}
	case OpSquare:
		r = gorgonia.Nodes{d.like(OpMul, 0, grad, d.like(OpScale, 2, in[0]))}

	case OpSumT:
		r = gorgonia.Nodes{d.put(operation{op: OpSpreadT, out: in[0].Shape()}, grad)}
	case OpSpread:
		r = gorgonia.Nodes{d.put(operation{op: OpSum, out: tensor.ScalarShape()}, grad)}
	case OpSum:
		r = gorgonia.Nodes{d.put(operation{op: OpSpread, out: in[0].Shape()}, grad)}
	case OpMean:
		r = gorgonia.Nodes{d.put(operation{op: OpMeanBack, out: in[0].Shape()}, grad)}
	case OpDivSteps:
		r = gorgonia.Nodes{d.put(operation{op: OpDivSteps, out: tensor.ScalarShape()}, grad)}
	case OpVariance:
		r = gorgonia.Nodes{d.put(operation{op: OpVarianceBack, out: in[0].Shape()}, in[0], grad)}
	case OpNext:
		r = gorgonia.Nodes{d.put(operation{op: OpNextBack, out: in[0].Shape()}, grad)}
	case OpNextFlow: // in x, logR
		r = gorgonia.Nodes{
			d.put(operation{op: OpNextFlowBack, out: in[0].Shape()}, grad),
			d.put(operation{op: OpLast, out: in[1].Shape()}, grad),
		}
	case OpFirst:
		r = gorgonia.Nodes{d.put(operation{op: OpFirstBack, out: in[0].Shape()}, grad)}
	default:
		return nil, fmt.Errorf("graph: %v has no derivative", o.op)
	}
	return r, d.err
}

// deriver keeps the first error of several puts.
type deriver struct{ err error }

func (d *deriver) put(o operation, in ...*gorgonia.Node) *gorgonia.Node {
	if d.err != nil {
		return nil
	}
	n, err := put(o, in...)
	d.err = err
	return n
}

// like is an elementwise operation on operands of one shape.
func (d *deriver) like(op Op, con float32, in ...*gorgonia.Node) *gorgonia.Node {
	if d.err != nil {
		return nil
	}
	return d.put(operation{op: op, con: con, out: in[0].Shape(), diff: differentiable(len(in))}, in...)
}
