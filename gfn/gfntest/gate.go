package gfntest

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/metric"
)

// This file is the training gate and what it can demand.

// Check is a demand on a trained policy; its error says what was demanded and what was found.
type Check func(*metric.Exact) error

// TV demands a total variation below limit.
func TV(limit float64) Check {
	return func(e *metric.Exact) error { return below("TV", e.TV, limit) }
}

// KL demands KL(R/Z || p_T), the divergence of what the policy builds from the target, below limit nats.
func KL(limit float64) Check {
	return func(e *metric.Exact) error { return below("KL in nats", e.KLNats, limit) }
}

// LogZ demands that Policy.LogZ lies within limit of the true one; see there what that is for a balance that learns none.
func LogZ(limit float64) Check {
	return func(e *metric.Exact) error { return below("|log Z error|", math.Abs(e.LogZError), limit) }
}

func below(what string, value, limit float64) error {
	if value < limit {
		return nil // NaN is not below anything
	}
	return fmt.Errorf("%s is %.6g, want below %.6g", what, value, limit)
}

// Gate trains job to its end, judges the policy exactly and fails t on the first check that does not hold. It returns what was
// measured. A world too large to enumerate fails the test: it has nothing exact to be judged by.
func Gate(t testing.TB, job gfn.Job, checks ...Check) *metric.Exact {
	t.Helper()
	p, err := gfn.Train(context.Background(), job)
	if err != nil {
		t.Fatalf("gfntest: training: %v", err)
		return nil
	}
	defer p.Close()
	e, err := p.Exact()
	if err != nil {
		t.Fatalf("gfntest: judging: %v", err)
		return nil
	}
	for _, check := range checks {
		if err := check(e); err != nil {
			j := p.Job()
			t.Fatalf("gfntest: %v (seed %d, %d iterations of %d trajectories; %d states)", err, j.Seed, j.Iterations, j.Batch, e.States)
		}
	}
	return e
}
