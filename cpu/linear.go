package cpu

import (
	"github.com/sluice-ml/sluice/f32"
	"github.com/sluice-ml/sluice/graph"
)

// This file maps the dense layer and its gradients onto the matrix product.

// linear is OpLinear: out = act(x·W + bias).
func (p *program[T]) linear(w *worker[T], sp *span[T], in *graph.Instr, pk []T) {
	x, lx := p.at(w, sp, in.A)
	out, lo := p.at(w, sp, in.Out)
	p.product(w, product[T]{m: sp.n, n: in.N, k: in.K, a: x, lda: lx, b: p.params[in.B.Off:], ldb: in.N, packed: pk,
		c: out, ldc: lo, bias: p.params[in.C.Off : in.C.Off+in.N], relu: in.Act == graph.ReLU})
	if in.Act == graph.Leaky || in.Act == graph.Tanh {
		for r := range sp.n {
			activate(in.Act, out[r*lo:r*lo+in.N])
		}
	}
}

// linearBack is OpLinearBack: out (= or +=) d·Wᵀ, zero where the gate is not positive.
func (p *program[T]) linearBack(w *worker[T], sp *span[T], in *graph.Instr, pk []T) {
	d, ld := p.at(w, sp, in.A)
	out, lo := p.at(w, sp, in.Out)
	q := product[T]{tB: true, m: sp.n, n: in.K, k: in.N, a: d, lda: ld, b: p.params[in.B.Off:], ldb: in.N, packed: pk,
		c: out, ldc: lo, acc: in.Acc}
	if in.C.Class != graph.None {
		q.gate, q.ldg = p.at(w, sp, in.C)
	}
	p.product(w, q)
}

// linearGrad is OpLinearGrad: dW += xᵀ·d and dbias += Σ d, chains over the lane's rows.
func (p *program[T]) linearGrad(w *worker[T], sp *span[T], in *graph.Instr) {
	x, lx := p.at(w, sp, in.A)
	d, ld := p.at(w, sp, in.B)
	p.product(w, product[T]{tA: true, m: in.K, n: in.N, k: sp.n, a: x, lda: lx, b: d, ldb: ld,
		c: sp.l.grads[in.Out.Off:], ldc: in.N, acc: true})
	if in.C.Class == graph.None {
		return
	}
	db := sp.l.grads[in.C.Off : in.C.Off+in.N]
	for r := range sp.n {
		for j, v := range d[r*ld : r*ld+in.N] {
			db[j] += v
		}
	}
}

// product runs one matrix product on the device's tier; float64 has only the definition.
func (p *program[T]) product(w *worker[T], q product[T]) {
	w.q = q
	if f, ok := any(&w.q).(*product[float32]); ok {
		w.pack.matmul(p.dev.tier, f)
		return
	}
	matmulDef(&w.q)
}

// pack is a weight in the panels the product reads, made once an entry and shared by all workers.
type pack[T f32.Float] struct {
	off, k, n int // of the parameter; the product's inner and outer width
	tB, back  bool
	panels    []T
}

func packed[T f32.Float](packs []*pack[T], i int) []T {
	if packs == nil || packs[i] == nil {
		return nil
	}
	return packs[i].panels
}

// packRows is the least number of rows a lane must bring for a forward weight to be packed ahead.
const packRows = 24

// planPacks finds the weights that products read.
func (p *program[T]) planPacks() {
	if _, ok := any(p).(*program[float32]); !ok || p.dev.tier == tierGo {
		return
	}
	add := func(q pack[T]) int {
		for i, have := range p.packs {
			if have.off == q.off && have.tB == q.tB && have.back == q.back {
				return i
			}
		}
		q.panels = make([]T, packedLen(q.k, q.n))
		p.packs = append(p.packs, q)
		return len(p.packs) - 1
	}
	step, back := map[int]int{}, map[int]int{}
	for i, in := range p.plan.Step {
		if in.Op == graph.OpLinear {
			step[i] = add(pack[T]{off: in.B.Off, k: in.K, n: in.N})
		}
	}
	for i, in := range p.plan.Backward {
		if in.Op == graph.OpLinearBack {
			back[i] = add(pack[T]{off: in.B.Off, k: in.N, n: in.K, tB: true, back: true})
		}
	}
	p.stepPack, p.backPack = make([]*pack[T], len(p.plan.Step)), make([]*pack[T], len(p.plan.Backward))
	for i, k := range step {
		p.stepPack[i] = &p.packs[k]
	}
	for i, k := range back {
		p.backPack[i] = &p.packs[k]
	}
}

// packAll packs the weights of one direction for the parameters now in p.params.
func (p *program[T]) packAll(back bool) {
	p.packBackward = back
	p.dev.pool.run(len(p.packs), p.packJob)
}

func (p *program[T]) packOne(_ *worker[T], i int) {
	q := &p.packs[i]
	if q.back != p.packBackward {
		return
	}
	if dst, ok := any(q.panels).([]float32); ok {
		src := any(p.params[q.off : q.off+q.k*q.n]).([]float32)
		ldb := q.n
		if q.tB {
			ldb = q.k
		}
		packB(p.dev.tier, dst, q.tB, q.k, q.n, src, ldb)
	}
}
