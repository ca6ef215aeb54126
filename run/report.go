package run

import (
	"fmt"
	"math"
	"strings"
	"text/tabwriter"
)

// This file is the table at the end of a run.

// Table is the judgement for people: each metric, its value and what a perfect policy has.
func (e *Evaluation) Table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	if e.Exact {
		fmt.Fprintln(w, "exact metric\tlearned\ttruth")
		row(w, "total variation", "%.6f", e.TV, "0")
		row(w, "KL(true || learned), nats", "%.6f", e.KLNats, "0")
		row(w, "log Z", "%.6f", e.LogZ, number("%.6f", e.LogZTrue))
		row(w, "log Z error", "%+.6f", e.LogZError, "0")
		row(w, "expected reward", "%.6f", e.ExpectedReward, number("%.6f", e.ExpectedRewardTrue))
		w.Flush()
		fmt.Fprintf(&b, "over %s states, ", group(int64(deref(e.States))))
	} else {
		fmt.Fprintf(&b, "%s\n", e.ExactOff)
		fmt.Fprintln(w, "sampled metric\tlearned\tstandard error")
		row(w, "ELBO (at most log Z)", "%.4f", e.ELBO, number("%.4f", e.ELBOStdErr))
		row(w, "log Z", "%.4f", e.LogZ, "")
		row(w, "expected reward", "%.4f", e.ExpectedReward, number("%.4f", e.ExpectedRewardStdErr))
		w.Flush()
		fmt.Fprintf(&b, "over %s draws, ", group(int64(deref(e.Samples))))
	}
	fmt.Fprintf(&b, "after %s trajectories (%s of %s iterations), seed %d\n",
		group(e.Trajectories), group(int64(e.Iteration)), group(int64(e.Iterations)), e.Seed)
	fmt.Fprintf(&b, "params_hash %s\n", e.ParamsHash)
	return b.String()
}

func row(w *tabwriter.Writer, name, format string, v *float64, truth string) {
	fmt.Fprintf(w, "%s\t%s\t%s\n", name, number(format, v), truth)
}

// number is v, or a dash where it is not known.
func number(format string, v *float64) string {
	if v == nil {
		return "-"
	}
	// A rounded zero has no sign worth showing.
	return strings.Replace(fmt.Sprintf(format, *v+0), "-0.000000", "+0.000000", 1)
}

func deref(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

// group is n with commas between thousands.
func group(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Spread is the mean of some numbers, how far they lie apart and how well that fixes their mean.
type Spread struct {
	Mean   float64
	StdDev float64 // with n-1; NaN for one number
	StdErr float64 // StdDev/√n
	Min    float64
	Max    float64
}

func spreadOf(x []float64) Spread {
	s := Spread{Min: math.Inf(1), Max: math.Inf(-1), StdDev: math.NaN(), StdErr: math.NaN()}
	for _, v := range x {
		s.Mean += v / float64(len(x))
		s.Min, s.Max = min(s.Min, v), max(s.Max, v)
	}
	if len(x) > 1 {
		sum := 0.0
		for _, v := range x {
			sum += (v - s.Mean) * (v - s.Mean)
		}
		s.StdDev = math.Sqrt(sum / float64(len(x)-1))
		s.StdErr = s.StdDev / math.Sqrt(float64(len(x)))
	}
	return s
}
