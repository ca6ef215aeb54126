package graph

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// This file is the builder: its inputs, its kept error, and how an operation enters the graph.

// building guards every change of a gorgonia.ExprGraph: gorgonia.Grad hashes a package-global constant, so graphs that have
// nothing to do with each other race.
var building sync.Mutex

// Builder builds one graph: parameters, a policy, and at most one loss. Methods return the zero Node after the first mistake, and Err
// tells it, with the operation, the shapes and the caller's line; so a formula is written without error checks.
// A Builder serves one goroutine; several Builders may be used at a time.
type Builder struct {
	world  Shape
	g      *gorgonia.ExprGraph
	err    error
	params Params
	wrt    gorgonia.Nodes         // the parameters' nodes, in order
	fixed  map[*gorgonia.Node]Ref // parameters and data

	lowered bool // no parameters can be added any more
	derived bool // Grad ran
}

// NewBuilder returns a Builder of programs that walk through world.
func NewBuilder(world Shape) *Builder {
	b := &Builder{world: world, g: gorgonia.NewGraph(), fixed: map[*gorgonia.Node]Ref{}}
	if world.Features < 1 || world.Active < 1 || world.Actions < 1 || world.Back < 0 {
		b.fail("NewBuilder", "a world of %d features, %d active, %d actions, %d undo actions",
			world.Features, world.Active, world.Actions, world.Back)
	}
	return b
}

// Err is the first mistake.
func (b *Builder) Err() error { return b.err }

// World is the world the Builder was made for.
func (b *Builder) World() Shape { return b.world }

// Params is the layout of the parameters declared so far.
func (b *Builder) Params() Params { return slices.Clone(b.params) }

// Param declares a parameter tensor of the given shape; no shape means one float. Names are unique. Offsets follow the order of
// calls, each a multiple of 16 floats.
func (b *Builder) Param(name, group string, init Init, shape ...int) Node {
	const op = "Param"
	if b.err != nil {
		return Node{}
	}
	switch {
	case name == "" || group == "":
		return b.fail(op, "%q of group %q needs both names", name, group)
	case slices.ContainsFunc(b.params, func(p ParamInfo) bool { return p.Name == name }):
		return b.fail(op, "%q is declared twice", name)
	case b.lowered:
		return b.fail(op, "%q comes after Lower; plans of one graph share their parameters", name)
	}
	for _, d := range shape {
		if d < 1 || d == rowExtent || d == trajExtent {
			return b.fail(op, "%q has shape %v", name, shape)
		}
	}
	p := ParamInfo{Name: name, Shape: slices.Clone(shape), Group: group, Offset: b.params.Len(), Init: init}
	b.params = append(b.params, p)
	return b.input("param."+name, tensor.Shape(shape), PerParam, Ref{Param, p.Offset, p.Size()})
}

// Data is what the rollout or the reward writes: LogPBUniform is [rows], LogR is [trajs].
func (b *Builder) Data(f Field) Node {
	if b.err != nil {
		return Node{}
	}
	switch f {
	case LogPBUniform:
		return b.input("data.log_pb_uniform", rowVector(), PerRow, Ref{RowData, f, 1})
	case LogR:
		return b.input("data.log_r", trajVector(), PerTraj, Ref{TrajData, f, 1})
	}
	return b.fail("Data", "no field %d", f)
}

// input adds a named input; asking again for the same name gives the same node.
func (b *Builder) input(name string, shape tensor.Shape, space Space, r Ref) Node {
	building.Lock()
	defer building.Unlock()
	var n *gorgonia.Node
	if len(shape) == 0 {
		n = gorgonia.NewScalar(b.g, gorgonia.Float32, gorgonia.WithName(name))
	} else {
		n = gorgonia.NewTensor(b.g, gorgonia.Float32, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...))
	}
	if old, ok := b.fixed[n]; ok && old != r {
		return b.fail("input", "hash collision of %s", name)
	} else if !ok {
		b.fixed[n] = r
		if r.Class == Param {
			b.wrt = append(b.wrt, n)
		}
	}
	return Node{n, space, r.Cols}
}

// put adds an operation on checked operands.
func (b *Builder) put(name string, o operation, in ...Node) Node {
	building.Lock()
	defer building.Unlock()
	nodes := make([]*gorgonia.Node, len(in))
	for i, n := range in {
		nodes[i] = n.n
	}
	if o.diff == nil {
		o.diff = differentiable(len(in))
	}
	n, err := put(o, nodes...)
	if err != nil {
		return b.fail(name, "%v", err)
	}
	space, cols := spaceOf(n.Shape())
	return Node{n, space, cols}
}

// usable says that nothing failed yet and that the operands are symbols of this Builder.
func (b *Builder) usable(op string, in ...Node) bool {
	if b.err != nil {
		return false
	}
	for i, n := range in {
		if !n.Valid() {
			b.fail(op, "operand %d is %w", i+1, ErrZeroNode)
			return false
		}
		if n.n.Graph() != b.g {
			b.fail(op, "operand %d, %v, belongs to another Builder", i+1, n)
			return false
		}
	}
	return true
}

// fail keeps the first error and returns the zero Node.
func (b *Builder) fail(op, format string, args ...any) Node {
	if b.err == nil {
		b.err = fmt.Errorf("graph: %s: %w (%s)", op, fmt.Errorf(format, args...), caller())
	}
	return Node{}
}

// caller is folder/file:line of the first frame outside this package.
func caller() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		inside := strings.HasPrefix(f.Function, "github.com/sluice-ml/sluice/graph.") && !strings.HasSuffix(f.File, "_test.go")
		if !inside && f.File != "" {
			file := filepath.ToSlash(f.File)
			return fmt.Sprintf("%s:%d", path.Join(path.Base(path.Dir(file)), path.Base(file)), f.Line)
		}
		if !more {
			return "unknown caller"
		}
	}
}

// ErrZeroNode is wrapped where an operand is a Node that nothing made.
var ErrZeroNode = errors.New("the zero Node")

// errDerived is returned for a second loss.
var errDerived = errors.New("graph: Lower: this graph has a loss already; a graph is differentiated once")
