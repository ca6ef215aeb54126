package cpu

import "github.com/sluice-ml/sluice/graph"

// opKnown lists what runStep, runBackward and runClose together can do; Compile refuses the rest.
var opKnown = [...]bool{
	graph.OpGather: true, graph.OpLinear: true, graph.OpAct: true, graph.OpSample: true, graph.OpLogProb: true,
	graph.OpLogProbBack: true, graph.OpLinearBack: true, graph.OpLinearGrad: true, graph.OpGatherGrad: true, graph.OpActBack: true,
	graph.OpAdd: true, graph.OpSub: true, graph.OpMul: true, graph.OpScale: true, graph.OpSquare: true, graph.OpConst: true,
	graph.OpSumT: true, graph.OpSpreadT: true, graph.OpSpread: true, graph.OpSum: true, graph.OpMean: true, graph.OpMeanBack: true,
	graph.OpDivSteps: true, graph.OpVariance: true, graph.OpVarianceBack: true, graph.OpNext: true, graph.OpNextBack: true,
	graph.OpNextFlow: true, graph.OpNextFlowBack: true, graph.OpLast: true, graph.OpFirst: true, graph.OpFirstBack: true,
}

// runStep runs row-local forward instructions over a block. step is the rows' step, for OpSample.
func (p *program[T]) runStep(w *worker[T], sp *span[T], list []graph.Instr, packs []*pack[T], step int) error {
	for i := range list {
		in := &list[i]
		switch in.Op {
		case graph.OpGather:
			p.gather(w, sp, in)
		case graph.OpLinear:
			p.linear(w, sp, in, packed(packs, i))
		case graph.OpSample:
			if err := p.sample(w, sp, in, step); err != nil {
				return err
			}
		case graph.OpLogProb:
			p.logProb(w, sp, in)
		case graph.OpAct:
			out, lo := p.at(w, sp, in.Out)
			a, la := p.at(w, sp, in.A)
			for r := range sp.n {
				copy(out[r*lo:r*lo+in.N], a[r*la:r*la+in.N])
				activate(in.Act, out[r*lo:r*lo+in.N])
			}
		default:
			p.elementwise(w, sp, in)
		}
	}
	return nil
}

// runBackward runs row-local gradient instructions over a block.
func (p *program[T]) runBackward(w *worker[T], sp *span[T], list []graph.Instr, packs []*pack[T]) {
	for i := range list {
		in := &list[i]
		switch in.Op {
		case graph.OpLogProbBack:
			p.logProbBack(w, sp, in)
		case graph.OpLinearBack:
			p.linearBack(w, sp, in, packed(packs, i))
		case graph.OpLinearGrad:
			p.linearGrad(w, sp, in)
		case graph.OpGatherGrad:
			p.gatherGrad(w, sp, in)
		case graph.OpActBack:
			p.actBack(w, sp, in)
		default:
			p.elementwise(w, sp, in)
		}
	}
}

// elementwise runs OpAdd .. OpConst on the rows of a block.
func (p *program[T]) elementwise(w *worker[T], sp *span[T], in *graph.Instr) {
	out, lo := p.at(w, sp, in.Out)
	a, la, b, lb := out, lo, out, lo
	if in.A.Class != graph.None {
		a, la = p.at(w, sp, in.A)
	}
	if in.B.Class != graph.None {
		b, lb = p.at(w, sp, in.B)
	}
	if lo == in.N && la == in.N && lb == in.N {
		n := sp.n * in.N
		elements(in, out[:n], a[:n], b[:n])
		return
	}
	for r := range sp.n {
		elements(in, out[r*lo:r*lo+in.N], a[r*la:r*la+in.N], b[r*lb:r*lb+in.N])
	}
}
