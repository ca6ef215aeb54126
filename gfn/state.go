package gfn

import "github.com/sluice-ml/sluice/nn/optim"

// This file is a training run at rest.

// State is a training run at rest: with the same Job it goes on to the same bits. Every random draw is keyed by seed and
// iteration, so the iteration is the position of every random stream.
type State struct {
	Iteration    int
	Trajectories int64
	Transitions  int64
	Params       []Tensor    // in the order they were built
	Moments      []Tensor    // "m." and "v." before the parameter's name; none for SGD
	Optim        optim.State // running products of the bias corrections
}
