package optim

import (
	"fmt"
	"math"
)

// This file is values that change over iterations: rates, exploration.

// A Schedule is a value at every iteration, written as points in order of At. From a point on the value is that point's, until
// the next point; if that one is a Ramp, the value moves towards it on a straight line. After the last point it stays.
//
//	[{At: 0, Value: 1}, {At: 100, Value: 0, Ramp: true}]   // 1 at iteration 0, .5 at 50, 0 from 100 on
//
// The points are the wire form too. A nil Schedule is 0 everywhere.
type Schedule []Point

// Point is one corner of a Schedule.
type Point struct {
	At    int     `json:"at" toml:"at"`                         // iteration, counted from 0
	Value float64 `json:"value" toml:"value"`                   // from At on
	Ramp  bool    `json:"ramp,omitempty" toml:"ramp,omitempty"` // reach Value on a line from the point before, not in a jump
}

// Constant is v at every iteration.
func Constant(v float64) Schedule { return Schedule{{Value: v}} }

// Steps is v0 before iteration at and v1 from it on.
func Steps(v0 float64, at int, v1 float64) Schedule {
	if at <= 0 {
		return Constant(v1)
	}
	return Schedule{{Value: v0}, {At: at, Value: v1}}
}

// Linear goes from v0 at iteration 0 to v1 at iteration until on a straight line and stays there.
func Linear(v0, v1 float64, until int) Schedule {
	if until <= 0 {
		return Constant(v1)
	}
	return Schedule{{Value: v0}, {At: until, Value: v1, Ramp: true}}
}

// At is the value at an iteration.
func (s Schedule) At(iteration int) float64 {
	if len(s) == 0 {
		return 0
	}
	i := 0
	for i+1 < len(s) && s[i+1].At <= iteration {
		i++
	}
	from := s[i]
	if i+1 == len(s) || !s[i+1].Ramp || iteration <= from.At {
		return from.Value
	}
	to := s[i+1]
	t := float64(iteration-from.At) / float64(to.At-from.At)
	// The conversion keeps the product and the sum apart: a compiler that fuses them would give other rates on other machines.
	return from.Value + float64((to.Value-from.Value)*t)
}

// Bounds are the smallest and the largest value over all iterations; they are reached at points.
func (s Schedule) Bounds() (lo, hi float64) {
	if len(s) == 0 {
		return 0, 0
	}
	lo, hi = s[0].Value, s[0].Value
	for _, p := range s[1:] {
		lo, hi = min(lo, p.Value), max(hi, p.Value)
	}
	return lo, hi
}

// Validate names the first point that cannot be used.
func (s Schedule) Validate() error {
	for i, p := range s {
		switch {
		case i == 0 && p.At != 0:
			return fmt.Errorf("optim: point 0 of the schedule is at iteration %d, want 0", p.At)
		case i == 0 && p.Ramp:
			return fmt.Errorf("optim: point 0 of the schedule is a ramp, but no point is before it")
		case i > 0 && p.At <= s[i-1].At:
			return fmt.Errorf("optim: point %d of the schedule is at iteration %d, not after iteration %d", i, p.At, s[i-1].At)
		case math.IsNaN(p.Value) || math.IsInf(p.Value, 0):
			return fmt.Errorf("optim: point %d of the schedule has value %v, want a finite one", i, p.Value)
		}
	}
	return nil
}
