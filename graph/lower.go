package graph

import (
	"fmt"
	"slices"
	"strings"

	"gorgonia.org/gorgonia"
)

// This file lowers a graph to a Plan.

// Named is a symbol a caller will ask for by name.
type Named struct {
	Name string
	Node Node
}

// Want is what a Plan is to compute.
type Want struct {
	Policy  Node         // [rows, Actions]: the forward logits actions are drawn from
	Loss    Node         // a scalar, to be differentiated by every parameter; the zero Node: none
	Heads   []Named      // per row, functions of the state alone: what Eval can be asked for
	Outputs []Named      // per trajectory or scalar: what can be read after Close
	Reward  *RewardTable // the reward, if it is data; nil: none
}

// Lower makes a Plan of the graph. A graph may be lowered any number of times without a loss, and once with one: a second
// gorgonia.Grad over shared nodes silently gives wrong gradients. With a loss, every parameter of the Builder must be reached by it.
func (b *Builder) Lower(w Want) (*Plan, error) {
	if b.err != nil {
		return nil, b.err
	}
	if err := b.checkWant(w); err != nil {
		return nil, err
	}
	building.Lock()
	defer building.Unlock()
	b.lowered = true
	p := &Plan{World: b.world, Params: slices.Clone(b.params), GradLen: b.params.Len(), Reward: w.Reward}
	r := &reader{fixed: b.fixed, world: b.world, seen: map[*gorgonia.Node]*value{}}

	policy, err := r.read(w.Policy.n)
	if err != nil {
		return nil, err
	}
	roots := []*value{policy}
	var loss *value
	if w.Loss.Valid() {
		if loss, err = r.read(w.Loss.n); err != nil {
			return nil, err
		}
		roots = append(roots, loss)
	}
	heads, outputs := make([]*value, len(w.Heads)), make([]*value, len(w.Outputs))
	for i, h := range w.Heads {
		if heads[i], err = r.read(h.Node.n); err != nil {
			return nil, err
		}
		heads[i].head = true
	}
	for i, o := range w.Outputs {
		if outputs[i], err = r.read(o.Node.n); err != nil {
			return nil, err
		}
	}
	roots = append(append(roots, heads...), outputs...)
	forwardRoots := len(roots)
	if loss != nil {
		grads, err := b.derive(w.Loss.n, r)
		if err != nil {
			return nil, err
		}
		c, err := contribute(b.params, grads)
		if err != nil {
			return nil, err
		}
		p.GradLen, p.Folds, p.LaneGrads, p.CloseGrads = c.gradLen, c.folds, c.laneGrads, c.closeGrads
		roots = append(roots, c.roots...)
	}

	fuse(roots)
	order, _ := walk(roots)
	forward, _ := walk(roots[:forwardRoots])
	if err := place(order, len(forward)); err != nil {
		return nil, err
	}
	for i, h := range w.Heads {
		if heads[i].entry != inStep || heads[i].op == OpLogProb {
			return nil, fmt.Errorf("graph: Lower: head %q is not a function of the row's state alone", h.Name)
		}
	}
	if err := assemble(p, order, policy); err != nil {
		return nil, err
	}
	if loss != nil {
		p.Loss = loss.ref
	}
	for i, h := range w.Heads {
		p.Heads = append(p.Heads, Output{h.Name, heads[i].ref})
	}
	for i, o := range w.Outputs {
		p.Outputs = append(p.Outputs, Output{o.Name, outputs[i].ref})
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("graph: Lower made a broken plan: %w", err)
	}
	return p, nil
}

// assemble lays values out and writes the entries.
func assemble(p *Plan, order []*value, policy *value) error {
	var step, closing, backward []*value
	for _, v := range order {
		list := &step
		switch v.entry {
		case nowhere:
			continue
		case inClose:
			list = &closing
		case inBackward:
			list = &backward
		}
		v.at = len(*list)
		*list = append(*list, v)
	}
	if err := layout(p, step, closing, backward); err != nil {
		return err
	}
	for _, v := range step {
		p.Step = emit(p.Step, v)
		if v == policy { // walked first, so exactly its operands are before it
			p.Step = append(p.Step, Instr{Op: OpSample, Space: PerRow, A: v.ref, N: v.cols})
		}
	}
	for _, v := range closing {
		p.Close = emit(p.Close, v)
	}
	for _, v := range backward {
		p.Backward = emit(p.Backward, v)
	}
	return nil
}

// derive runs gorgonia.Grad and reads the gradients, in the order of the parameters.
func (b *Builder) derive(loss *gorgonia.Node, r *reader) ([]*value, error) {
	if b.derived {
		return nil, errDerived
	}
	if lost := b.unreached(loss); len(lost) > 0 {
		return nil, fmt.Errorf("graph: Lower: the loss does not reach parameter %s (%s)", strings.Join(lost, ", "), caller())
	}
	b.derived = true
	grads, err := gorgonia.Grad(loss, b.wrt...)
	if err != nil {
		return nil, fmt.Errorf("graph: Lower: %w", err)
	}
	out := make([]*value, len(grads))
	for i, g := range grads {
		if out[i], err = r.read(g); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// unreached names the parameters no gradient of loss flows to.
func (b *Builder) unreached(loss *gorgonia.Node) []string {
	seen := map[*gorgonia.Node]bool{}
	var visit func(n *gorgonia.Node)
	visit = func(n *gorgonia.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		if op, ok := n.Op().(*operation); ok {
			for i, c := range childrenOf(n) {
				if op.diff[i] {
					visit(c)
				}
			}
		}
	}
	visit(loss)
	var lost []string
	for i, n := range b.wrt {
		if !seen[n] {
			lost = append(lost, b.params[i].Name)
		}
	}
	return lost
}

// checkWant refuses what cannot be lowered whatever the graph.
func (b *Builder) checkWant(w Want) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("graph: Lower: %s (%s)", fmt.Sprintf(format, args...), caller())
	}
	mine := func(n Node) bool { return n.Valid() && n.n.Graph() == b.g }
	switch {
	case !mine(w.Policy) || !w.Policy.matrix() || w.Policy.cols != b.world.Actions:
		return bad("the policy is %v, the world wants [rows, %d]", w.Policy, b.world.Actions)
	case w.Loss.Valid() && (!mine(w.Loss) || w.Loss.space != PerBatch):
		return bad("the loss is %v", w.Loss)
	case w.Loss.Valid() && len(b.params) == 0:
		return bad("a loss without parameters")
	}
	names := map[string]bool{}
	for _, h := range w.Heads {
		if !mine(h.Node) || h.Node.space != PerRow || names[h.Name] {
			return bad("head %q is %v, or a name used before", h.Name, h.Node)
		}
		names[h.Name] = true
	}
	for _, o := range w.Outputs {
		if !mine(o.Node) || o.Node.space != PerTraj && o.Node.space != PerBatch || names[o.Name] {
			return bad("output %q is %v, or a name used before", o.Name, o.Node)
		}
		names[o.Name] = true
	}
	if w.Reward != nil {
		if err := w.Reward.Validate(b.world.Ints, b.world.Values); err != nil {
			return fmt.Errorf("%w (%s)", err, caller())
		}
	}
	return nil
}
