package gfn

import (
	"errors"
	"fmt"

	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
)

// This file is what can go wrong while training, in the words of the world it goes wrong in.

// DivergedError is the first loss or gradient that is not finite. The parameters are those before the iteration.
type DivergedError struct {
	What       string  // "loss" or "gradient"
	Value      float64 // NaN or an infinity
	Iteration  int     // the iteration that failed, from 0
	Trajectory int     // the first whose log R, log P_F or log P_B is not finite; -1 if all of these are finite
	State      string  // the object that trajectory ends in
	LogR       float64 // of that trajectory, as are the next two
	LogPF      float64
	LogPB      float64
	Layer      string // the first tensor whose gradient is not finite; "" if the loss failed before there was one
	Seed       uint64
}

func (e *DivergedError) Error() string {
	s := fmt.Sprintf("gfn: iteration %d: the %s is %v", e.Iteration, e.What, e.Value)
	if e.Layer != "" {
		s += fmt.Sprintf(", first in %s", e.Layer)
	}
	if e.Trajectory >= 0 {
		s += fmt.Sprintf(", first in trajectory %d, which ends in %s with log R %v, log P_F %v, log P_B %v", e.Trajectory, e.State, e.LogR, e.LogPF, e.LogPB)
	}
	return s + fmt.Sprintf("; to replay it, train with seed %d and stop before iteration %d", e.Seed, e.Iteration)
}

// diverged looks for the trajectory and the layer to blame.
func (t *Trainer) diverged(what string, value float64, batch graph.Batch) error {
	e := &DivergedError{What: what, Value: value, Iteration: t.iteration, Trajectory: -1, Seed: t.model.job.Seed}
	given := make([][]int32, batch.Count)
	for i := range given {
		given[i] = t.program.Actions(nil, i)
	}
	if logPF, logPB, err := t.policy.sums(given); err == nil {
		for i := range given {
			if !finite(logPF[i]) || !finite(logPB[i]) || !finite(float64(t.logR[i])) {
				n := t.model.spec.Ints
				e.Trajectory, e.State = i, world.Text(t.model.job.World, batch.Terminal[i*n:(i+1)*n])
				e.LogR, e.LogPF, e.LogPB = float64(t.logR[i]), logPF[i], logPB[i]
				break
			}
		}
	}
	if what == "gradient" {
		ps := t.model.train.Params
		g := make([]float64, ps.Len())
		t.grads.Read(g, 0)
		for _, p := range ps {
			for _, v := range g[p.Offset : p.Offset+p.Size()] {
				if !finite(v) && e.Layer == "" {
					e.Layer = p.Name
				}
			}
		}
	}
	return e
}

// named adds the iteration, and to a device's error the text of the state it happened in.
func (t *Trainer) named(err error) error {
	return fmt.Errorf("gfn: iteration %d: %w", t.iteration, describe(err, t.model.job.World))
}

func describe(err error, w world.World) error {
	var none *graph.NoActionError
	var given *graph.GivenError
	switch {
	case errors.As(err, &none):
		return fmt.Errorf("trajectory %d, step %d: %w", none.Trajectory, none.Step, &world.NoActionError{State: world.Text(w, none.State)})
	case errors.As(err, &given):
		return fmt.Errorf("in state %s: %w", world.Text(w, given.State), err)
	}
	return err
}
