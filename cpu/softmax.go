package cpu

import (
	"math"

	"github.com/sluice-ml/sluice/f32"
	"github.com/sluice-ml/sluice/graph"
)

// logProb is OpLogProb, the masked log-softmax at one action:
//
//	m = max over allowed x[j];  e[j] = exp(x[j]-m), +0 for masked;  out[r] = (x[a] - m) - log(RowSum(e))
//
// and 0 where the row has no action.
func (p *program[T]) logProb(w *worker[T], sp *span[T], in *graph.Instr) {
	x, ld := p.at(w, sp, in.A)
	out, lo := p.at(w, sp, in.Out)
	mask, words, action := p.choices(sp, in.Forward)
	if p.fast != nil {
		logProbFast(&w.soft, p.fast, out, lo, x, ld, in.N, mask, words, action[:sp.n])
		return
	}
	w.dlogits = grown(w.dlogits, in.N)
	for r := range sp.n {
		a := action[r]
		if a < 0 {
			out[r*lo] = 0
			continue
		}
		row := x[r*ld : r*ld+in.N]
		m, sum := softmax(w.dlogits[:in.N], row, mask[r*words:(r+1)*words])
		out[r*lo] = (row[a] - m) - log(sum)
	}
}

// logProbBack is OpLogProbBack: the gradient by the logits of g times logProb,
//
//	out[r,j] = g[r]·([j = a] - e[j]/Σe)   +0 for masked j and where the row has no action
func (p *program[T]) logProbBack(w *worker[T], sp *span[T], in *graph.Instr) {
	g, lg := p.at(w, sp, in.A)
	x, ld := p.at(w, sp, in.B)
	out, lo := p.at(w, sp, in.Out)
	mask, words, action := p.choices(sp, in.Forward)
	if p.fast != nil {
		logProbBackFast(&w.soft, p.fast, out, lo, g, lg, x, ld, in.N, mask, words, action[:sp.n])
		return
	}
	w.dlogits = grown(w.dlogits, in.N)
	for r := range sp.n {
		o, a := out[r*lo:r*lo+in.N], action[r]
		if a < 0 {
			clear(o)
			continue
		}
		bits := mask[r*words : (r+1)*words]
		e := w.dlogits[:in.N]
		_, sum := softmax(e, x[r*ld:r*ld+in.N], bits)
		for j := range o {
			if bits[j/32]>>(j%32)&1 == 0 {
				o[j] = 0
				continue
			}
			hit := T(0)
			if int32(j) == a {
				hit = 1
			}
			o[j] = g[r*lg] * (hit - e[j]/sum)
		}
	}
}

// choices are the masks and the chosen actions of the block's rows.
func (p *program[T]) choices(sp *span[T], forward bool) (mask []uint32, words int, action []int32) {
	l, s := sp.l, &p.plan.World
	if forward {
		words = graph.Words(s.Actions)
		return l.mask[sp.row*words:], words, l.action[sp.row:]
	}
	words = graph.Words(s.Back)
	return l.bmask[sp.row*words:], words, l.undo[sp.row:]
}

// softmax fills e with exp(x - m), +0 where masked, and returns m, the largest allowed x, and the sum of e.
func softmax[T f32.Float](e, x []T, mask []uint32) (m, sum T) {
	m = T(math.Inf(-1))
	for j, v := range x {
		if mask[j/32]>>(j%32)&1 != 0 && v > m {
			m = v
		}
	}
	for j, v := range x {
		if mask[j/32]>>(j%32)&1 != 0 {
			e[j] = exp(v - m)
		} else {
			e[j] = 0
		}
	}
	return m, f32.RowSum(e)
}
