package graph

import (
	"cmp"
	"fmt"
	"slices"
)

// This file says where the gradient of each parameter is summed.

// contributions are the instructions that write Grad, and what the Plan says about them.
type contributions struct {
	roots                 []*value // last parameter first: a layer's gradients come before those of the layers below it
	laneGrads, closeGrads []Range
	folds                 []Fold
	gradLen               int
}

// contribute makes the writing values of each parameter's gradient. grads[i] belongs to params[i]. A parameter that k layers share
// has k terms, in the order in which the layers were made: the first is summed in its own place, the others beyond Params.Len(),
// whence a Fold adds them.
func contribute(params Params, grads []*value) (contributions, error) {
	c := contributions{gradLen: params.Len()}
	layers := map[int64]*value{}
	for i, p := range slices.Backward(params) {
		list := slices.Clone(leaves(grads[i], nil))
		slices.SortStableFunc(list, func(a, b *value) int { return cmp.Compare(a.layer, b.layer) })
		own := Range{p.Offset, p.Size()}
		for k, t := range list {
			ref := Ref{Grad, own.Off, own.Len}
			if k > 0 {
				ref.Off = c.gradLen
				c.gradLen += align(own.Len)
				c.folds = append(c.folds, Fold{Dst: own.Off, Src: ref.Off, Len: own.Len})
			}
			switch t.op {
			case OpSum:
				if len(list) > 1 {
					return c, fmt.Errorf("graph: Lower: %s has %d gradient terms across rows", p.Name, len(list))
				}
				c.roots = append(c.roots, &value{op: OpSum, in: t.in, space: PerTraj, cols: 1, ref: ref})
			case OpLinearGrad, OpGatherGrad, opBiasGrad:
				v := layers[t.layer]
				if v == nil {
					v = &value{layer: t.layer, space: PerParam}
					layers[t.layer] = v
					c.roots = append(c.roots, v)
				}
				if t.op == opBiasGrad {
					v.biasG, v.cols = ref, ref.Cols
					if v.in == nil {
						v.in = t.in
					}
				} else {
					v.op, v.in, v.k, v.ref = t.op, t.in, t.k, ref
				}
			default:
				return c, fmt.Errorf("graph: Lower: the gradient of %s is a %v", p.Name, t.op)
			}
		}
		if list[0].op == OpSum {
			c.closeGrads = append(c.closeGrads, own)
		} else {
			c.laneGrads = append(c.laneGrads, own)
		}
	}
	slices.Reverse(c.laneGrads)
	slices.Reverse(c.closeGrads)
	for _, v := range c.roots {
		if v.space == PerParam && (v.ref.Class != Grad || v.biasG.Class != Grad) {
			return c, fmt.Errorf("graph: Lower: a layer's gradient has only one of weight and bias")
		}
	}
	return c, nil
}

// leaves are the terms of a gradient sum.
func leaves(v *value, dst []*value) []*value {
	if !v.sum {
		return append(dst, v)
	}
	for _, t := range v.in {
		dst = leaves(t, dst)
	}
	return dst
}
