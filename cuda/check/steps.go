package main

import (
	"fmt"
	"slices"
)

// This file estimates the kernel that goes through the steps of a rollout by itself. A step cannot begin before the one before it has
// ended, so times of steps add up, and what is counted is one step of one block.
//
// Lengths are taken as spread evenly from 0 to twice the average, the longest trajectory having twice the average, and alike in all
// blocks: at step t of T a block of R rows has R(1 - t/T) left. A step of walk takes
//
//	max(product, stream) + between
//	product = multiply-adds of a warp over their share of the loop, times the warps that have live rows on the busiest scheduler;
//	          one warp alone takes 1.3 cycles an instruction
//	stream  = every weight once a block from the second-level cache, whoever lives
//	between = the other instructions: gather, head and bookkeeping at 2.5 cycles each, for all warps do them and have several chains;
//	          the draw and the move at 5, one warp having them; and five round trips to memory, one after the other

const (
	countedSteps = 77 // of the longest trajectory, as in cuda/testdata/launches.txt
	trips        = 5  // of a step: states, rows of the first layer, the first tile, the head, the move
)

func (l launched) steps(costs []counters) (t timed, err error) {
	t.launched = l
	of := map[string]counters{}
	for _, name := range []string{"walk", "sample", "moves"} {
		i := slices.IndexFunc(costs, func(c counters) bool { return c.kernel == name })
		if i < 0 {
			return t, fmt.Errorf("nothing is known of kernel %q", name)
		}
		of[name] = costs[i]
	}
	c, warps := of["walk"], float64(l.threads)/32
	draw := of["sample"].instructions + of["moves"].instructions
	product := c.multiplies / leastShareWalk
	others := c.instructions - product - draw/warps
	between := (2.5*others+alone("sample")*draw)/card.clock + card.ramp*trips/3
	stream := float64(l.blocks) * 4 * c.multiplies * 32 * warps / c.rows / card.second
	sums := map[string]float64{"chain": card.ramp}
	for step := range countedSteps {
		groups := ceil(c.rows * (1 - float64(step)/countedSteps) / 8)
		issue := product * max(ceil(groups*2/4)/card.plan, alone("linear_128x64")) / card.clock
		sums["chain"] += between
		if issue > stream {
			sums["issue"] += issue
		} else {
			sums["cache"] += stream
		}
	}
	most := 0.0
	for _, bound := range []string{"issue", "cache", "chain"} {
		t.seconds += sums[bound]
		if sums[bound] > most {
			most, t.bound = sums[bound], bound
		}
	}
	return t, nil
}
