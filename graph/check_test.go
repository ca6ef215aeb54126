package graph

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Each case breaks a good plan in one way; check must say so.
func TestCheckRefusesBrokenPlans(t *testing.T) {
	find := func(list []Instr, op Op) int {
		return slices.IndexFunc(list, func(in Instr) bool { return in.Op == op })
	}
	cases := []struct {
		name  string
		spoil func(p *Plan)
		want  string
	}{
		{"first layer missing", func(p *Plan) { p.Step = p.Step[1:] }, "was written last"},
		{"no sample", func(p *Plan) { p.Step = slices.Delete(p.Step, find(p.Step, OpSample), find(p.Step, OpSample)+1) }, "before sample"},
		{"two samples", func(p *Plan) { p.Step = append(p.Step, p.Step[find(p.Step, OpSample)]) }, "2 sample"},
		{"log-probability first", func(p *Plan) {
			i := find(p.Step, OpSample)
			p.Step[i], p.Step[i+1] = p.Step[i+1], p.Step[i]
		}, "before sample"},
		{"sum before its operand", func(p *Plan) { slices.Reverse(p.Close) }, "was written last"},
		{"step reads data", func(p *Plan) { p.Step[1].A = Ref{RowData, LogPBUniform, 1} }, "cannot read"},
		{"step writes a gradient", func(p *Plan) { p.Step[0].Out.Class = Grad }, "cannot write"},
		{"close reads saved", func(p *Plan) { p.Close[find(p.Close, OpSumT)].A.Class = Saved }, "cannot read"},
		{"backward writes kept", func(p *Plan) { p.Backward[0].Out.Class = Kept }, "cannot write"},
		{"beyond kept", func(p *Plan) { p.KeptCols = 0 }, "beyond 0 columns"},
		{"beyond scratch", func(p *Plan) { p.ScratchCols = 4 }, "beyond 4 columns"},
		{"beyond the gradient", func(p *Plan) { p.GradLen = 32 }, "beyond the gradient"},
		{"saved hole", func(p *Plan) { p.SavedCols++ }, "written by no Step"},
		{"in place", func(p *Plan) {
			i := find(p.Backward, OpLinearBack)
			p.Backward[i].Out.Off = p.Backward[i].A.Off
		}, "which it writes"},
		{"scratch overlap", func(p *Plan) {
			i := find(p.Backward, OpLinearBack)
			for j := range p.Backward[i+1:] {
				in := &p.Backward[i+1+j]
				if in.Op == OpLinearBack && !in.Acc { // the next layer's gradient over this one's, which its weights still need
					in.Out.Off = p.Backward[i].Out.Off + 1
				}
			}
		}, "which it writes"},
		{"chain without a start", func(p *Plan) { p.Backward[find(p.Backward, OpLinearBack)].Acc = true }, "continues"},
		{"two sums in one place", func(p *Plan) {
			last := len(p.Backward) - 1
			p.Backward = append(p.Backward, p.Backward[last])
		}, "two sums in one place"},
		{"gradient missing", func(p *Plan) { p.Backward = p.Backward[:len(p.Backward)-1] }, "no instruction sums gradient"},
		{"lost parameter", func(p *Plan) { p.CloseGrads = nil }, "gradients of"},
		{"stray fold", func(p *Plan) { p.Folds = []Fold{{0, 0, 16}} }, "fold"},
		{"unwritten output", func(p *Plan) {
			p.Outputs = []Output{{"x", Ref{Traj, p.TrajCols - 1, 1}}}
			p.TrajCols++
			p.Outputs[0].Ref.Off++
		}, "output x"},
		{"head nobody wrote", func(p *Plan) { p.Heads = []Output{{"x", Ref{Scratch, 0, 2}}} }, "head x"},
		{"loss per trajectory", func(p *Plan) { p.Loss.Class = Traj }, "loss"},
		{"width", func(p *Plan) { p.Step[0].N++ }, "columns, not"},
		{"gradients without a loss", func(p *Plan) { p.Loss = Ref{} }, "without a loss"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := NewBuilder(grid())
			n := newNet(b, []int{8, 4}, ReLU, true, false)
			p := lower(t, b, Want{Policy: n.pf, Loss: n.tb()})
			require.NoError(t, p.check())
			c.spoil(p)
			require.ErrorContains(t, p.check(), c.want)
		})
	}
}

// First fit never gives a column away that is still to be read.
func TestFirstFitKeepsLiveValuesApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f firstFit
		type value struct{ off, n, at, last int }
		var all []value
		for at := range rapid.IntRange(1, 30).Draw(t, "values") {
			v := value{n: rapid.IntRange(1, 9).Draw(t, "n"), at: at, last: at + rapid.IntRange(0, 12).Draw(t, "life")}
			v.off = f.take(v.n, at, v.last)
			require.LessOrEqual(t, v.off+v.n, f.top)
			for _, u := range all {
				if u.last >= v.at {
					require.True(t, u.off+u.n <= v.off || v.off+v.n <= u.off, "%v over %v", v, u)
				}
			}
			all = append(all, v)
		}
	})
}
