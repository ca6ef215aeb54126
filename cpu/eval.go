package cpu

import "github.com/sluice-ml/sluice/graph"

// This file is Eval: Step's forward slice at any states, in blocks shared out to the workers.

func (p *program[T]) Eval(params graph.Buffer, states []int32, dst [][]float64) error {
	p.params = params.(*buffer[T]).x
	p.evalStates, p.evalDst = states, dst
	p.packAll(p.forward)
	n := len(states) / p.plan.World.Ints
	chunk := p.dev.cfg.Chunk
	p.dev.pool.run((n+chunk-1)/chunk, p.evalJob)
	p.evalStates, p.evalDst = nil, nil
	return nil
}

func (p *program[T]) evalBlock(w *worker[T], i int) {
	s := &p.plan.World
	chunk := p.dev.cfg.Chunk
	from := i * chunk
	n := min(chunk, len(p.evalStates)/s.Ints-from)
	l := &p.evalLanes[w.id]
	l.rows = 0
	l.reserve(n, s, p.keptCols, 0)
	for r := range n {
		for k, v := range p.evalStates[(from+r)*s.Ints : (from+r+1)*s.Ints] {
			l.feat[r*s.Active+k] = int32(k*s.Values) + v
		}
	}
	sp := span[T]{l: l, n: n, saved: w.spill}
	_ = p.runStep(w, &sp, p.heads, p.headPack, 0) // only OpSample can fail, and heads has none
	for h, out := range p.evalDst {
		if out == nil {
			continue
		}
		r := p.plan.Heads[h].Ref
		x, ld := p.at(w, &sp, r)
		for k := range n {
			for j := range r.Cols {
				out[(from+k)*r.Cols+j] = float64(x[k*ld+j])
			}
		}
	}
}
