package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
)

// This file is what must hold of the speed on any machine: ratios within one run, never milliseconds.

// Gate is a bound on a ratio of measured lines.
type Gate struct {
	Name  string
	Bound float64 // in full
	Most  bool    // the value must not be above the bound; else not below
	needs []Workload
	value func(l []Line) float64 // of the lines of needs
}

// Verdict is a gate after a measurement.
type Verdict struct {
	Name    string  `json:"name"`
	Value   float64 `json:"value"`
	Bound   float64 `json:"bound"` // the share that was asked for applied
	AtMost  bool    `json:"at_most"`
	Held    bool    `json:"held"`
	Skipped string  `json:"skipped"` // why it was not measured; empty if it was
}

// lossAt is the loss path of width 256.
func lossAt(rows, workers int, tier string) Workload {
	return Workload{Kind: Loss, Batch: Trajectories(rows), Width: PolicyWidth, Workers: workers, Tier: tier}
}

// Gates is the table. All but slowestRow take the fastest iterations of the rounds.
func Gates(cores int) []Gate {
	return []Gate{
		{Name: "dense-input loss path, 1,232 rows, one worker: share of peak", Bound: .72,
			needs: []Workload{denseLoss(1)},
			value: func(l []Line) float64 { return l[0].FastestShare }},
		{Name: "dense-input loss path, 1,232 rows: two workers over one", Bound: 1.7,
			needs: []Workload{denseLoss(1), denseLoss(2)},
			value: func(l []Line) float64 { return l[0].FastestMS / l[1].FastestMS }},
		{Name: "loss path, time a row, 1,232 to 65,536 rows: slowest over fastest", Bound: 1.15, Most: true,
			needs: []Workload{lossAt(1232, 1, ""), lossAt(8192, 1, ""), lossAt(65536, 1, "")},
			value: slowestRow},
		{Name: "iteration, fresh policy, batch 4,096: share of peak", Bound: .60,
			needs: []Workload{{Kind: Iteration, Policy: Fresh, Batch: 4096, Width: PolicyWidth, Workers: cores}},
			value: func(l []Line) float64 { return l[0].FastestShare }},
		{Name: "loss path, 1,232 rows: AVX2 over AVX-512", Bound: .80,
			needs: []Workload{lossAt(1232, 1, "avx512"), lossAt(1232, 1, "avx2")},
			value: func(l []Line) float64 { return l[0].FastestMS / l[1].FastestMS }},
	}
}

// slowestRow is the slowest row over the fastest, each as a ratio to the first line's of the same round: the median of the rounds. What a
// neighbour does to a processor lasts longer than a round, so it is in both; the fastest iterations of all rounds would compare the best
// of a thousand, some milliseconds each, with the best of seven that take half a second.
func slowestRow(l []Line) float64 {
	lo, hi := math.Inf(1), 0.0
	for _, x := range l {
		ratios := make([]float64, len(x.rounds))
		for i, ms := range x.rounds {
			ratios[i] = ms / float64(x.Rows) / (l[0].rounds[i] / float64(l[0].Rows))
		}
		slices.Sort(ratios)
		row := ratios[len(ratios)/2]
		lo, hi = min(lo, row), max(hi, row)
	}
	return hi / lo
}

// at is the bound when only a share of it is asked for: a share of a lower bound, and of an upper one the part above 1 divided by it.
func (g Gate) at(share float64) float64 {
	if g.Most {
		return 1 + (g.Bound-1)/share
	}
	return g.Bound * share
}

// judge is the gate's verdict on the lines of its workloads.
func (g Gate) judge(l []Line, share float64) Verdict {
	v := Verdict{Name: g.Name, Value: g.value(l), Bound: g.at(share), AtMost: g.Most}
	v.Held = v.Value >= v.Bound
	if g.Most {
		v.Held = v.Value <= v.Bound
	}
	return v
}

// Check measures what the gates need, all of it together, and judges them; share, in (0, 1], is how much of each bound must be reached.
// What this machine cannot measure (too few processors, a tier it has not) is skipped and holds.
func (m Machine) Check(ctx context.Context, share float64, o Options) ([]Verdict, error) {
	if !(share > 0 && share <= 1) {
		return nil, fmt.Errorf("bench: the share of the gates must be in (0, 1], is %v", share)
	}
	gates := Gates(m.Cores)
	why := make([]string, len(gates))
	var list []Workload
	at := map[Workload]int{}
	for i, g := range gates {
		if why[i] = m.lacks(g); why[i] != "" {
			continue
		}
		for _, w := range g.needs {
			if _, ok := at[w]; !ok {
				at[w] = len(list)
				list = append(list, w)
			}
		}
	}
	lines, err := m.Measure(ctx, list, o)
	if err != nil {
		return nil, err
	}
	verdicts := make([]Verdict, len(gates))
	for i, g := range gates {
		if why[i] != "" {
			verdicts[i] = Verdict{Name: g.Name, Bound: g.at(share), AtMost: g.Most, Held: true, Skipped: why[i]}
			continue
		}
		var own []Line
		for _, w := range g.needs {
			own = append(own, lines[at[w]])
		}
		verdicts[i] = g.judge(own, share)
	}
	return verdicts, nil
}

// lacks is why a gate cannot be measured here, or nothing.
func (m Machine) lacks(g Gate) string {
	for _, w := range g.needs {
		if w.Workers > m.Cores {
			return fmt.Sprintf("%d processor", m.Cores)
		}
		if w.Tier != "" && !slices.Contains(m.Tiers, w.Tier) {
			return "no " + w.Tier + " on this processor"
		}
	}
	return ""
}

// ErrGate is what Failed wraps.
var ErrGate = errors.New("bench: a gate does not hold")

// Failed is an error that lists the gates that did not hold, nil if all did.
func Failed(list []Verdict) error {
	text := ""
	for _, v := range list {
		if !v.Held {
			text += fmt.Sprintf("\n  %s: %.3f, %s %.3f", v.Name, v.Value, v.side(), v.Bound)
		}
	}
	if text == "" {
		return nil
	}
	return fmt.Errorf("%w:%s", ErrGate, text)
}

func (v Verdict) side() string {
	if v.AtMost {
		return "at most"
	}
	return "at least"
}

// WriteVerdicts prints a line a gate, in at most 80 columns, why it was skipped below.
func WriteVerdicts(w io.Writer, list []Verdict) error {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	for _, v := range list {
		switch {
		case v.Skipped != "":
			fmt.Fprintf(t, "skip\t\t%s\n\t\t  %s\n", v.Name, v.Skipped)
		case v.Held:
			fmt.Fprintf(t, "ok\t%.3f\t%s\n", v.Value, v.Name)
		default:
			fmt.Fprintf(t, "NO\t%.3f\t%s\n\t\t  %s %.3f\n", v.Value, v.Name, v.side(), v.Bound)
		}
	}
	return t.Flush()
}
