package cuda

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/graph"
)

// A hidden layer's bias and the first layer's gradient with its gate are one launch; a product in a row of them keeps its gate, since the
// next product reads it, and a bias stays where its gradient's place is needed again.
func TestBackwardForBLAS(t *testing.T) {
	for _, s := range selftests() {
		if s.name != "tiles" {
			continue
		}
		plan, err := s.plan()
		require.NoError(t, err)
		list := ungated(plan.Backward)
		gates := 0
		for i, in := range list {
			if in.Op == graph.OpLinearBack && in.C.Class != graph.None {
				gates++
			}
			if in.Op == graph.OpGatherGrad {
				require.Equal(t, plan.Backward[i-1].C, in.A)
				require.Equal(t, graph.Saved, in.A.Class)
			}
		}
		require.Equal(t, 2, gates, "of the heads' product and the second layer's")
		require.Equal(t, []string{"log_prob_back+", "linear_grad+", "linear_back+", "linear_grad", "gather_grad", "linear_back", "linear_grad", "linear_back", "gather_grad+"},
			names(runs(unbiased(list))))
	}
}

// When a gate may go on to what reads its product.
func TestUngated(t *testing.T) {
	scratch := func(off, cols int) graph.Ref { return graph.Ref{Class: graph.Scratch, Off: off, Cols: cols} }
	grad := func(off int) graph.Ref { return graph.Ref{Class: graph.Grad, Off: off, Cols: 8} }
	d, up, gate := scratch(0, 40), scratch(40, 40), graph.Ref{Class: graph.Saved, Cols: 40}
	back := graph.Instr{Op: graph.OpLinearBack, Out: d, A: up, C: gate, K: 40, N: 40}
	gather := func(b graph.Ref) graph.Instr {
		return graph.Instr{Op: graph.OpGatherGrad, B: b, Out: grad(0), C: grad(8), N: 40}
	}
	other := graph.Instr{Op: graph.OpScale, Out: d, A: up, N: 40}
	reader := graph.Instr{Op: graph.OpLinearGrad, Out: grad(16), C: grad(24), A: gate, B: d, K: 40, N: 40}
	onto, narrow, onGate := back, back, other
	onto.C, onto.Acc, narrow.N, onGate.Out = graph.Ref{}, true, 16, gate
	for _, c := range []struct {
		name  string
		list  []graph.Instr
		moves bool
	}{
		{"one reader", []graph.Instr{back, gather(d)}, true},
		{"two", []graph.Instr{back, gather(d), gather(d)}, true},
		{"overwritten afterwards", []graph.Instr{back, gather(d), other, reader}, true},
		{"another reads it, too", []graph.Instr{back, gather(d), reader}, false},
		{"another reads it before", []graph.Instr{back, reader, gather(d)}, false},
		{"a part of it is read", []graph.Instr{back, gather(scratch(0, 20))}, false},
		{"a product goes on with it", []graph.Instr{back, onto, gather(d)}, false},
		{"the gate is gone", []graph.Instr{back, onGate, gather(d)}, false},
		{"not cuBLAS's", []graph.Instr{narrow, gather(d)}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := ungated(c.list)
			require.Equal(t, c.moves, out[0].C.Class == graph.None)
			for i, in := range out {
				reads := in.Op == graph.OpGatherGrad && c.moves
				require.Equal(t, reads, in.A == gate && in.Op == graph.OpGatherGrad, "instruction %d", i)
			}
			require.Equal(t, gate, c.list[0].C, "the plan is not touched")
		})
	}
}

// A bias's sum is put off unless that changes what it adds or whose turn it is.
func TestUnbiased(t *testing.T) {
	ref := func(class graph.Class, off, cols int) graph.Ref { return graph.Ref{Class: class, Off: off, Cols: cols} }
	d := ref(graph.Scratch, 0, 20)
	product := func(d graph.Ref, at, bias int) graph.Instr {
		return graph.Instr{Op: graph.OpLinearGrad, Out: ref(graph.Grad, at, 400), C: ref(graph.Grad, bias, 20), A: ref(graph.Saved, 0, 20), B: d, K: 20, N: 20}
	}
	over := graph.Instr{Op: graph.OpScale, Out: d, A: ref(graph.Scratch, 40, 20), N: 20}
	far := graph.Instr{Op: graph.OpScale, Out: ref(graph.Scratch, 80, 20), A: d, N: 20}
	narrow := product(ref(graph.Scratch, 60, 16), 900, 1400)
	narrow.N = 16
	for _, c := range []struct {
		name string
		list []graph.Instr
		want []string
	}{
		{"to the end", []graph.Instr{product(d, 0, 400), far}, []string{"linear_grad", "scale", "gather_grad"}},
		{"overwritten", []graph.Instr{product(d, 0, 400), over}, []string{"linear_grad", "gather_grad", "scale"}},
		{"a bias of two", []graph.Instr{product(d, 0, 400), product(d, 420, 400)}, []string{"linear_grad", "gather_grad", "linear_grad", "gather_grad"}},
		{"two biases", []graph.Instr{product(d, 0, 400), product(d, 420, 820)}, []string{"linear_grad", "linear_grad", "gather_grad", "gather_grad"}},
		{"a head", []graph.Instr{narrow, far}, []string{"linear_grad", "scale"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for i, in := range unbiased(c.list) {
				got = append(got, in.Op.String())
				require.Equal(t, in.Op == graph.OpGatherGrad || in.N == 16, in.C.Class == graph.Grad, "instruction %d", i)
			}
			require.Equal(t, c.want, got)
		})
	}
}
