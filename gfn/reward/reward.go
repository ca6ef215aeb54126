package reward

import "fmt"

// This file is the contract and the rewards that are plain functions.

// Reward is log R of finished objects. It is called with one batch at a time.
type Reward interface {
	// LogReward writes log R of the states s, ints registers each and one after the other, to dst, and returns it;
	// nil allocates. R = 0 is -Inf: allowed, though a balance that takes log R itself then has no finite loss. NaN and
	// +Inf are not allowed (see Check).
	LogReward(dst []float32, s []int32, ints int) ([]float32, error)
}

// Each lifts a function of one state that returns log R.
func Each(logR func(s []int32) float32) Reward { return each{logR} }

type each struct{ logR func(s []int32) float32 }

func (e each) LogReward(dst []float32, s []int32, ints int) ([]float32, error) {
	dst, err := room(dst, s, ints)
	if err != nil {
		return nil, err
	}
	for i := range dst {
		dst[i] = e.logR(s[i*ints : (i+1)*ints : (i+1)*ints])
	}
	return dst, nil
}

// room is a dst of one entry a state.
func room(dst []float32, s []int32, ints int) ([]float32, error) {
	if ints < 1 || len(s)%ints != 0 {
		return nil, fmt.Errorf("reward: %d registers are no whole number of states of %d", len(s), ints)
	}
	if dst == nil {
		dst = make([]float32, len(s)/ints)
	}
	if len(dst) != len(s)/ints {
		return nil, &CountError{Want: len(s) / ints, Got: len(dst)}
	}
	return dst, nil
}
