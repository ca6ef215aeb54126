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
	p.runLanes(graph.BlockRows, p.backJob)
	p.dev.pool.run((p.plan.GradLen+reduceSpan-1)/reduceSpan, p.reduceJob)
	for _, f := range p.plan.Folds {
		addTo(p.fast, p.grads[f.Dst:f.Dst+f.Len], p.lanes[0].grads[f.Src:])
	}
	for _, r := range p.plan.CloseGrads {
		addTo(p.fast, p.grads[r.Off:r.Off+r.Len], p.closeGrads[r.Off:])
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
	l.grads = grown(l.grads, p.plan.GradLen) // each part is written by one instruction, which starts from 0 at row 0
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

// reduceRange is f32.Tree over the lanes for a range of parameters, element by element, in the first lane's buffer, and from there to
// the destination.
func (p *program[T]) reduceRange(_ *worker[T], i int) {
	a, b := i*reduceSpan, min((i+1)*reduceSpan, p.plan.GradLen)
	for s := 1; s < p.active; s *= 2 {
		for k := 0; k+s < p.active; k += 2 * s {
			addTo(p.fast, p.lanes[k].grads[a:b], p.lanes[k+s].grads[a:b])
		}
	}
	// What no instruction writes is 0 in every lane; beyond the parameters there is only what Folds add.
	if n := len(p.grads); a < n {
		copy(p.grads[a:min(b, n)], p.lanes[0].grads[a:])
	}
}
