package run

import (
	"math"
	"time"

	"github.com/sluice-ml/sluice/gfn"
)

// This file is what a run shows of itself while it goes, and how fast it goes.

// Status is where a run is. NaN is not known.
type Status struct {
	Iteration, Iterations int
	Trajectories          int64
	Loss                  float64
	LogZ, LogZTrue        float64
	TV                    float64       // at the last exact evaluation
	TrajPerSec            float64       // lately
	Left                  time.Duration // at this pace; negative: not known
	Judged                bool          // TV and log Z are of this iteration
	ExactOff              string        // why there is no TV
}

// Watcher sees a run go by. Calls come from one goroutine.
type Watcher interface {
	See(Status) // after every iteration; returns at once unless it is time to show something
	Done()      // the last iteration is over, or the run was stopped
}

func (s *Status) see(p gfn.Progress, m *meter) {
	s.Iteration, s.Trajectories, s.Loss = p.Iteration, p.Trajectories, p.Loss
	if !math.IsNaN(p.LogZ) {
		s.LogZ = p.LogZ
	}
	perIteration := 0.0
	s.TrajPerSec, perIteration = m.rates()
	s.Left = -1
	if perIteration > 0 {
		s.Left = time.Duration(perIteration * float64(s.Iterations-s.Iteration) * float64(time.Second))
	}
}

// meterWindow is how far back the pace is measured: long enough to be steady, short enough to follow trajectories that get longer.
const (
	meterWindow = 5 * time.Second
	meterMark   = meterWindow / 20
)

// meter measures the pace over the last meterWindow.
type meter struct {
	marks []mark // at least meterMark apart
	now   mark
}

type mark struct {
	at           time.Time
	iteration    int
	trajectories int64
}

func (m *meter) add(at time.Time, iteration int, trajectories int64) {
	m.now = mark{at, iteration, trajectories}
	if n := len(m.marks); n > 0 && at.Sub(m.marks[n-1].at) < meterMark {
		return
	}
	m.marks = append(m.marks, m.now)
	for len(m.marks) > 2 && at.Sub(m.marks[1].at) > meterWindow {
		m.marks = m.marks[1:]
	}
}

// rates are trajectories a second and seconds an iteration; NaN and 0 before there is anything to measure.
func (m *meter) rates() (trajPerSec, secPerIteration float64) {
	if len(m.marks) == 0 {
		return math.NaN(), 0
	}
	from := m.marks[0]
	sec := m.now.at.Sub(from.at).Seconds()
	if n := m.now.iteration - from.iteration; n > 0 && sec > 0 {
		return float64(m.now.trajectories-from.trajectories) / sec, sec / float64(n)
	}
	return math.NaN(), 0
}
