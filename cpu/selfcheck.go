//go:build (amd64 || arm64) && !noasm

// This file compares the kernels of a tier with the definition, in well under a millisecond: what a program does first on a kind of
// processor where the kernels have only been emulated.

package cpu

import (
	"math"
	"slices"

	"github.com/sluice-ml/sluice/f32"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// sound reports whether the tier's kernels, each of them, give the bits of the definition on a few small problems.
func sound(t tier) bool {
	numbers, k := newTrialNumbers(), rowTable[t]
	var w packer
	for _, p := range trialProducts(matmulKernels[t]) {
		if !equalBits(p.run(&w, tierGo, numbers), p.run(&w, t, numbers)) {
			return false
		}
	}
	return equalBits(numbers.rows(nil, k.lanes), numbers.rows(k, k.lanes))
}

// equalBits takes any NaN for a NaN.
func equalBits(x, y []float32) bool {
	for i, v := range x {
		if math.Float32bits(v) != math.Float32bits(y[i]) && (v == v || y[i] == y[i]) {
			return false
		}
	}
	return true
}

// trialNumbers are what trials begin with: numbers between -1 and 1, among them -0 and subnormals, and the same with NaN among them.
type trialNumbers struct{ finite, any []float32 }

func newTrialNumbers() *trialNumbers {
	x := make([]float32, 2048) // more than any matrix here has
	rng.NewKey(1).Uniform(x, 0)
	for i, v := range x {
		switch x[i] = 2*v - 1; i % 19 {
		case 7:
			x[i] = float32(math.Copysign(0, -1))
		case 12:
			x[i] *= 0x1p-130
		}
	}
	y := slices.Clone(x)
	for i := 4; i < len(y); i += 9 {
		y[i] = float32(math.NaN())
	}
	return &trialNumbers{x, y}
}

// read are n numbers from one on, not to be changed; fresh are a copy.
func (t *trialNumbers) read(from, n int) []float32  { return t.finite[from:][:n] }
func (t *trialNumbers) fresh(from, n int) []float32 { return slices.Clone(t.read(from, n)) }

// trialProduct is a product with every epilogue, or, to hide nothing, with none that sets elements to 0.
type trialProduct struct {
	m, n, k        int
	tA, tB, packed bool
	open           bool
}

// trialProducts reach every kernel: tiles of each height and width, whole and not, and both ways to pack A and B.
func trialProducts(ks *kernels) []trialProduct {
	lanes := ks.lanes
	list := []trialProduct{
		{m: 3, n: 2*lanes + 3, k: 2*lanes + 1, tB: true, open: true},
		{m: 3, n: 2*lanes + 3, k: 3, packed: true, open: true},
		{m: ks.rows[2] + 1, n: inPlaceN + lanes - 1, k: 3, tA: true, open: true},
	}
	for m := 1; m <= max(ks.rows[1], ks.rows[2]); m++ {
		for _, n := range []int{lanes - 1, lanes, 3*lanes - 1, 3 * lanes, 3*lanes + 1} {
			list = append(list, trialProduct{m: m, n: n, k: 3})
		}
	}
	return list
}

func (s trialProduct) run(w *packer, on tier, numbers *trialNumbers) []float32 {
	p := product[float32]{tA: s.tA, tB: s.tB, m: s.m, n: s.n, k: s.k, acc: true, relu: !s.open, a: numbers.read(1, s.m*s.k), lda: s.k,
		b: numbers.read(2, s.k*s.n), ldb: s.n, c: slices.Clone(numbers.any[3:][:s.m*s.n]), ldc: s.n, bias: numbers.read(5, s.n)}
	if !s.open {
		p.gate, p.ldg = numbers.any[8:][:s.m*s.n], s.n
	}
	if s.tA {
		p.lda = s.m
	}
	if s.tB {
		p.ldb = s.k
	}
	if s.packed {
		p.packed = make([]float32, packedLen(s.k, s.n))
		packB(on, p.packed, s.tB, s.k, s.n, p.b, p.ldb)
	}
	w.matmul(on, &p)
	return p.c
}

// trial is a block of rows of one lane, for the instructions that work row by row.
type trial struct {
	p      *program[float32]
	w      *worker[float32]
	sp     span[float32]
	n      int
	sums   []float32
	logits graph.Ref // [rows, n]
	out    graph.Ref
}

const (
	trialRows     = 7
	trialActive   = 2
	trialFeatures = 3
)

func (t *trialNumbers) trial(k *rowKernels, w *worker[float32], n int) *trial {
	words := graph.Words(n)
	shape := graph.Shape{Ints: 1, Active: trialActive, Actions: n, Back: n, Stop: -1}
	l := &lane[float32]{feat: make([]int32, (1+trialRows)*trialActive), mask: make([]uint32, (1+trialRows)*words),
		action: make([]int32, 1+trialRows), traj: make([]int32, 1+trialRows), role: make([]int32, 1+trialRows),
		logPB: t.read(6, 1+trialRows), grads: t.fresh(7, (trialFeatures+1)*n)}
	for i := range l.feat {
		l.feat[i] = int32(i * i % trialFeatures)
	}
	for i := range l.action {
		l.traj[i] = int32(i)
		l.action[i] = int32(i % n)
		for j := range n {
			if (i+j)%3 > 0 || j == i%n {
				l.mask[i*words+j/32] |= 1 << (j % 32)
			}
		}
	}
	l.action[3] = -1
	p := &program[float32]{fast: k, dev: &device[float32]{tier: tierGo}, plan: &graph.Plan{World: shape},
		params: t.read(8, (trialFeatures+1)*n), src: graph.Source{Key: rng.NewKey(9)}}
	w.scratch = make([]float32, trialRows*n)
	return &trial{p: p, n: n, w: w, sums: t.fresh(11, n),
		sp:     span[float32]{l: l, row: 1, n: trialRows, saved: t.read(10, trialRows*n)},
		logits: graph.Ref{Class: graph.Saved, Cols: n}, out: graph.Ref{Class: graph.Scratch, Cols: n}}
}

// rows is what the row instructions compute by some kernels, nil for plain Go, at widths that reach each of those with so many lanes.
func (t *trialNumbers) rows(k *rowKernels, lanes int) (all []float32) {
	var w worker[float32]
	for n := wideColumns + 1; n <= wideColumns+lanes; n++ {
		all = append(all, t.trial(k, &w, n).layer()...)
	}
	for _, n := range []int{2, 19, 35} {
		all = append(all, t.trial(k, &w, n).choice()...)
	}
	return append(append(all, t.update(k, graph.SGD)...), t.update(k, graph.Adam)...)
}

// layer is gather, its gradient, and the sums of columns.
func (t *trial) layer() []float32 {
	at := trialFeatures * t.n
	weight, bias := graph.Ref{Class: graph.Param}, graph.Ref{Class: graph.Param, Off: at}
	t.p.gather(t.w, &t.sp, &graph.Instr{Op: graph.OpGather, N: t.n, K: trialFeatures, A: weight, B: bias, Out: t.out, Act: graph.ReLU})
	weight.Class, bias.Class = graph.Grad, graph.Grad
	t.p.gatherGrad(t.w, &t.sp, &graph.Instr{Op: graph.OpGatherGrad, N: t.n, K: trialFeatures, B: t.logits, Out: weight, C: bias})
	addColumns(t.p.fast, t.sums, t.sp.saved, t.n, trialRows)
	return append(append(t.sums, t.w.scratch...), t.sp.l.grads...)
}

// choice is the softmax, its gradient, and draws.
func (t *trial) choice() []float32 {
	in := graph.Instr{Op: graph.OpLogProbBack, N: t.n, Forward: true, A: graph.Ref{Class: graph.RowData, Cols: 1}, B: t.logits, Out: t.out}
	t.p.logProbBack(t.w, &t.sp, &in)
	all := append([]float32(nil), t.w.scratch...)
	in.Op, in.A, in.Out.Cols = graph.OpLogProb, t.logits, 1
	t.p.logProb(t.w, &t.sp, &in)
	all = append(all, t.w.scratch[:trialRows]...)
	in.Op = graph.OpSample
	if err := t.p.sample(t.w, &t.sp, &in, 0); err != nil {
		panic(err) // nothing is given
	}
	for _, a := range t.sp.l.action {
		all = append(all, float32(a))
	}
	return all
}

// update is the norm and an update, and the sum of two buffers.
func (t *trialNumbers) update(k *rowKernels, kind graph.RuleKind) []float32 {
	const n = 3 * f32.Lanes
	w, g, moments := t.fresh(12, n), t.fresh(13, n), t.fresh(14, 2*n)
	for i, v := range moments[n:] {
		moments[n+i] = float32(math.Abs(float64(v)))
	}
	p := &program[float32]{fast: k, norms: make([]float32, 1), update: updateArgs[float32]{params: w, grads: g, moments: moments, scale: .7,
		pieces: []piece{{0, n - 1, 0}},
		rule:   graph.Rule{Kind: kind, Beta1: .9, OneMinusBeta1: .1, Beta2: .999, OneMinusBeta2: .001, Eps: 1e-8, Decay: .01},
		s:      graph.Scalars{Rates: []float32{.01}, Keep: []float32{.99}, C1: 3, C2: 20}}}
	var wk worker[float32]
	p.normRange(&wk, 0)
	p.updateRange(&wk, 0)
	addTo(k, g, w)
	return append(append(append(w, g...), moments...), p.norms...)
}
