package gfn

import (
	"errors"
	"fmt"

	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
)

// DivergedError is the first loss or gradient that is not finite. The parameters are those before the iteration.
type DivergedError struct {
	What       string  // "loss" or "gradient"
	Value      float64 // NaN or an infinity
	Iteration  int     // the iteration that failed, from 0
	Trajectory int     // the first whose log P_F or log P_B is not finite; -1 if all are
	State      string  // the object that trajectory ends in
	Layer      string  // the first tensor whose gradient is not finite; "" if the loss failed before there was one
	Seed       uint64
}

func (e *DivergedError) Error() string {
	s := fmt.Sprintf("gfn: iteration %d: the %s is %v", e.Iteration, e.What, e.Value)
	if e.Layer != "" {
		s += fmt.Sprintf(", first in %s", e.Layer)
	}
	if e.Trajectory >= 0 {
		s += fmt.Sprintf(", first in trajectory %d, which ends in %s", e.Trajectory, e.State)
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
	if errors.As(err, &none) {
		return fmt.Errorf("trajectory %d, step %d: %w", none.Trajectory, none.Step, &world.NoActionError{State: world.Text(w, none.State)})
	}
	return err
}
