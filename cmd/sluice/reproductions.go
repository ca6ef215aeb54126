package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/sluice-ml/sluice/run"
	"github.com/sluice-ml/sluice/testdata"
)

// This file is what sluice reproduce repeats: a table of trainings and of what came out of them when it was recorded.

// reproduction is something the project claims to come out of trainings that are too long for its tests.
type reproduction struct {
	name      string
	what      string // lines of 56 columns
	minutes   int    // about, on one core
	seeds     string // of every training, as --seeds has them
	lengths   []int  // iterations of which something is recorded, the usual number first; nil: as the run file has it
	trainings func(iterations int) []training
}

// training is a preset with settings over it, and what must come out.
type training struct {
	label  string // of the checks, and the directory; empty where there is but one
	preset string
	set    []string
	device run.DeviceKind    // empty: the result is the same on any, so it is the user's choice
	tv     float64           // the most total variation may be; 0 asks for nothing
	logZ   float64           // the most log Z may be off; 0 asks for nothing
	hash   map[uint64]string // of the parameters, by seed
}

// reproductions is all there is.
var reproductions = []reproduction{
	{
		name:  "simulator",
		what:  "every balance by both backward policies, 100 iterations\non the CPU and on the simulated GPU",
		seeds: "1", minutes: 3, lengths: []int{100, 20}, trainings: simulated,
	},
	{
		// The bounds are those of gfn's TestGate.
		name:  "presets-8x8",
		what:  "the presets of the 8x8 grid",
		seeds: "1..3", minutes: 1, trainings: always(
			training{label: "tb", preset: "hypergrid-8x8", tv: .005, logZ: .01},
			training{label: "tb-learned", preset: "hypergrid-8x8-learned", tv: .005, logZ: .01},
			training{label: "vargrad", preset: "hypergrid-8x8-vargrad", tv: .005},
			training{label: "db", preset: "hypergrid-8x8-db", tv: .02},
		),
	},
	{
		// The settings gfnx publishes: two hidden layers of 256, learned P_B on the shared torso, Adam at a constant 1e-3, log Z at .1,
		// epsilon .1 -> 0 over 30,000 iterations. The preset lowers both rates in the last fifth; here they stay. The bounds are twice the
		// worst of the seeds recorded in bench/hypergrid-20x4.csv.
		name:  "published-20x4",
		what:  "the 20^4 grid as the literature trains it: 62,500\niterations at constant rates",
		seeds: "1..3", minutes: 15, trainings: always(
			training{preset: "hypergrid-20x4", set: []string{"optim.final_share=0"}, tv: .0885, logZ: .172}),
	},
	{
		// bench/testdata/README.md; the bounds are twice what is recorded there, for other seeds.
		name:  "preset-20x4",
		what:  "the preset hypergrid-20x4, which gave the policy that\nsluice bench has as converged",
		seeds: "1", minutes: 5, trainings: always(training{preset: "hypergrid-20x4", tv: .024, logZ: .0282,
			hash: map[uint64]string{1: "8fe85c32c96acaa049d218533bfcb32ac9d678d7eaeda5d6b53890a40dfa7b58"}}),
	},
}

func always(list ...training) func(int) []training { return func(int) []training { return list } }

// simulated is the job of gfn's hash tests as a run.
func simulated(iterations int) (list []training) {
	hashes := testdata.Hashes()
	for _, balance := range []string{"tb", "db", "vargrad"} {
		for _, backward := range []string{"uniform", "learned"} {
			for _, device := range []run.DeviceKind{"cpu", "sim"} {
				key := fmt.Sprintf("%s-%s-%d", balance, backward, iterations)
				list = append(list, training{label: key + "-" + string(device), preset: "hypergrid-8x8", device: device,
					hash: map[uint64]string{1: hashes[key]},
					set: []string{"balance.kind=" + balance, "policy.backward=" + backward, "policy.hidden=[32,32]", "train.batch=16",
						fmt.Sprintf("train.iterations=%d", iterations), "optim.final_share=0", "eval.every=0"}})
			}
		}
	}
	return list
}

// recorded is whether anything is known of a seed.
func (t training) recorded(seed uint64) bool { return t.tv > 0 || t.logZ > 0 || t.hash[seed] != "" }

// check is one number or hash beside what was recorded. Its JSON keys are stable.
type check struct {
	Name     string  `json:"name"`
	Training string  `json:"training"` // of several
	Seed     uint64  `json:"seed"`
	Device   string  `json:"device"`
	What     string  `json:"what"`
	Got      any     `json:"got"`
	Want     any     `json:"want"` // a number is the most that got may be, a hash is what it must be
	Held     bool    `json:"held"`
	Trained  bool    `json:"trained"` // not if the run was finished before, and is only judged again
	Seconds  float64 `json:"seconds"` // of the training, of which one that is taken up again does the rest
}

// judge is the checks of a trained policy.
func (t training) judge(e *run.Evaluation) (list []check) {
	most := func(what string, v *float64, bound float64) {
		switch {
		case bound == 0:
		case v == nil: // not known
			list = append(list, check{What: what, Want: bound})
		default:
			got := math.Abs(*v)
			list = append(list, check{What: what, Got: got, Want: bound, Held: got <= bound})
		}
	}
	most("total variation", e.TV, t.tv)
	most("|log Z error|", e.LogZError, t.logZ)
	if hash := t.hash[e.Seed]; hash != "" {
		list = append(list, check{What: "parameters", Got: e.ParamsHash, Want: hash, Held: e.ParamsHash == hash})
	}
	return list
}

// bounds is what must come out, in words.
func (t training) bounds() string {
	var parts []string
	if t.tv > 0 {
		parts = append(parts, fmt.Sprintf("TV <= %g", t.tv))
	}
	if t.logZ > 0 {
		parts = append(parts, fmt.Sprintf("log Z within %g", t.logZ))
	}
	if t.hash != nil {
		parts = append(parts, "parameters as recorded")
	}
	return strings.Join(parts, ", ")
}

// comesOut is what must come out of all trainings: one line if it is the same, else one each.
func (r reproduction) comesOut() (lines []string) {
	list := r.trainings(r.usual())
	same := true
	for _, t := range list {
		same = same && t.bounds() == list[0].bounds()
		lines = append(lines, strings.TrimPrefix(t.label+": ", ": ")+t.bounds())
	}
	if same {
		return []string{list[0].bounds()}
	}
	return lines
}

// usual is how many iterations are meant where nobody says.
func (r reproduction) usual() int {
	if r.lengths == nil {
		return 0
	}
	return r.lengths[0]
}
