package reward

import (
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
)

// This file is rewards that are data, so that the device that holds the objects scores them by itself.

// Scorer is a Reward that may be data. It is discovered by type assertion.
type Scorer interface {
	// Score is log R of every object of w as data, with the bits of LogReward, or nil: then LogReward is asked, once an
	// iteration, and says what is wrong. A device keeps a copy of a Score, so what it is made of must not change while a
	// job runs.
	//
	// Embedding a Scorer inherits its Score. A type that does so and has a LogReward of its own needs a Score of its own, too.
	Score(w world.World) *graph.Score
}

// mostKeys bounds the tables that are made for a device: 16 MiB of log R.
const mostKeys = 1 << 22

// fitting is s, or nil if it holds what Check would refuse: LogReward then says in which state, if it comes to that.
func fitting(s *graph.Score, w world.World) *graph.Score {
	spec := w.Spec()
	if s.Validate(spec.Ints, spec.Values) != nil {
		return nil
	}
	return s
}
