package gfntest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/gfntest"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/nn"
)

func job(side, iterations int) gfn.Job {
	return gfn.Job{Device: cpu.New(cpu.Config{}), World: world.Hypergrid(2, side), LogReward: reward.Hypergrid{Side: side, R0: .1, R1: .5, R2: 2},
		Balance: balance.TB{}, Net: nn.MLP{Hidden: []int{32, 32}}, Iterations: iterations, Seed: 1}
}

// recorder is a testing.TB that remembers why it failed.
type recorder struct {
	testing.TB
	failure string
}

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) {
	r.failure = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func verdict(j gfn.Job, checks ...gfntest.Check) string {
	r := &recorder{}
	done := make(chan bool)
	go func() {
		defer close(done)
		gfntest.Gate(r, j, checks...)
	}()
	<-done
	return r.failure
}

func TestGatePasses(t *testing.T) {
	e := gfntest.Gate(t, job(4, 600), gfntest.TV(.05), gfntest.KL(.05), gfntest.LogZ(.1))
	require.Equal(t, 16, e.States)
}

func TestGateFails(t *testing.T) {
	untrained := job(4, 1)
	for name, check := range map[string]gfntest.Check{"TV": gfntest.TV(.01), "KL": gfntest.KL(.01), "log Z": gfntest.LogZ(.01)} {
		got := verdict(untrained, check)
		require.True(t, strings.Contains(got, name) && strings.Contains(got, "want below 0.01"), "%s: %q", name, got)
	}
	large := job(8, 1)
	large.Limit = 10
	require.Contains(t, verdict(large), "exact metrics are off")
	broken := job(8, 1)
	broken.Batch = -3
	require.Contains(t, verdict(broken), "Batch is -3")
}
