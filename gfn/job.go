package gfn

import (
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/nn"
	"github.com/sluice-ml/sluice/nn/optim"
)

// This file is what a training run is given and what it reports.

// A Job is everything one training run is made of. Fields are settings; zero is the documented default.
type Job struct {
	Device    graph.Device    // where it runs; required
	World     world.World     // what is built; required
	LogReward reward.Reward   // log R(x); required. The Device computes what is data (see reward.Data)
	Balance   balance.Balance // the loss; required
	Net       nn.MLP          // the torso every head shares; zero means two hidden layers of 128
	Backward  Backward        // the backward policy; zero means uniform over the parents
	Optim     optim.Optimiser // nil means Adam, rate 1e-3, log Z 100 times that, no clipping
	Explore   optim.Schedule  // probability that an action is uniform over the allowed ones; nil means 0

	Batch      int    // trajectories an iteration; 0 means DefaultBatch
	Iterations int    // 0 means DefaultIterations
	Seed       uint64 // of every draw and every initial parameter

	Limit   int            // largest number of states judged exactly; 0 means world.DefaultLimit, 2,000,000
	Observe func(Progress) // called after every iteration by Train, from its goroutine; nil: nobody watches
}

// What a Job's zero Batch and Iterations mean.
const (
	DefaultBatch      = 32
	DefaultIterations = 1000
)

// Backward says where log P_B comes from.
type Backward uint8

const (
	Uniform Backward = iota // 1/n over the n undo actions of a state
	Learned                 // a head on the shared torso; where Spec.Backward is 1 there is no choice to learn and it is Uniform
)

// Progress is what one iteration showed.
type Progress struct {
	Iteration     int     // finished iterations, from 1
	Trajectories  int64   // trajectories seen so far
	Transitions   int64   // steps taken so far
	Loss          float64 // of this batch, before its update
	LogZ          float64 // the learned log Z after the update; NaN where the balance has no such parameter
	GradNorm      float64 // global norm before clipping
	MeanLogReward float64 // of this batch
	MeanLength    float64 // steps a trajectory of this batch
	Epsilon       float64 // exploration used
	Rate          float64 // the policy group's rate used
}
