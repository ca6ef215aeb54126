package run

import (
	"fmt"
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
