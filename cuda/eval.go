package cuda

import (
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/kernel"
)

// This file is Eval: Step's forward slice at any states, in memory of its own, so that the batch is left alone.

func (p *program) evalSpan() int { return max(4, p.dev.cfg.Chunk&^3) }

// evalView is the first n rows of Eval's only lane, all of whose values are local.
func (p *program) evalView(n int) view {
	e, pl := p.evalSpan(), p.plan
	h := &p.held
	v := view{local: e, longest: int32(e), keptLocal: true, again: true,
		kept: h.evalRows.u(0), saved: h.evalRows.u(e * pl.KeptCols), scratch: h.evalRows.u(e * (pl.KeptCols + pl.SavedCols))}
	v.span = kernel.Span{To: h.evalFeat.u(0), Len: int32(n), Cap: int32(e), Lanes: 1}
	v.rows.Feat = h.evalFeat.u(evalHead + e*pl.World.Ints)
	return v
}

// evalHead is the words before the states: the number of rows, where a Span looks for it.
const evalHead = 16

func (p *program) evaluate() {
	o, s, w, e := p.o, p.o.stream[0], &p.plan.World, p.evalSpan()
	cols := 0
	for i, d := range p.dst {
		if d != nil {
			cols += p.plan.Heads[i].Ref.Cols
		}
	}
	if p.failure = p.mem.pin(&p.pin.evalOut, max(1, cols*min(e, len(p.states)/w.Ints))); p.failure != nil {
		return
	}
	for from := 0; from*w.Ints < len(p.states) && o.failed == nil; from += e {
		n := min(e, len(p.states)/w.Ints-from)
		in := as[int32](p.pin.evalIn.b, evalHead+n*w.Ints)
		in[0] = int32(n)
		copy(in[evalHead:], p.states[from*w.Ints:(from+n)*w.Ints])
		o.toDevice(p.held.evalFeat.p, raw(in), s)
		v := p.evalView(n)
		launch(o, kernel.Features, kernel.JointGrid(n*w.Ints), s, kernel.FeaturesArgs{State: p.held.evalFeat.u(evalHead), Feat: v.rows.Feat,
			N: int32(n), Ints: int32(w.Ints), Values: int32(w.Values)})
		for _, run := range p.heads {
			p.emitRun(run, &v, s, false)
		}
		at := 0
		for i, d := range p.dst {
			if d != nil {
				r := p.plan.Heads[i].Ref
				o.toHost(p.pin.evalOut.b[4*at:4*(at+n*r.Cols)], driver.Ptr(v.val(r).P), s)
				at += n * r.Cols
			}
		}
		o.sync(s)
		if o.failed != nil {
			return
		}
		at = 0
		for i, d := range p.dst {
			if d != nil {
				c := p.plan.Heads[i].Ref.Cols
				for j, v := range as[float32](p.pin.evalOut.b, at+n*c)[at:] {
					d[from*c+j] = float64(v)
				}
				at += n * c
			}
		}
	}
}
