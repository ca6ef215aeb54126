package cpu

import (
	"github.com/sluice-ml/sluice/graph"
)

// This file is the Backward entry: lane by lane, blocks in append order, so that every sum into a parameter is one chain over the
// lane's rows whatever the chunk; then the lanes' parts are added by the pairwise tree.

// reduceSpan is how many parameters one job adds over the lanes.
const reduceSpan = 4096

func (p *program[T]) Backward(params, grads graph.Buffer) error {
	p.params, p.grads = params.(*buffer[T]).x, grads.(*buffer[T]).x
	p.packAll(p.back)
	if p.drops() {
		p.packAll(p.forward)
	}
	p.dev.pool.run(p.active, p.backJob)
	p.dev.pool.run((p.plan.GradLen+reduceSpan-1)/reduceSpan, p.reduceJob)
	sum := p.lanes[0].grads
	for _, f := range p.plan.Folds {
		for j, v := range sum[f.Src : f.Src+f.Len] {
			sum[f.Dst+j] += v
		}
	}
	clear(p.grads)
	for _, r := range p.plan.LaneGrads {
		copy(p.grads[r.Off:r.Off+r.Len], sum[r.Off:])
	}
	for _, r := range p.plan.CloseGrads {
		for j, v := range p.closeGrads[r.Off : r.Off+r.Len] {
			p.grads[r.Off+j] += v
		}
	}
	return nil
}

// drops reports whether the budget left a lane without some of its Saved values.
func (p *program[T]) drops() bool {
	for i := range p.active {
		if l := &p.lanes[i]; l.rows > len(l.saved)*graph.BlockRows {
			return true
		}
	}
	return false
}

func (p *program[T]) backLane(w *worker[T], i int) {
	l := &p.lanes[i]
	l.grads = grown(l.grads, p.plan.GradLen)
	clear(l.grads)
	for row := 0; row < l.rows; {
		sp := p.spanAt(w, l, row, l.rows-row)
		if row/graph.BlockRows >= len(l.saved) {
			// The same instructions on the same parameters and row data: the same bits. No action is drawn.
			_ = p.runStep(w, &sp, p.recompute, p.againPack, 0)
		}
		p.runBackward(w, &sp, p.plan.Backward, p.backPack)
		row += sp.n
	}
}

// reduceRange is f32.Tree over the lanes for a range of parameters, element by element, in the first lane's buffer.
func (p *program[T]) reduceRange(_ *worker[T], i int) {
	a, b := i*reduceSpan, min((i+1)*reduceSpan, p.plan.GradLen)
	for s := 1; s < p.active; s *= 2 {
		for k := 0; k+s < p.active; k += 2 * s {
			dst, src := p.lanes[k].grads[a:b], p.lanes[k+s].grads[a:b]
			for j, v := range src {
				dst[j] += v
			}
		}
	}
}
