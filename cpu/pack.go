package cpu

import (
	"github.com/sluice-ml/sluice/f32"
	"github.com/sluice-ml/sluice/graph"
)

// This file packs weights: once an entry, shared by all workers, into the panels the product reads.

// packRows is the least number of rows a lane must bring to a step for all weights to be packed ahead: below, the product reads the wide
// ones in place.
const packRows = 48

// pack is one weight in one direction: as it is for forward products, transposed for backward ones.
type pack[T f32.Float] struct {
	off, k, n int // of the parameter; the product's inner and outer width
	tB        bool
	panels    []T
}

// wide is whether packing is worth it for many rows only. A narrow weight is soon packed, and what is not may have to be padded to full
// vectors at every step.
func (q *pack[T]) wide() bool { return q.n > narrowWidth }

// packed is the panels of instruction i, nil where it reads its weight in place.
func packed[T f32.Float](packs []*pack[T], i int) []T {
	if packs == nil || packs[i] == nil {
		return nil
	}
	return packs[i].panels
}

// packsOf finds the pack of each instruction of list among have, adding those that are missing. The definition needs none.
func (p *program[T]) packsOf(list []graph.Instr, have *[]*pack[T]) []*pack[T] {
	out := make([]*pack[T], len(list))
	if _, narrow := any(p).(*program[float32]); !narrow || p.dev.tier == tierGo {
		return out
	}
	for i, in := range list {
		q := pack[T]{off: in.B.Off}
		switch in.Op {
		case graph.OpLinear:
			q.k, q.n = in.K, in.N
		case graph.OpLinearBack:
			q.k, q.n, q.tB = in.N, in.K, true
		default:
			continue
		}
		for _, h := range *have {
			if h.off == q.off && h.tB == q.tB {
				out[i] = h
			}
		}
		if out[i] == nil {
			q.panels = make([]T, packedLen(q.k, q.n))
			out[i] = &q
			*have = append(*have, &q)
		}
	}
	return out
}

// packAll packs the weights of one direction for the parameters now in p.params.
func (p *program[T]) packAll(packs []*pack[T]) {
	p.packs = packs
	p.dev.pool.run(len(packs), p.packJob)
}

func (p *program[T]) packOne(_ *worker[T], i int) {
	q := p.packs[i]
	if dst, ok := any(q.panels).([]float32); ok {
		src := any(p.params[q.off : q.off+q.k*q.n]).([]float32)
		ldb := q.n
		if q.tB {
			ldb = q.k
		}
		packB(p.dev.tier, dst, q.tB, q.k, q.n, src, ldb)
	}
}
