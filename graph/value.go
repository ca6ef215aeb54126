package graph

import (
	"fmt"

	"gorgonia.org/gorgonia"
)

// This file reads a gorgonia.ExprGraph into values, the form that lowering rewrites: one value for what will be one place in
// memory and one instruction (for OpLinearBack: a chain of them).

// A value is what an instruction writes, or a parameter or data (opInput).
type value struct {
	op      Op
	act     Act
	forward bool
	con     float32
	layer   int64
	in      []*value // operands in formula order
	gate    *value   // OpLinearBack: C, the activations whose ReLU derivative is applied
	space   Space
	cols    int
	k       int // inner width

	sum  bool // an OpAdd that Gorgonia made of gradient terms
	head bool // readable to the end of Step

	entry entry
	users []*value // distinct, in order
	at    int      // place in its entry
	ref   Ref
	biasG Ref // OpLinearGrad, OpGatherGrad: C
}

// entry is where a value's instruction runs.
type entry uint8

const (
	nowhere entry = iota
	inStep
	inClose
	inBackward
)

// operands is everything v's instructions read, but for parameters' gradients.
func (v *value) operands() []*value {
	if v.gate == nil {
		return v.in
	}
	return append(append([]*value(nil), v.in...), v.gate)
}

// reader turns nodes into values.
type reader struct {
	fixed map[*gorgonia.Node]Ref
	world Shape
	seen  map[*gorgonia.Node]*value
}

// read returns n's value. Column, its gradient and StopGrad are their operand's value.
func (r *reader) read(n *gorgonia.Node) (*value, error) {
	if v, ok := r.seen[n]; ok {
		return v, nil
	}
	v, err := r.readNew(n)
	if err == nil {
		r.seen[n] = v
	}
	return v, err
}

func (r *reader) readNew(n *gorgonia.Node) (*value, error) {
	space, cols := spaceOf(n.Shape())
	if ref, ok := r.fixed[n]; ok {
		if ref.Class == Param {
			space = PerParam
		}
		return &value{op: opInput, space: space, cols: ref.Cols, ref: ref}, nil
	}
	v := &value{space: space, cols: cols}
	for _, c := range childrenOf(n) {
		in, err := r.read(c)
		if err != nil {
			return nil, err
		}
		v.in = append(v.in, in)
	}
	switch op := n.Op().(type) {
	case *operation:
		switch op.op {
		case opColumn, opMatrix, opStop:
			return v.in[0], nil
		}
		v.op, v.act, v.forward, v.con, v.layer = op.op, op.act, op.forward, op.con, op.layer
		switch op.op {
		case OpGather, OpLinear: // the forward side of what the gradients call layer
			v.layer = n.ID()
		}
		v.k = innerWidth(op, r.world)
	case gorgonia.Valuer: // Grad's own constant 1
		one, ok := op.Value().Data().(float32)
		if !ok {
			return nil, fmt.Errorf("graph: Lower: constant %v", op)
		}
		v.op, v.con = OpConst, one
	default:
		if op == nil || op.String() != stockAdd || len(v.in) != 2 {
			return nil, fmt.Errorf("graph: Lower: no instruction for Gorgonia's %v", op)
		}
		v.op, v.sum = OpAdd, true
	}
	return simplify(v), nil
}

// stockAdd is how gorgonia v0.9.18 prints the addition it puts between gradient terms of one node.
const stockAdd = "+ false"

func innerWidth(op *operation, world Shape) int {
	switch op.op {
	case OpGather, OpGatherGrad:
		return world.Features
	case OpLinear:
		return op.in[0][1]
	case OpLinearBack:
		return op.out[1]
	case OpLinearGrad:
		return op.out[0]
	}
	return 0
}

// simplify folds scalar constants. Each rule gives the bits that the instruction would.
func simplify(v *value) *value {
	con := func(i int) bool { return v.in[i].op == OpConst }
	switch {
	case v.op == OpScale && v.con == 1:
		return v.in[0]
	case v.op == OpScale && con(0):
		return constant(v, v.con*v.in[0].con)
	case v.op == OpAdd && con(0) && con(1):
		return constant(v, v.in[0].con+v.in[1].con)
	case v.op == OpMul && con(0) && con(1):
		return constant(v, v.in[0].con*v.in[1].con)
	case v.op == OpMul && con(0):
		return simplify(&value{op: OpScale, con: v.in[0].con, in: v.in[1:], space: v.space, cols: v.cols})
	case v.op == OpMul && con(1):
		return simplify(&value{op: OpScale, con: v.in[1].con, in: v.in[:1], space: v.space, cols: v.cols})
	}
	return v
}

func constant(v *value, c float32) *value {
	return &value{op: OpConst, con: c, space: v.space, cols: v.cols}
}
