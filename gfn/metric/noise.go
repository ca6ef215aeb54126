package metric

import "math"

// This file is total variation by counting, and how much of it is the counting.

// SampledTV is the total variation between p and the empirical law of draws, state indices that a sampler ended in. It is
// biased upward: even a perfect sampler shows NoiseFloor(p, len(draws)). A value near that floor is all that can be asked of a
// sampler, and one below it means the draws are not independent or the floor is of another p. Prefer Judge.
func SampledTV(p []float64, draws []int32) float64 {
	count := make([]int32, len(p))
	for _, x := range draws {
		count[x]++
	}
	tv := 0.0
	for i, c := range count {
		tv += math.Abs(float64(c)/float64(len(draws)) - p[i])
	}
	return tv / 2
}

// NoiseFloor is the expectation of SampledTV for draws taken from p itself,
//
//	½ Σ_x E|K_x/n - p_x|,   K_x binomial(n, p_x)
//
// exactly, by de Moivre's formula for the mean absolute deviation of a binomial variable, with v = ⌊np⌋ + 1:
//
//	E|K - np| = 2 v (n choose v) p^v (1-p)^(n-v+1)
//
// Diaconis, Zabell, Statistical Science 6(3), 1991. For large np it is √(2np(1-p)/π).
func NoiseFloor(p []float64, draws int) float64 {
	n, sum := float64(draws), 0.0
	logN, _ := math.Lgamma(n + 1)
	for _, q := range p {
		if q <= 0 || q >= 1 {
			continue // always counted exactly
		}
		v := math.Floor(n*q) + 1
		if v > n { // q is within 1/n of 1, and n*q was rounded up to n
			v = n
		}
		logV, _ := math.Lgamma(v) // of v-1 factorial: the factor v is taken along
		logRest, _ := math.Lgamma(n - v + 1)
		sum += 2 * math.Exp(logN-logV-logRest+v*math.Log(q)+(n-v+1)*math.Log1p(-q))
	}
	return sum / n / 2
}
