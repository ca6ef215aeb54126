package gfn

import (
	"errors"
	"fmt"
	"math"
	"strings"

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
	return e.Finding() + fmt.Sprintf("; to replay it, train with seed %d and stop before iteration %d", e.Seed, e.Iteration)
}

// Finding is the error without the advice, for a caller that has a better one.
func (e *DivergedError) Finding() string {
	s := fmt.Sprintf("gfn: iteration %d: the %s is %v", e.Iteration, e.What, e.Value)
	if e.Layer != "" {
		s += fmt.Sprintf(", first in %s", e.Layer)
	}
	if e.Trajectory >= 0 {
		s += fmt.Sprintf(", first in trajectory %d, which ends in %s with log R %v, log P_F %v, log P_B %v", e.Trajectory, e.State, e.LogR, e.LogPF, e.LogPB)
		if math.IsInf(e.LogR, -1) {
			s += " (R is 0 there, which a balance that takes log R cannot meet)"
		}
	}
	return s
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

// named adds the iteration, and puts a device's error into the world's words.
func (t *Trainer) named(err error) error {
	return fmt.Errorf("gfn: iteration %d: %w", t.iteration, describe(err, t.model.job.World))
}

// describe puts a device's error about a state into the world's own text of that state. errors.As still finds the device's, but for
// a state without actions, which is a *world.NoActionError.
func describe(err error, w world.World) error {
	var none *graph.NoActionError
	var given *graph.GivenError
	var broken *graph.WorldError
	switch {
	case errors.As(err, &none):
		return fmt.Errorf("trajectory %d, step %d: %w", none.Trajectory, none.Step, &world.NoActionError{State: world.Text(w, none.State)})
	case errors.As(err, &given):
		what := fmt.Sprintf("action %d at step %d is not allowed in state %s", given.Action, given.Step, world.Text(w, given.State))
		if given.Action < 0 {
			what = fmt.Sprintf("the actions end at step %d, before the trajectory does, in state %s", given.Step, world.Text(w, given.State))
		}
		return &reworded{fmt.Sprintf("given trajectory %d: %s", given.Trajectory, what), err}
	case errors.As(err, &broken):
		promise := broken.Promise
		if strings.HasPrefix(promise, "the trajectory ends within") { // as graph.WorldError has it
			promise += " (Spec.Steps)"
		}
		return &reworded{fmt.Sprintf("trajectory %d, step %d, state %s: the world promised that %s", broken.Trajectory, broken.Step,
			world.Text(w, broken.State), promise), err}
	}
	return err
}

// reworded is an error that says in other words what it wraps.
type reworded struct {
	text string
	err  error
}

func (e *reworded) Error() string { return e.text }

func (e *reworded) Unwrap() error { return e.err }
