package optim_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sluice-ml/sluice/nn/optim"
)

func TestScheduleByHand(t *testing.T) {
	s := optim.Schedule{{Value: 1}, {At: 10, Value: 3, Ramp: true}, {At: 20, Value: 7}, {At: 24, Value: -1, Ramp: true}}
	require.NoError(t, s.Validate())
	for at, want := range map[int]float64{-5: 1, 0: 1, 1: 1.2, 5: 2, 10: 3, 15: 3, 19: 3, 20: 7, 21: 5, 23: 1, 24: -1, 1 << 40: -1} {
		require.InDelta(t, want, s.At(at), 1e-15, "iteration %d", at)
	}
	require.Zero(t, optim.Schedule(nil).At(3))
	require.Equal(t, .25, optim.Constant(.25).At(99))
	steps := optim.Steps(1, 5, .1)
	require.Equal(t, []float64{1, .1}, []float64{steps.At(4), steps.At(5)})
	line := optim.Linear(1, 0, 4)
	require.Equal(t, []float64{1, .75, .5, .25, 0, 0}, []float64{line.At(0), line.At(1), line.At(2), line.At(3), line.At(4), line.At(5)})
	require.Equal(t, optim.Constant(2), optim.Linear(1, 2, 0), "reached before it starts")
	require.Equal(t, optim.Constant(2), optim.Steps(1, 0, 2))
}

// schedules draws valid schedules of one to six points.
func schedules(values *rapid.Generator[float64]) *rapid.Generator[optim.Schedule] {
	return rapid.Custom(func(t *rapid.T) optim.Schedule {
		s := optim.Schedule{{Value: values.Draw(t, "value")}}
		for at := 0; len(s) < rapid.IntRange(1, 6).Draw(t, "points"); {
			at += rapid.IntRange(1, 50).Draw(t, "gap")
			s = append(s, optim.Point{At: at, Value: values.Draw(t, "value"), Ramp: rapid.Bool().Draw(t, "ramp")})
		}
		return s
	})
}

func TestScheduleLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := schedules(rapid.Float64Range(-10, 10)).Draw(t, "schedule")
		require.NoError(t, s.Validate())
		lo, hi := s.Bounds()
		for i, p := range s {
			require.Equal(t, p.Value, s.At(p.At), "a point is its value")
			end := p.At + 60
			if i+1 < len(s) {
				end = s[i+1].At
			}
			ramp := i+1 < len(s) && s[i+1].Ramp
			for at := p.At + 1; at < end; at++ {
				v := s.At(at)
				require.True(t, v >= lo-1e-12 && v <= hi+1e-12, "within bounds")
				if !ramp {
					require.Equal(t, p.Value, v, "no ramp: constant up to the next point")
					continue
				}
				next := s[i+1]
				slope := (next.Value - p.Value) / float64(next.At-p.At)
				require.InDelta(t, slope, v-s.At(at-1), 1e-12, "a ramp has one slope")
				require.InDelta(t, slope, s.At(at+1)-v, 1e-12, "and ends in its point")
			}
		}
		data, err := json.Marshal(s)
		require.NoError(t, err)
		var back optim.Schedule
		require.NoError(t, json.Unmarshal(data, &back))
		require.Equal(t, s, back)
	})
}

func TestScheduleRefuses(t *testing.T) {
	for want, s := range map[string]optim.Schedule{
		"point 0 of the schedule is at iteration 3": {{At: 3, Value: 1}},
		"point 0 of the schedule is a ramp":         {{Value: 1, Ramp: true}},
		"not after iteration 5":                     {{Value: 1}, {At: 5, Value: 1}, {At: 5, Value: 2}},
		"has value NaN":                             {{Value: math.NaN()}},
		"has value +Inf":                            {{Value: 1}, {At: 2, Value: math.Inf(1)}},
	} {
		require.ErrorContains(t, s.Validate(), want)
	}
	require.NoError(t, optim.Schedule(nil).Validate())
}
