package run

import (
	"log/slog"
	"math"
	"time"
)

// This file is watching a run by log lines.

// logger is log lines, for pipes and files.
type logger struct {
	log   *slog.Logger
	now   func() time.Time
	shown time.Time
	off   bool // said why exact metrics are off
}

// NewLogger watches by log lines: one at every evaluation, and one every two seconds in between.
func NewLogger(log *slog.Logger) Watcher { return &logger{log: log, now: time.Now} }

const logPause = 2 * time.Second

func (l *logger) See(s Status) {
	if s.ExactOff != "" && !l.off {
		l.off = true
		l.log.Warn("exact metrics are off", "reason", s.ExactOff)
	}
	now := l.now()
	if !s.Judged && now.Sub(l.shown) < logPause {
		return
	}
	l.shown = now
	attrs := []any{"iteration", s.Iteration, "of", s.Iterations}
	number := func(key string, v float64, digits int) {
		if !math.IsNaN(v) {
			attrs = append(attrs, key, rounded(v, digits))
		}
	}
	number("loss", s.Loss, 4)
	number("log_z", s.LogZ, 6)
	number("log_z_true", s.LogZTrue, 6)
	if s.Judged {
		number("tv", s.TV, 4)
	}
	number("traj_per_s", s.TrajPerSec, 4)
	if s.Left >= 0 {
		attrs = append(attrs, "left_s", int(s.Left.Round(time.Second).Seconds()))
	}
	l.log.Info("train", attrs...)
}

func (l *logger) Done() {}

// rounded is v to a number of significant digits, so that lines can be read.
func rounded(v float64, digits int) float64 {
	if v == 0 || math.IsInf(v, 0) {
		return v
	}
	scale := math.Pow(10, float64(digits-1)-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}
