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

// turnedN bounds the columns of a layer whose gradient is computed transposed. On AVX2 and 256 inputs that takes half the time at 4, 5 and 9
// columns, two thirds at 12, and the same where columns fill their vectors.
const turnedN = 16

// linearGrad is OpLinearGrad: dW += xᵀ·d and dbias += Σ d, chains over the lane's rows.
func (p *program[T]) linearGrad(w *worker[T], sp *span[T], in *graph.Instr) {
	x, lx := p.at(w, sp, in.A)
	d, ld := p.at(w, sp, in.B)
	dw, acc := sp.l.grads[in.Out.Off:][:in.K*in.N], sp.row > 0
	if p.fast != nil && in.N < turnedN && in.N < in.K && in.N%p.fast.lanes != 0 {
		// dWᵀ = dᵀ·x: the same chains, and the rows of x are vectors as they lie. The lane's last block turns it.
		p.product(w, product[T]{tA: true, m: in.N, n: in.K, k: sp.n, a: d, lda: ld, b: x, ldb: lx, c: dw, ldc: in.K, acc: acc})
		if sp.row+sp.n == sp.l.rows {
			w.turn(dw, in.N)
		}
	} else {
		p.product(w, product[T]{tA: true, m: in.K, n: in.N, k: sp.n, a: x, lda: lx, b: d, ldb: ld, c: dw, ldc: in.N, acc: acc})
	}
	if in.C.Class == graph.None {
		return
	}
	db := sp.l.grads[in.C.Off : in.C.Off+in.N]
	if sp.row == 0 {
		clear(db)
	}
	addColumns(p.fast, db, d, ld, sp.n)
}

// turn transposes x, which has so many rows.
func (w *worker[T]) turn(x []T, rows int) {
	w.turned = grown(w.turned, len(x))
	from := w.turned[:len(x)]
	copy(from, x)
	columns := len(x) / rows
	for i := range rows {
		for j, v := range from[i*columns : (i+1)*columns] {
			x[j*rows+i] = v
		}
	}
}

// addColumns is  for r := range rows { for j := range sum { sum[j] += x[r*ld+j] } }.
func addColumns[T f32.Float](k *rowKernels, sum, x []T, ld, rows int) {
	n := len(sum)
	if k == nil {
		for r := range rows {
			for j, v := range x[r*ld : r*ld+n] {
				sum[j] += v
			}
		}
		return
	}
	x = x[:(rows-1)*ld+n]
	j := 0
	for ; j+wideColumns <= n; j += wideColumns {
		k.columnSums(first(sum[j:]), first(x[j:]), 4*ld, rows, nil)
	}
	for ; j < n; j += k.lanes {
		k.columnSumsOne(first(sum[j:]), first(x[j:]), 4*ld, rows, firstLanes(min(k.lanes, n-j)))
	}
}

// product runs one matrix product on the device's tier; float64 has only the definition.
func (p *program[T]) product(w *worker[T], q product[T]) {
	w.q = q
	if f, ok := any(&w.q).(*product[float32]); ok {
		w.pack.matmul(p.dev.tier, f)
	} else {
		matmulDef(&w.q)
	}
	w.q = product[T]{} // keeps no matrix alive
}
