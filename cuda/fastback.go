package cuda

import (
	"slices"

	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// This file rewrites Backward for cuBLAS, whose products come without the gates and biases that the defined kernels have in theirs: as few
// as can be become launches of their own.

// ungated is Backward where the gate of a product that cuBLAS takes goes on to the gather-sums that read it, as their A, if nothing else
// does. In a plan they have no A.
func ungated(list []graph.Instr) []graph.Instr {
	out := slices.Clone(list)
	for i := range out {
		in := &out[i]
		if !productBack(in) || in.C.Class == graph.None {
			continue
		}
		readers, ok := gatherers(out[i+1:], in.Out, in.C)
		if !ok {
			continue
		}
		for _, k := range readers {
			out[i+1+k].A = in.C
		}
		in.C = graph.Ref{}
	}
	return out
}

// gatherers are the gather-sums of list that read d, before it is overwritten; ok says that they alone do, and that their gate is there.
func gatherers(list []graph.Instr, d, gate graph.Ref) (at []int, ok bool) {
	for k := range list {
		in := &list[k]
		reads := in.Acc && overlap(in.Out, d)
		for _, r := range []graph.Ref{in.A, in.B, in.C} {
			reads = reads || overlap(r, d)
		}
		switch {
		case in.Op == graph.OpGatherGrad && in.B == d:
			at = append(at, k)
		case reads:
			return nil, false
		case overlap(in.Out, d):
			return at, true
		}
		if overlap(in.Out, gate) {
			return nil, false
		}
	}
	return at, true
}

// unbiased is Backward of pieces whose weights' gradients cuBLAS takes: a bias's gradient is a gather-sum without features, put off to
// the end if what it adds is still there then, so that it finds another to share a launch with.
func unbiased(list []graph.Instr) (out []graph.Instr) {
	var late []graph.Instr
	for i, in := range list {
		if in.Op != graph.OpLinearGrad || in.N <= kernel.Narrow || in.C.Class == graph.None {
			out = append(out, in)
			continue
		}
		sum := graph.Instr{Op: graph.OpGatherGrad, B: in.B, C: in.C, N: in.N}
		in.C = graph.Ref{}
		out = append(out, in)
		if slices.ContainsFunc(list[i+1:], func(x graph.Instr) bool { return disturbs(&sum, &x) }) {
			out = append(out, sum)
		} else {
			late = append(late, sum)
		}
	}
	return append(out, late...)
}
