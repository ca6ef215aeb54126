package run

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/gfn"
)

// TestSampledEvaluationIsWhatThePolicySays holds the numbers, taken from one set of draws, against the policy asked for each by itself, to
// the bit, with fewer draws, as many and more than an estimate of log Z takes.
func TestSampledEvaluationIsWhatThePolicySays(t *testing.T) {
	for _, kind := range []string{"tb", "db", "vargrad"} {
		c := tiny("balance.kind="+kind, "eval.limit=1", "train.iterations=8", "seed=3")
		job, err := c.Job(cpu.New(cpu.Config{}))
		require.NoError(t, err)
		p, err := gfn.Train(context.Background(), job)
		require.NoError(t, err)
		require.Equal(t, kind == "vargrad", p.EstimatesLogZ())
		for _, n := range []int{100, gfn.LogZDraws, gfn.LogZDraws + 100} {
			c.Eval.Samples = n
			got, err := Evaluate(p, c)
			require.NoError(t, err)
			name := fmt.Sprint(kind, " ", n)
			logZ, err := p.LogZ()
			require.NoError(t, err)
			require.Equal(t, logZ, *got.LogZ, name)
			elbo, stdErr, err := p.ELBO(n, c.Seed)
			require.NoError(t, err)
			require.Equal(t, []float64{elbo, stdErr}, []float64{*got.ELBO, *got.ELBOStdErr}, name)
			draws, err := p.Sample(n, c.Seed)
			require.NoError(t, err)
			sum := 0.
			for _, d := range draws {
				sum += math.Exp(d.LogR)
			}
			require.InEpsilon(t, sum/float64(n), *got.ExpectedReward, 1e-12, name)
			require.Equal(t, n, *got.Samples)
			require.False(t, got.Exact)
		}
	}
}
