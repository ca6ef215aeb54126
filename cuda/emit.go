package cuda

import (
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// This file turns row instructions into launches.

// emit enqueues row-local instructions on the rows of v. first says that sums into parameters begin here.
func (p *program) emit(list [][]graph.Instr, v *view, s driver.Stream, first bool) {
	fast := p.o.blas != nil && v.span.From == 0
	for _, run := range list {
		if fast && p.emitFast(run, v, s, first) {
			continue
		}
		p.emitRun(run, v, s, first)
	}
}

// emitRun is one launch of instructions that runs has put together.
func (p *program) emitRun(run []graph.Instr, v *view, s driver.Stream, first bool) {
	if most, ok := together[run[0].Op]; !ok || run[0].N > most {
		p.emitOne(&run[0], v, s, first)
		return
	}
	switch run[0].Op {
	case graph.OpLinear:
		several(p.o, run, s, (*kernel.LinearArgs).Launch, func(in *graph.Instr) kernel.LinearArgs { return p.linear(in, v) })
	case graph.OpLinearBack: // one product after the other, in one block
		var all kernel.Several[kernel.LinearBackArgs]
		for i := range run {
			all[i] = p.linearBack(&run[i], v)
		}
		k, g := all[0].Launch()
		launch(p.o, k, g, s, all)
	case graph.OpLinearGrad:
		several(p.o, run, s, (*kernel.LinearGradArgs).Launch, func(in *graph.Instr) kernel.LinearGradArgs { return p.linearGrad(in, v, first) })
	case graph.OpLogProb:
		several(p.o, run, s, (*kernel.LogProbArgs).Launch, func(in *graph.Instr) kernel.LogProbArgs { return p.logProb(in, v) })
	case graph.OpLogProbBack:
		several(p.o, run, s, (*kernel.LogProbArgs).LaunchBack, func(in *graph.Instr) kernel.LogProbArgs { return p.logProb(in, v) })
	case graph.OpGatherGrad:
		several(p.o, run, s, (*kernel.GatherGradArgs).Launch, func(in *graph.Instr) kernel.GatherGradArgs { return p.gatherGrad(in, v, first) })
	default:
		panic(badOp)
	}
}

// several launches the instructions of a run together, as far as they take one kernel.
func several[A any](o *owner, run []graph.Instr, s driver.Stream, shape func(*A) (kernel.ID, kernel.Grid), args func(*graph.Instr) A) {
	for len(run) > 0 {
		var all kernel.Several[A]
		for i := range run {
			all[i] = args(&run[i])
		}
		k, g, n := kernel.Together(all[:len(run)], shape)
		clear(all[n:])
		launchDeep(o, k, g, n, s, all)
		run = run[n:]
	}
}

func (p *program) linear(in *graph.Instr, v *view) kernel.LinearArgs {
	return kernel.LinearArgs{Span: v.span, Out: v.val(in.Out), A: v.val(in.A), W: p.param(in.B), Bias: p.param(in.C),
		K: int32(in.K), N: int32(in.N), Act: int32(in.Act)}
}

func (p *program) linearBack(in *graph.Instr, v *view) kernel.LinearBackArgs {
	return kernel.LinearBackArgs{Span: v.span, Out: v.val(in.Out), A: v.val(in.A), Gate: v.val(in.C), W: p.param(in.B),
		K: int32(in.K), N: int32(in.N), Acc: bit(in.Acc)}
}

func (p *program) linearGrad(in *graph.Instr, v *view, first bool) kernel.LinearGradArgs {
	return kernel.LinearGradArgs{Span: v.span, A: v.val(in.A), D: v.val(in.B), Out: p.grad(in.Out), Bias: p.grad(in.C),
		K: int32(in.K), N: int32(in.N), GradLen: int32(p.plan.GradLen), First: bit(first)}
}

func (p *program) logProb(in *graph.Instr, v *view) kernel.LogProbArgs {
	a := kernel.LogProbArgs{Span: v.span, Out: v.val(in.Out), A: v.val(in.A), B: v.val(in.B), N: int32(in.N)}
	if in.Forward {
		a.Mask, a.Choice, a.Words = v.rows.Mask, v.rows.Action, int32(graph.Words(p.plan.World.Actions))
	} else {
		a.Mask, a.Choice, a.Words = v.rows.BMask, v.rows.Undo, int32(graph.Words(p.plan.World.Back))
	}
	return a
}

func (p *program) gatherGrad(in *graph.Instr, v *view, first bool) kernel.GatherGradArgs {
	w := &p.plan.World
	a := kernel.GatherGradArgs{Span: v.span, D: v.val(in.B), Gate: v.val(in.A), Out: p.grad(in.Out), Bias: p.grad(in.C), Feat: v.rows.Feat,
		Active: int32(w.Active), Values: int32(w.Values), N: int32(in.N), GradLen: int32(p.plan.GradLen), First: bit(first)}
	if in.Out.Class == graph.None { // the bias alone: unbiased
		a.Active, a.Values = 0, 1
	}
	return a
}

// emitOne is an instruction whose kernel does one.
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
		a := p.linear(in, v)
		k, g := a.Launch()
		launch(o, k, g, s, a)
	case graph.OpLogProb, graph.OpLogProbBack:
		a := p.logProb(in, v)
		k, g := a.Launch()
		if in.Op == graph.OpLogProbBack {
			k, g = a.LaunchBack()
		}
		launch(o, k, g, s, a)
	case graph.OpLinearBack:
		a := p.linearBack(in, v)
		k, g := a.Launch()
		launch(o, k, g, s, a)
	case graph.OpLinearGrad:
		a := p.linearGrad(in, v, first)
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
