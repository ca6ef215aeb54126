package cuda

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// names are a list's runs by the operations' names.
func names(list [][]graph.Instr) (out []string) {
	for _, run := range list {
		name := run[0].Op.String()
		for range run[1:] {
			name += "+"
		}
		out = append(out, name)
	}
	return out
}

// The heads of a Plan share launches, forward and back; what hangs on a sampled action stays behind it.
func TestRuns(t *testing.T) {
	for _, s := range selftests() {
		if s.name != "tiles" {
			continue
		}
		plan, err := s.plan()
		require.NoError(t, err)
		require.Equal(t, []string{"gather", "linear", "linear", "linear+", "sample", "log_prob+"}, names(runs(plan.Step)))
		require.Equal(t, []string{"log_prob_back+", "linear_grad+", "linear_back+", "linear_grad", "linear_back", "linear_grad", "linear_back", "gather_grad"},
			names(runs(plan.Backward)))
	}
}

// What may not move, and what may not join.
func TestRunsKeepOrder(t *testing.T) {
	ref := func(class graph.Class, off, cols int) graph.Ref { return graph.Ref{Class: class, Off: off, Cols: cols} }
	scratch := func(off, cols int) graph.Ref { return ref(graph.Scratch, off, cols) }
	linear := func(out, a graph.Ref) graph.Instr {
		return graph.Instr{Op: graph.OpLinear, Out: out, A: a, N: out.Cols, K: a.Cols}
	}
	back := func(out, a graph.Ref, acc bool, gate graph.Ref) graph.Instr {
		return graph.Instr{Op: graph.OpLinearBack, Out: out, A: a, C: gate, N: a.Cols, K: out.Cols, Acc: acc}
	}
	add := graph.Instr{Op: graph.OpAdd, Out: scratch(40, 8), A: scratch(0, 8), B: scratch(20, 8), N: 8}
	for _, c := range []struct {
		name string
		list []graph.Instr
		want []string
	}{
		{"side by side", []graph.Instr{linear(scratch(0, 5), scratch(20, 8)), linear(scratch(5, 4), scratch(20, 8))}, []string{"linear+"}},
		{"past another", []graph.Instr{linear(scratch(0, 5), scratch(20, 8)), add, linear(scratch(5, 4), scratch(20, 8))}, []string{"linear", "add", "linear"}},
		{"past one that does not care", []graph.Instr{linear(scratch(0, 5), scratch(20, 8)), add, linear(scratch(50, 4), scratch(20, 8))}, []string{"linear+", "add"}},
		{"it reads what is written between", []graph.Instr{linear(scratch(0, 5), scratch(20, 8)), add, linear(scratch(50, 4), scratch(40, 8))}, []string{"linear", "add", "linear"}},
		{"one reads the other", []graph.Instr{linear(scratch(0, 8), scratch(20, 8)), linear(scratch(8, 4), scratch(0, 8))}, []string{"linear", "linear"}},
		{"one writes what the other reads", []graph.Instr{linear(scratch(0, 8), scratch(20, 8)), linear(scratch(27, 4), scratch(60, 8))}, []string{"linear", "linear"}},
		{"a wide one", []graph.Instr{linear(scratch(0, 17), scratch(20, 8)), linear(scratch(50, 4), scratch(20, 8))}, []string{"linear", "linear"}},
		{"five", slices.Repeat([]graph.Instr{linear(ref(graph.Saved, 0, 0), scratch(20, 8))}, 5), []string{"linear+++", "linear"}},
		{"one sum goes on", []graph.Instr{back(scratch(0, 8), scratch(20, 5), false, graph.Ref{}), back(scratch(0, 8), scratch(30, 4), true, ref(graph.Saved, 0, 8))}, []string{"linear_back+"}},
		{"it begins anew", []graph.Instr{back(scratch(0, 8), scratch(20, 5), false, graph.Ref{}), back(scratch(0, 8), scratch(30, 4), false, graph.Ref{})}, []string{"linear_back", "linear_back"}},
		{"behind a gate", []graph.Instr{back(scratch(0, 8), scratch(20, 5), false, ref(graph.Saved, 0, 8)), back(scratch(0, 8), scratch(30, 4), true, graph.Ref{})}, []string{"linear_back", "linear_back"}},
		{"another sum", []graph.Instr{back(scratch(0, 8), scratch(20, 5), false, graph.Ref{}), back(scratch(8, 8), scratch(30, 4), true, graph.Ref{})}, []string{"linear_back", "linear_back"}},
		{"a drawn action", []graph.Instr{{Op: graph.OpLogProb, Out: scratch(0, 1), A: scratch(2, 5), N: 5}, {Op: graph.OpSample, A: scratch(2, 5), N: 5},
			{Op: graph.OpLogProb, Out: scratch(1, 1), A: scratch(2, 5), N: 5, Forward: true}}, []string{"log_prob", "sample", "log_prob"}},
		{"one bias", []graph.Instr{{Op: graph.OpLinearGrad, Out: ref(graph.Grad, 0, 8), C: ref(graph.Grad, 16, 4), N: 4, K: 2},
			{Op: graph.OpLinearGrad, Out: ref(graph.Grad, 8, 8), C: ref(graph.Grad, 16, 4), N: 4, K: 2}}, []string{"linear_grad", "linear_grad"}},
	} {
		require.Equal(t, c.want, names(runs(c.list)), c.name)
	}
}

// Whatever the list, all of it is launched, and what disturbs each other keeps its order.
func TestRunsAreALegalOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := make([]graph.Instr, rapid.IntRange(1, 12).Draw(t, "n"))
		ref := func() graph.Ref {
			return graph.Ref{Class: rapid.SampledFrom([]graph.Class{graph.Saved, graph.Scratch}).Draw(t, "class"), Off: rapid.IntRange(0, 9).Draw(t, "off"), Cols: rapid.IntRange(1, 4).Draw(t, "cols")}
		}
		for i := range list {
			op := rapid.SampledFrom([]graph.Op{graph.OpLinear, graph.OpLinearBack, graph.OpLogProb, graph.OpAdd, graph.OpSample}).Draw(t, "op")
			list[i] = graph.Instr{Op: op, Out: ref(), A: ref(), Acc: rapid.Bool().Draw(t, "acc"), N: 2, Const: float32(i)}
		}
		at, where := make([]int, len(list)), make([]int, len(list)) // number of the run, place in all
		n := 0
		for r, run := range runs(list) {
			require.LessOrEqual(t, len(run), kernel.Most)
			for _, in := range run {
				at[int(in.Const)], where[int(in.Const)] = r, n
				n++
			}
		}
		require.Equal(t, len(list), n)
		for i := range list {
			for j := range i {
				if !disturbs(&list[j], &list[i]) {
					continue
				}
				require.Less(t, where[j], where[i])
				require.True(t, at[j] < at[i] || list[i].Op == graph.OpLinearBack && list[i].Acc, "%d and %d in one launch", j, i)
			}
		}
	})
}
