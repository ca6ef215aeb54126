package cuda

import (
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// This file is the Close entry: everything that crosses rows or trajectories.

func (p *program) closing() {
	o, s := p.o, p.o.stream[0]
	if !p.scored {
		o.toDevice(p.held.logR.p, p.pin.logR.b[:4*p.count], s)
		p.rewarded = true
	}
	p.play(p.key(playClose, 0), p.emitClose)
}

// loss is where the last Close's lies, 0 in a plan without one.
func (p *program) loss() driver.Ptr {
	if p.plan.Loss.Class == graph.None {
		return 0
	}
	return p.held.scalars.at(p.plan.Loss.Off)
}

func (p *program) emitClosing() {
	v := p.whole()
	for i := range p.plan.Close {
		p.emitAcross(&p.plan.Close[i], &v)
	}
}

// emitAcross is one instruction of Close.
func (p *program) emitAcross(in *graph.Instr, v *view) {
	o, s := p.o, p.o.stream[0]
	switch in.Op {
	case graph.OpAdd, graph.OpSub, graph.OpMul, graph.OpScale, graph.OpSquare, graph.OpConst:
		if in.Space == graph.PerRow {
			p.emitOne(in, v, s, false)
			return
		}
		n := 1
		if in.Space == graph.PerTraj {
			n = p.count
		}
		launch(o, kernel.Joint, kernel.JointGrid(n), s, kernel.JointArgs{Out: p.joint(in.Out), A: p.joint(in.A), B: p.joint(in.B),
			Op: int32(in.Op - graph.OpAdd), Count: int32(n), C: in.Const})
	case graph.OpSumT, graph.OpLast, graph.OpFirst:
		launch(o, kernel.Collect, kernel.JointGrid(p.count), s, kernel.CollectArgs{Out: p.joint(in.Out), X: v.val(in.A), Rows: v.rows, Trajs: p.trajsOf(),
			Op: collectOps[in.Op], Count: int32(p.count)})
	case graph.OpSpreadT, graph.OpNext, graph.OpNextBack, graph.OpNextFlow, graph.OpNextFlowBack, graph.OpFirstBack:
		a := kernel.CarryArgs{Span: v.span, Out: v.val(in.Out), Rows: v.rows, Op: carryOps[in.Op]}
		switch in.Op {
		case graph.OpSpreadT, graph.OpFirstBack:
			a.Joint = p.joint(in.A)
		case graph.OpNextFlow:
			a.X, a.Joint = v.val(in.A), p.joint(in.B)
		default:
			a.X = v.val(in.A)
		}
		launch(o, kernel.Carry, kernel.ElementsGrid(p.cap, p.lanes, 1), s, a)
	case graph.OpSum, graph.OpMean, graph.OpMeanBack, graph.OpDivSteps, graph.OpVariance, graph.OpVarianceBack, graph.OpSpread:
		launch(o, kernel.Total, kernel.TotalGrid(), s, kernel.TotalArgs{Out: p.joint(in.Out), A: p.joint(in.A), B: p.joint(in.B),
			Tree: p.held.tree.u(0), Steps: p.held.tally.u(1), Op: totalOps[in.Op], Count: int32(p.count)})
	default:
		panic(badOp)
	}
}

// Numbers of the instructions in their kernels; see kernel/abi.h.
var (
	collectOps = map[graph.Op]int32{graph.OpSumT: 0, graph.OpLast: 1, graph.OpFirst: 2}
	carryOps   = map[graph.Op]int32{graph.OpSpreadT: 0, graph.OpNext: 1, graph.OpNextBack: 2, graph.OpNextFlow: 3, graph.OpNextFlowBack: 4, graph.OpFirstBack: 5}
	totalOps   = map[graph.Op]int32{graph.OpSum: 0, graph.OpMean: 1, graph.OpMeanBack: 2, graph.OpDivSteps: 3, graph.OpVariance: 4, graph.OpVarianceBack: 5, graph.OpSpread: 6}
)
