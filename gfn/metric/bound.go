package metric

import "math"

// This file is the two bounds that bracket log Z. Both are means over trajectories τ ending in x of
//
//	c(τ) = log R(x) + log P_B(τ|x) - log P_F(τ)
//
// and differ in where the trajectories come from.

// ELBO is the mean of c over trajectories drawn from the model, and its standard error. By Jensen
//
//	E_{P_F} c = log Z - KL(P_F || P_B) ≤ log Z
//
// with equality iff the policy is perfect on everything it does. It needs no target samples and bounds log Z from below at any
// time. It cannot see what the model does not visit: a policy that sits perfectly balanced on one mode of five equal ones has
// an ELBO of log Z - log 5 with no variance at all, and one that spreads over all of them a little wrong can score less.
func ELBO(logR, logPB, logPF []float64) (mean, stdErr float64) { return meanWeight(logR, logPB, logPF) }

// EUBO is the mean of c over trajectories drawn backward from exact draws of the target, and its standard error:
//
//	E_{R/Z, P_B} c = log Z + KL(P_B || P_F) ≥ log Z
//
// with equality iff the policy is perfect on everything the target does, so it sees every missed mode. It needs exact draws
// of the target, and one state the model hardly reaches can dominate the mean. EUBO - ELBO is the sum of the two divergences,
// known without log Z. Blessing et al., arXiv:2406.07423, judge samplers by the pair.
func EUBO(logR, logPB, logPF []float64) (mean, stdErr float64) { return meanWeight(logR, logPB, logPF) }

// meanWeight is the mean of c and the standard error of that mean, 0 for a single trajectory. Each slice has one entry a
// trajectory, summed over its steps.
func meanWeight(logR, logPB, logPF []float64) (mean, stdErr float64) {
	n := len(logR)
	if len(logPB) != n || len(logPF) != n || n == 0 {
		panic(badTrajectories)
	}
	c := func(i int) float64 { return logR[i] + logPB[i] - logPF[i] }
	for i := range n {
		mean += c(i)
	}
	mean /= float64(n)
	if n == 1 {
		return mean, 0
	}
	for i := range n {
		d := c(i) - mean
		stdErr += d * d
	}
	return mean, math.Sqrt(stdErr / float64(n-1) / float64(n))
}

const badTrajectories = "metric: log R, log P_B and log P_F need the same number of trajectories, at least one"
