package reward

import (
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
)

// This file is rewards that are data, so that the device that holds the objects computes them by itself.

// Data is r over the objects of w as data, with the bits of LogReward; nil if r is code or does not fit w. Then LogReward is asked for every
// batch, and says what is wrong if something is.
//
// A Hypergrid and a Table are data, if they are that very type: one that embeds them and has a LogReward of its own is code. A device keeps
// a copy, so a Table must not change while a job runs.
func Data(r Reward, w world.World) *graph.RewardTable {
	var t *graph.RewardTable
	switch r := r.(type) {
	case Hypergrid:
		t = r.data(w)
	case Table:
		t = r.data(w)
	}
	if t == nil {
		return nil
	}
	spec := w.Spec()
	if t.Validate(spec.Ints, spec.Values) != nil { // it holds what Check would refuse: LogReward says in which state, if it comes to that
		return nil
	}
	return t
}
