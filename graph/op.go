package graph

import (
	"fmt"
	"hash"
	"hash/fnv"
	"slices"

	"github.com/chewxy/hm"
	"gonum.org/v1/gonum/graph"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// This file is the one type of gorgonia.Op that a Builder puts into its graph.

// Node kinds that are no instruction. Column, its gradient and StopGrad read their operand's memory; a bias gradient is the
// C part of OpLinearGrad or OpGatherGrad.
const (
	opColumn   Op = 200 + iota // [rows, 1] as [rows]
	opMatrix                   // [rows] as [rows, 1]: the gradient of opColumn
	opStop                     // the same value, no gradient
	opBiasGrad                 // column sums
	opInput                    // a parameter or data
)

var (
	_ gorgonia.Op   = (*operation)(nil)
	_ gorgonia.SDOp = (*operation)(nil)
)

// operation is a node's operation. What a rollout writes (features, masks, actions, next) is part of the operation and no input,
// because it has no gradient and one place in memory.
//
// Two nodes of equal operations and equal inputs are one node in a gorgonia.ExprGraph, so WriteHash writes every field.
type operation struct {
	op      Op
	act     Act
	forward bool
	con     float32
	layer   int64 // gradients by a layer's parameters or input: the layer's node; orders and pairs them
	in      []tensor.Shape
	out     tensor.Shape
	diff    []bool
}

// Arity implements gorgonia.Op.
func (o *operation) Arity() int { return len(o.in) }

// Type implements gorgonia.Op. It must build a new type in every call: gorgonia.ApplyOp gives it to a pool afterwards.
func (o *operation) Type() hm.Type {
	types := make([]hm.Type, 0, len(o.in)+1)
	for _, s := range o.in {
		types = append(types, typeOf(s))
	}
	return hm.NewFnType(append(types, typeOf(o.out))...)
}

func typeOf(s tensor.Shape) hm.Type {
	if s.IsScalar() {
		return tensor.Float32
	}
	return gorgonia.TensorType{Dims: len(s), Of: tensor.Float32}
}

// InferShape implements gorgonia.Op.
func (o *operation) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) { return o.out.Clone(), nil }

// Do implements gorgonia.Op by refusing: the graph's extents stand for any number of rows, so there is nothing to compute here.
func (o *operation) Do(...gorgonia.Value) (gorgonia.Value, error) {
	return nil, fmt.Errorf("graph: %v is run by a Plan, not by Gorgonia's machines (package oracle has those)", o.op)
}

// ReturnsPtr implements gorgonia.Op.
func (o *operation) ReturnsPtr() bool { return false }

// CallsExtern implements gorgonia.Op.
func (o *operation) CallsExtern() bool { return false }

// OverwritesInput implements gorgonia.Op.
func (o *operation) OverwritesInput() int { return -1 }

// WriteHash implements gorgonia.Op.
func (o *operation) WriteHash(h hash.Hash) {
	_, _ = h.Write([]byte(o.key())) // a hash never fails
}

// Hashcode implements gorgonia.Op.
func (o *operation) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

// key tells operations apart.
func (o *operation) key() string {
	return fmt.Sprintf("sluice %d %d %v %g %d %v %v", o.op, o.act, o.forward, o.con, o.layer, o.in, o.out)
}

func (o *operation) String() string { return o.op.String() }

// DiffWRT implements gorgonia.SDOp. One entry an input, never nil: Gorgonia's analysis fails on nil even outside the loss.
func (o *operation) DiffWRT(int) []bool { return o.diff }

// put applies o to in and fills o.in. It returns an error where Gorgonia merged the node with a different one: its AddNode compares
// 32-bit hashes, types and shapes but neither children nor fields.
func put(o operation, in ...*gorgonia.Node) (*gorgonia.Node, error) {
	op := &o
	for _, n := range in {
		op.in = append(op.in, n.Shape().Clone())
	}
	if op.diff == nil {
		op.diff = make([]bool, len(in))
	}
	n, err := gorgonia.ApplyOp(op, in...)
	if err != nil {
		return nil, err
	}
	got, ok := n.Op().(*operation)
	if !ok || got.key() != op.key() {
		return nil, fmt.Errorf("graph: %v: hash collision with %v", op, n.Op())
	}
	if !slices.Equal(childrenOf(n), in) {
		return nil, fmt.Errorf("graph: %v: hash collision of operands", op)
	}
	return n, nil
}

// differentiable says that a gradient flows to all n inputs.
func differentiable(n int) []bool {
	d := make([]bool, n)
	for i := range d {
		d[i] = true
	}
	return d
}

// childrenOf are n's operands in order, repeated ones repeated. ExprGraph.To would merge those.
func childrenOf(n *gorgonia.Node) []*gorgonia.Node {
	it := n.Graph().From(n.ID())
	if it == nil {
		return nil
	}
	var out []*gorgonia.Node
	for _, c := range graph.NodesOf(it) {
		out = append(out, c.(*gorgonia.Node))
	}
	return out
}
