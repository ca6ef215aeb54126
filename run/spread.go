package run

import "math"

// This file is the mean of some numbers and how far they lie apart.

// Spread is that of one metric over the seeds, or of rewards over draws. What is not known is null.
type Spread struct {
	Mean   *float64 `json:"mean"`
	StdDev *float64 `json:"std_dev"` // with n-1; null for one number
	StdErr *float64 `json:"std_err"` // StdDev/√n, how well the mean is known
	Min    *float64 `json:"min"`
	Max    *float64 `json:"max"`
}

// spreadOf is the spread of at least one number.
func spreadOf(x []float64) Spread {
	mean, low, high := 0.0, math.Inf(1), math.Inf(-1)
	for _, v := range x {
		mean += v / float64(len(x))
		low, high = min(low, v), max(high, v)
	}
	s := Spread{Mean: value(mean), Min: value(low), Max: value(high)}
	if len(x) > 1 {
		sum := 0.0
		for _, v := range x {
			sum += (v - mean) * (v - mean)
		}
		stdDev := math.Sqrt(sum / float64(len(x)-1))
		s.StdDev, s.StdErr = value(stdDev), value(stdDev/math.Sqrt(float64(len(x))))
	}
	return s
}
