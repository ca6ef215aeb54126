package cuda

import (
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// This file turns row instructions into launches.

// emit enqueues row-local instructions on the rows of v. first says that sums into parameters begin here.
func (p *program) emit(list []graph.Instr, v *view, s driver.Stream, first bool) {
	if p.o.blas != nil && v.span.From == 0 {
		p.emitFast(list, v, s, first)
		return
	}
	for i := range list {
		p.emitOne(&list[i], v, s, first)
	}
}

func (p *program) emitOne(in *graph.Instr, v *view, s driver.Stream, first bool) {
	o, w := p.o, &p.plan.World
	rows, lanes := int(v.span.Len), int(v.span.Lanes)
	switch in.Op {
	case graph.OpGather:
		a := kernel.GatherArgs{Span: v.span, Out: v.val(in.Out), A: p.param(in.A), B: p.param(in.B), Feat: v.rows.Feat,
			Active: int32(w.Active), N: int32(in.N), Act: int32(in.Act)}
		k, g := a.Launch()
		launch(o, k, g, s, a)
	case graph.OpLinear:
		a := kernel.LinearArgs{Span: v.span, Out: v.val(in.Out), A: v.val(in.A), W: p.param(in.B), Bias: p.param(in.C),
			K: int32(in.K), N: int32(in.N), Act: int32(in.Act)}
		k, g := a.Launch()
		launch(o, k, g, s, a)
	case graph.OpLogProb, graph.OpLogProbBack:
		a := kernel.LogProbArgs{Span: v.span, Out: v.val(in.Out), A: v.val(in.A), B: v.val(in.B), N: int32(in.N)}
		if in.Forward {
			a.Mask, a.Choice, a.Words = v.rows.Mask, v.rows.Action, int32(graph.Words(w.Actions))
		} else {
			a.Mask, a.Choice, a.Words = v.rows.BMask, v.rows.Undo, int32(graph.Words(w.Back))
		}
		k, g := a.Launch()
		if in.Op == graph.OpLogProbBack {
			k, g = a.LaunchBack()
		}
		launch(o, k, g, s, a)
	case graph.OpLinearBack:
		a := kernel.LinearBackArgs{Span: v.span, Out: v.val(in.Out), A: v.val(in.A), Gate: v.val(in.C), W: p.param(in.B),
			K: int32(in.K), N: int32(in.N), Acc: bit(in.Acc)}
		k, g := a.Launch()
		launch(o, k, g, s, a)
	case graph.OpLinearGrad:
		a := kernel.LinearGradArgs{Span: v.span, A: v.val(in.A), D: v.val(in.B), Out: p.grad(in.Out), Bias: p.grad(in.C),
			K: int32(in.K), N: int32(in.N), GradLen: int32(p.plan.GradLen), First: bit(first)}
		k, g := a.Launch()
		launch(o, k, g, s, a)
	case graph.OpGatherGrad:
		a := kernel.GatherGradArgs{Span: v.span, D: v.val(in.B), Out: p.grad(in.Out), Bias: p.grad(in.C), Feat: v.rows.Feat,
			Active: int32(w.Active), Values: int32(w.Values), N: int32(in.N), GradLen: int32(p.plan.GradLen), First: bit(first)}
		k, g := a.Launch()
		launch(o, k, g, s, a)
	case graph.OpAct:
		launch(o, kernel.Act, kernel.ElementsGrid(rows, lanes, in.N), s, kernel.ActArgs{Span: v.span, Out: v.val(in.Out), A: v.val(in.A),
			N: int32(in.N), Act: int32(in.Act)})
	case graph.OpActBack:
		launch(o, kernel.ActBack, kernel.ElementsGrid(rows, lanes, in.N), s, kernel.ActArgs{Span: v.span, Out: v.val(in.Out), A: v.val(in.A),
			B: v.val(in.B), N: int32(in.N), Act: int32(in.Act)})
	case graph.OpAdd, graph.OpSub, graph.OpMul, graph.OpScale, graph.OpSquare, graph.OpConst:
		launch(o, kernel.Rows_, kernel.ElementsGrid(rows, lanes, in.N), s, kernel.ElementsArgs{Span: v.span, Out: v.val(in.Out), A: v.val(in.A),
			B: v.val(in.B), Op: int32(in.Op - graph.OpAdd), N: int32(in.N), C: in.Const})
	default:
		panic(badOp)
	}
}

const badOp = "cuda: an instruction stands in an entry it does not belong to"

func bit(b bool) int32 {
	if b {
		return 1
	}
	return 0
}
