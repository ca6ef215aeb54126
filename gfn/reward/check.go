package reward

import (
	"fmt"
	"math"

	"github.com/sluice-ml/sluice/gfn/world"
)

// This file is the guard between a reward and everything that believes it.

// ValueError is a log R that no model can be proportional to: NaN or +Inf.
type ValueError struct {
	Index int    // in the batch
	State string // its text
	Value float32
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("reward: log R of state %s is %v", e.State, e.Value)
}

// CountError is a reward that does not answer state by state.
type CountError struct {
	Want, Got int
	State     string // the first state without a value or, where there are too many values, the last state; may be empty
}

func (e *CountError) Error() string {
	switch {
	case e.State == "":
		return fmt.Sprintf("reward: %d values for %d states", e.Got, e.Want)
	case e.Got < e.Want:
		return fmt.Sprintf("reward: %d values for %d states, none for state %s", e.Got, e.Want, e.State)
	}
	return fmt.Sprintf("reward: %d values for %d states, the last of them %s", e.Got, e.Want, e.State)
}

// Check is r.LogReward, refusing NaN (*ValueError), +Inf (*ValueError) and a wrong number of values (*CountError). w
// names the states; without it they are named by their registers.
func Check(r Reward, dst []float32, s []int32, ints int, w world.World) ([]float32, error) {
	dst, err := room(dst, s, ints)
	if err != nil {
		return nil, err
	}
	n := len(dst)
	logR, err := r.LogReward(dst, s, ints)
	if err != nil {
		return nil, err
	}
	if len(logR) != n {
		e := &CountError{Want: n, Got: len(logR)}
		if n > 0 {
			at := min(len(logR), n-1)
			e.State = world.Text(w, s[at*ints:(at+1)*ints])
		}
		return nil, e
	}
	for i, v := range logR {
		if v != v || math.IsInf(float64(v), 1) {
			return nil, &ValueError{Index: i, State: world.Text(w, s[i*ints:(i+1)*ints]), Value: v}
		}
	}
	return logR, nil
}
