package cuda

import (
	"slices"

	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// This file gathers a list's instructions into runs, each of which is one launch: two heads on one layer, their log-probabilities, their
// gradients. A launch that fills a card to a half costs what two of them together cost.

// together are the instructions whose kernels take several at once, and the most columns they have then.
var together = map[graph.Op]int{
	graph.OpLinear: kernel.Narrow, graph.OpLinearBack: kernel.Narrow, graph.OpLinearGrad: kernel.Narrow,
	graph.OpLogProb: kernel.SerialActions, graph.OpLogProbBack: kernel.SerialActions,
	graph.OpGatherGrad: 1 << 30,
}

// runs cuts a list into runs. An instruction moves forward into an earlier one's run unless it disturbs what it passes.
func runs(list []graph.Instr) (out [][]graph.Instr) {
	for left := slices.Clone(list); len(left) > 0; {
		run, rest := left[:1:1], left[:0:0]
		for _, in := range left[1:] {
			passes := !slices.ContainsFunc(rest, func(x graph.Instr) bool { return disturbs(&x, &in) })
			if passes && len(run) < kernel.Most && joins(run, &in) {
				run = append(run, in)
			} else {
				rest = append(rest, in)
			}
		}
		out, left = append(out, run), rest
	}
	return out
}

// joins reports whether a run's kernel can do one more: an instruction that is independent of all others, or for linear_back one that
// goes on with their sums before a gate is put on them.
func joins(run []graph.Instr, in *graph.Instr) bool {
	last := &run[len(run)-1]
	if most := together[in.Op]; in.Op != last.Op || in.N > most || last.N > most {
		return false
	}
	if in.Op == graph.OpLinearBack {
		return in.Acc && in.Out == last.Out && in.K == last.K && last.C.Class == graph.None
	}
	return !slices.ContainsFunc(run, func(x graph.Instr) bool { return disturbs(&x, in) })
}

// disturbs reports whether two instructions must stay in their order: one writes what the other reads or writes.
func disturbs(a, b *graph.Instr) bool {
	if a.Op == graph.OpSample && b.Op == graph.OpLogProb { // the action is row data, which no operand names
		return true
	}
	for i, w := range operands(a) {
		for j, r := range operands(b) {
			if (i < writes(a) || j < writes(b)) && overlap(w, r) {
				return true
			}
		}
	}
	return false
}

// operands are what an instruction writes, then what it reads.
func operands(in *graph.Instr) [4]graph.Ref { return [4]graph.Ref{in.Out, in.C, in.A, in.B} }

// writes is how many of the operands are written: a gradient comes with its bias's.
func writes(in *graph.Instr) int {
	if in.C.Class == graph.Grad {
		return 2
	}
	return 1
}

func overlap(a, b graph.Ref) bool {
	return a.Class == b.Class && a.Class != graph.None && a.Off < b.Off+b.Cols && b.Off < a.Off+a.Cols
}
