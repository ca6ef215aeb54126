package graph

import (
	"cmp"
	"slices"
)

// This file rewrites values so that one of them is one instruction as devices like it. Three rules:
//
//   - act(linear) and act(gather) are one instruction, if nothing else reads the linear part;
//   - Gorgonia's sum of gradient terms that are products dY_i·W_iᵀ is one chain of OpLinearBack, continued from product to product
//     in the order in which the layers were made; other terms are added afterwards, in Grad's order;
//   - ReLU's derivative of such a chain is the gate of its last product.

// fuse applies the rules to everything roots reach.
func fuse(roots []*value) {
	order, uses := walk(roots)
	absorbed := map[*value]bool{}
	for _, v := range slices.Backward(order) {
		if v.sum && !absorbed[v] {
			chain(v, uses, absorbed)
		}
	}
	order, uses = walk(roots)
	for _, v := range order {
		switch v.op {
		case OpActBack:
			if g := v.in[0]; v.act == ReLU && g.op == OpLinearBack && g.gate == nil && uses[g] == 1 {
				y := v.in[1]
				*v = value{op: OpLinearBack, in: g.in, gate: y, space: v.space, cols: v.cols, k: g.k, layer: g.layer}
			}
		case OpAct:
			if x := v.in[0]; (x.op == OpGather || x.op == OpLinear) && x.act == Identity && uses[x] == 1 {
				v.op, v.in, v.k, v.layer = x.op, x.in, x.k, x.layer
			}
		}
	}
}

// chain turns the gradient sum v into a chain of products and additions.
func chain(v *value, uses map[*value]int, absorbed map[*value]bool) {
	var products, others []*value
	for _, t := range terms(v, uses, absorbed) {
		if t.op == OpLinearBack && uses[t] == 1 {
			products = append(products, t)
		} else {
			others = append(others, t)
		}
	}
	slices.SortStableFunc(products, func(a, b *value) int { return cmp.Compare(a.layer, b.layer) })
	list := others
	if len(products) > 0 {
		c := products[0]
		if len(products) > 1 {
			c = &value{op: OpLinearBack, space: v.space, cols: v.cols, k: c.k, layer: c.layer}
			for _, p := range products {
				c.in = append(c.in, p.in...)
			}
		}
		list = append([]*value{c}, others...)
	}
	v.sum = false
	if len(list) == 1 {
		*v = *list[0]
		return
	}
	acc := list[0]
	for _, t := range list[1 : len(list)-1] {
		acc = &value{op: OpAdd, in: []*value{acc, t}, space: v.space, cols: v.cols}
	}
	v.in = []*value{acc, list[len(list)-1]}
}

// terms flattens v over the sums that only v reads, and marks those.
func terms(v *value, uses map[*value]int, absorbed map[*value]bool) []*value {
	var out []*value
	for _, t := range v.in {
		if t.sum && uses[t] == 1 {
			absorbed[t] = true
			out = append(out, terms(t, uses, absorbed)...)
		} else {
			out = append(out, t)
		}
	}
	return out
}

// walk lists what roots reach, operands first, and counts how often each value is read; a root is read once more by whoever wants it.
func walk(roots []*value) (order []*value, uses map[*value]int) {
	uses = map[*value]int{}
	seen := map[*value]bool{}
	var visit func(v *value)
	visit = func(v *value) {
		if seen[v] {
			return
		}
		seen[v] = true
		for _, x := range v.operands() {
			uses[x]++
			visit(x)
		}
		order = append(order, v)
	}
	for _, r := range roots {
		uses[r]++
		visit(r)
	}
	return order, uses
}
