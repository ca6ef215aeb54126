package graph

import (
	"fmt"
	"slices"
)

// This file decides in which entry each value is computed.
//
// A forward value is in Step if it is per row and a function of the state alone, or the log-probability of an action; every other one
// is in Close. In particular sums of log-probabilities, and what reads the rollout's log P_B, which is known only after the move, are
// in Close: but for OpSample and OpLogProb, every Step instruction can be run at any states.
//
// A gradient value is in Close if it crosses rows, is per trajectory or per batch, or if such a value reads it; else in Backward.

// place sets entries and users. order has operands first; its first forward values are no gradients.
func place(order []*value, forward int) error {
	for _, v := range order {
		for i, x := range v.operands() {
			if !slices.Contains(v.operands()[:i], x) {
				x.users = append(x.users, v)
			}
		}
	}
	for _, v := range order[:forward] {
		if v.op == opInput {
			continue
		}
		v.entry = inStep
		if v.space != PerRow || crossesRows(v.op) {
			v.entry = inClose
		}
		for _, x := range v.in {
			if x.entry == inClose || x.ref.Class == RowData || x.op == OpLogProb {
				v.entry = inClose
			}
		}
	}
	for i := len(order) - 1; i >= forward; i-- {
		v := order[i]
		if v.op == opInput {
			continue
		}
		v.entry = inBackward
		if v.space == PerTraj || v.space == PerBatch || crossesRows(v.op) {
			v.entry = inClose
		}
		for _, u := range v.users {
			if u.entry == inClose {
				v.entry = inClose
			}
		}
	}
	for _, v := range order {
		if v.entry == inClose && v.cols != 1 {
			return fmt.Errorf("graph: Lower: %v of %d columns cannot be computed across rows", v.op, v.cols)
		}
	}
	return nil
}

func crossesRows(op Op) bool {
	switch op {
	case OpConst: // reads no row either
		return true
	case OpSpreadT, OpNext, OpNextBack, OpNextFlow, OpNextFlowBack, OpFirstBack:
		return true
	}
	return false
}
