package bench

import (
	"context"
	"slices"
	"time"
)

// This file times workloads in interleaved rounds.

// Options are how workloads are measured.
type Options struct {
	Rounds int           // 0 means 7
	Least  time.Duration // a round repeats an iteration for this long, at least once; 0 means 100 ms
	Warm   time.Duration // of arithmetic before the first round, since a process runs its first second slowly; 0 means none
}

// iteration is one that was timed.
type iteration struct {
	took        time.Duration // 0 is none
	transitions int
}

// faster reports whether a did more in its time than b.
func (a iteration) faster(b iteration) bool {
	return b.took == 0 || a.took.Seconds()*float64(max(b.transitions, 1)) < b.took.Seconds()*float64(max(a.transitions, 1))
}

// timing is a workload under measurement.
type timing struct {
	Workload
	*Runner
	n           int // iterations a round
	times       []time.Duration
	transitions int64     // of all rounds
	fastest     iteration // the one that did most in its time
}

// Measure times the workloads together: every round times each of them once, and the machine's peak, so that what else the machine does
// meets all of them alike. A round starts from the same parameters and draws the same trajectories as the others. When ctx is done the
// iteration under way is finished and ctx's error returned.
func (m Machine) Measure(ctx context.Context, list []Workload, o Options) ([]Line, error) {
	if o.Rounds == 0 {
		o.Rounds = 7
	}
	if o.Least == 0 {
		o.Least = 100 * time.Millisecond
	}
	peak := 0.0
	for begin := time.Now(); m.Peak != nil && time.Since(begin) < o.Warm && ctx.Err() == nil; {
		peak = max(peak, m.Peak())
	}
	var all []*timing
	defer func() {
		for _, t := range all {
			t.Close()
		}
	}()
	for _, w := range list {
		r, err := m.Open(w)
		if err != nil {
			return nil, err
		}
		t := &timing{Workload: w, Runner: r}
		all = append(all, t)
		if err := t.calibrate(ctx, o.Least); err != nil {
			return nil, err
		}
	}
	for range o.Rounds {
		if m.Peak != nil {
			peak = max(peak, m.Peak())
		}
		for _, t := range all {
			if err := t.round(ctx); err != nil {
				return nil, err
			}
		}
	}
	lines := make([]Line, len(all))
	for i, t := range all {
		lines[i] = t.line(peak)
	}
	return lines, nil
}

// calibrate finds how often a round repeats the iteration. The first iterations also make the program grow to its rows.
func (t *timing) calibrate(ctx context.Context, least time.Duration) error {
	if _, err := t.repeat(ctx, 1); err != nil {
		return err
	}
	for t.n = 1; ; {
		took, err := t.repeat(ctx, t.n)
		if err != nil {
			return err
		}
		once := max(took/time.Duration(t.n), time.Nanosecond)
		want := int(min((least+once-1)/once, 1<<20))
		if took >= least/4 || want <= t.n {
			t.n = max(want, 1)
			t.transitions, t.fastest = 0, iteration{}
			return nil
		}
		t.n = max(want/4, 2*t.n)
	}
}

func (t *timing) round(ctx context.Context) error {
	if err := t.Reset(); err != nil {
		return err
	}
	if t.n > 1 { // caches are the workload's before the clock runs; one long iteration does not feel them
		transitions, fastest := t.transitions, t.fastest
		if _, err := t.repeat(ctx, 1); err != nil {
			return err
		}
		t.transitions, t.fastest = transitions, fastest
		if err := t.Reset(); err != nil {
			return err
		}
	}
	took, err := t.repeat(ctx, t.n)
	t.times = append(t.times, took)
	return err
}

func (t *timing) repeat(ctx context.Context, n int) (time.Duration, error) {
	begin := time.Now()
	last := begin
	for range n {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		steps, err := t.Step()
		if err != nil {
			return 0, err
		}
		t.transitions += int64(steps)
		now := time.Now()
		if i := (iteration{now.Sub(last), steps}); i.faster(t.fastest) {
			t.fastest = i
		}
		last = now
	}
	return last.Sub(begin), nil
}

// line is what the rounds come to. Rates are those of the median round.
func (t *timing) line(peak float64) Line {
	each := func(d time.Duration) float64 { return d.Seconds() / float64(t.n) }
	var rounds []float64
	for _, d := range t.times {
		rounds = append(rounds, 1e3*each(d))
	}
	slices.Sort(t.times)
	k := len(t.times)
	median := (each(t.times[(k-1)/2]) + each(t.times[k/2])) / 2
	transitions := float64(t.transitions) / float64(k*t.n)
	l := Line{Name: t.Name(), FastestMS: 1e3 * t.fastest.took.Seconds(), BestMS: 1e3 * each(t.times[0]), MedianMS: 1e3 * median, WorstMS: 1e3 * each(t.times[k-1]),
		Batch: t.Batch, Embed: t.Embed, Width: t.Width, Workers: t.Workers, Policy: t.Policy, Device: t.Device,
		PerSecond: 1 / median, TrajPerSecond: float64(t.Batch) / median, TransitionsPerSecond: transitions / median,
		GFLOPs: t.FLOPs(transitions) / median / 1e9, rounds: rounds, kind: t.Kind}
	if peak > 0 {
		peak *= float64(t.Workers)
		l.PeakShare = Share(l.GFLOPs * 1e9 / peak)
		l.FastestShare = t.FLOPs(float64(t.fastest.transitions)) / t.fastest.took.Seconds() / peak
	}
	switch t.Kind {
	case GEMM:
		l.Rows, l.Width = t.Product.M, t.Product.N
	default:
		l.Rows = int(transitions + .5)
		l.MeanLength = transitions / float64(t.Batch)
	}
	return l
}
