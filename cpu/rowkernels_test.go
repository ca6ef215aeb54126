// This file tests that the row kernels of every tier give the bits of the definition.

package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// rig is one block of rows of one instruction, with everything it may write filled with canaries.
type rig struct {
	p  *program[float32]
	w  *worker[float32]
	sp span[float32]
	in graph.Instr
}

// rigShape are the sizes of a rig.
type rigShape struct {
	rows, n, pad, active, k int
	special                 bool
	seed                    uint64
}

const rigStart = 3 // rows of the lane before the block, so that gradients go on from what is there

func (s rigShape) build(op graph.Op, fast *rowKernels) *rig {
	r := rand.New(rand.NewPCG(s.seed, 2))
	ld := s.n + s.pad
	p := &program[float32]{fast: fast, dev: &device[float32]{tier: tierGo}, plan: &graph.Plan{World: graph.Shape{Ints: 1, Active: s.active,
		Actions: s.n, Back: s.n, Stop: -1}}}
	p.params = numbers(r, 1, (s.k+1)*s.n, (s.k+1)*s.n, s.special)
	total, words := rigStart+s.rows, graph.Words(s.n)
	l := &lane[float32]{rows: total, feat: make([]int32, total*s.active), mask: make([]uint32, total*words), bmask: make([]uint32, total*words),
		action: make([]int32, total), undo: make([]int32, total), traj: make([]int32, total), role: make([]int32, total)}
	for i := range l.feat {
		l.feat[i] = r.Int32N(int32(s.k))
	}
	for i := range total {
		l.action[i], l.undo[i], l.traj[i] = -1, -1, int32(i)
		for j := range s.n {
			if r.IntN(3) == 0 && (s.seed%5 > 0) {
				continue
			}
			l.mask[i*words+j/32] |= 1 << (j % 32)
			l.bmask[i*words+j/32] |= 1 << (j % 32)
			if r.IntN(2) == 0 {
				l.action[i], l.undo[i] = int32(j), int32(j)
			}
		}
	}
	l.grads = numbers(r, 1, (s.k+1)*s.n, (s.k+1)*s.n, s.special)
	w := &worker[float32]{scratch: numbers(r, graph.BlockRows, ld, ld, false)}
	for i := range w.scratch {
		w.scratch[i] = canary
	}
	saved := numbers(r, graph.BlockRows, ld, ld, s.special)
	for i := range saved {
		if s.special && r.IntN(9) == 0 {
			saved[i] *= 60 // exponentials underflow
		}
	}
	g := numbers(r, graph.BlockRows, 1, 1, s.special)
	out := graph.Ref{Class: graph.Scratch, Cols: ld}
	in := graph.Instr{Op: op, N: s.n, K: s.k, Out: out, Forward: s.seed%2 == 0, Act: graph.Act(s.seed % 4)}
	x := graph.Ref{Class: graph.Saved, Cols: ld}
	weight, bias := graph.Ref{Class: graph.Param, Cols: s.k * s.n}, graph.Ref{Class: graph.Param, Off: s.k * s.n, Cols: s.n}
	switch op {
	case graph.OpGather:
		in.A, in.B = weight, bias
	case graph.OpGatherGrad:
		weight.Class, bias.Class = graph.Grad, graph.Grad
		in.Out, in.B, in.C = weight, x, bias
	case graph.OpLogProb:
		in.A, in.Out.Cols = x, 1+s.pad
	case graph.OpLogProbBack:
		in.A, in.B = graph.Ref{Class: graph.RowData, Cols: 1}, x
		l.logPB = append(make([]float32, rigStart), g...)
	case graph.OpSample:
		in.A = x
		p.src = graph.Source{Key: rng.NewKey(s.seed), Epsilon: .2 * float32(s.seed%3)}
	}
	return &rig{p: p, w: w, in: in, sp: span[float32]{l: l, row: rigStart, n: s.rows, saved: saved}}
}

func (r *rig) run() {
	switch r.in.Op {
	case graph.OpGather:
		r.p.gather(r.w, &r.sp, &r.in)
	case graph.OpGatherGrad:
		r.p.gatherGrad(r.w, &r.sp, &r.in)
	case graph.OpLogProb:
		r.p.logProb(r.w, &r.sp, &r.in)
	case graph.OpLogProbBack:
		r.p.logProbBack(r.w, &r.sp, &r.in)
	case graph.OpSample:
		_ = r.p.sample(r.w, &r.sp, &r.in, 7)
	default:
		addColumns(r.p.fast, r.sp.l.grads[:r.in.N], r.sp.saved, r.in.Out.Cols, r.sp.n)
	}
}

var rigOps = []graph.Op{graph.OpGather, graph.OpGatherGrad, graph.OpLogProb, graph.OpLogProbBack, graph.OpSample, graph.OpLinearGrad} // the last for its bias

func testRows(t *testing.T, fast *rowKernels) {
	for _, op := range rigOps {
		t.Run(op.String(), rapid.MakeCheck(func(t *rapid.T) {
			s := rigShape{rows: rapid.IntRange(1, 40).Draw(t, "rows"), n: rapid.IntRange(1, 100).Draw(t, "n"), pad: rapid.IntRange(0, 3).Draw(t, "pad"),
				active: rapid.IntRange(1, 4).Draw(t, "active"), k: rapid.IntRange(1, 9).Draw(t, "k"), special: rapid.Bool().Draw(t, "special"),
				seed: rapid.Uint64().Draw(t, "seed")}
			if rapid.Bool().Draw(t, "few") {
				s.n = (s.n-1)%33 + 1
			}
			want, got := s.build(op, nil), s.build(op, fast)
			guarded(&got.p.params, &got.sp.l.grads)
			want.run()
			got.run()
			sameBits(t, want.w.scratch, got.w.scratch, "rows")
			sameBits(t, want.sp.l.grads, got.sp.l.grads, "gradients")
			sameBits(t, want.sp.saved, got.sp.saved, "operand")
			require.Equal(t, want.sp.l.action, got.sp.l.action)
		}))
	}
	t.Run("linear gradient", rapid.MakeCheck(func(t *rapid.T) { // on both sides of turnedN and of in.K, over several blocks
		n, k, rows := rapid.IntRange(1, 20).Draw(t, "n"), rapid.IntRange(1, 40).Draw(t, "k"), rapid.IntRange(1, 90).Draw(t, "rows")
		chunk, seed := rapid.IntRange(1, 50).Draw(t, "chunk"), rapid.Uint64().Draw(t, "seed")
		run := func(fast *rowKernels, on tier) []float32 {
			r := rand.New(rand.NewPCG(seed, 4))
			x, d := numbers(r, rows, k, k, false), numbers(r, rows, n, n, false)
			l := &lane[float32]{rows: rows, grads: numbers(r, 1, (k+1)*n, (k+1)*n, false), kept: [][]float32{x, nil}}
			l.kept[1] = d
			p := &program[float32]{dev: &device[float32]{tier: on}, fast: fast}
			in := graph.Instr{Op: graph.OpLinearGrad, N: n, K: k, A: graph.Ref{Class: graph.Kept, Off: 0, Cols: k},
				B: graph.Ref{Class: graph.Kept, Off: 1, Cols: n}, Out: graph.Ref{Class: graph.Grad}, C: graph.Ref{Class: graph.Grad, Off: k * n}}
			w := &worker[float32]{}
			for row := 0; row < rows; row += chunk {
				p.linearGrad(w, &span[float32]{l: l, row: row, n: min(chunk, rows-row)}, &in)
			}
			return l.grads
		}
		sameBits(t, run(nil, tierGo), run(fast, detectTier()), "gradients")
	}))
	t.Run("update", rapid.MakeCheck(func(t *rapid.T) {
		n, seed := rapid.IntRange(1, 200).Draw(t, "n"), rapid.Uint64().Draw(t, "seed")
		special, sgd := rapid.Bool().Draw(t, "special"), rapid.Bool().Draw(t, "sgd")
		decay := float32(rapid.IntRange(0, 1).Draw(t, "decay")) * .01
		run := func(k *rowKernels) (all []float32) {
			r := rand.New(rand.NewPCG(seed, 3))
			w, g, m := numbers(r, 1, n, n, special), numbers(r, 1, n, n, special), numbers(r, 1, 2*n, 2*n, special)
			for i := range n {
				m[n+i] = float32(math.Abs(float64(m[n+i])))
			}
			p := &program[float32]{fast: k, norms: make([]float32, 1)}
			p.update = updateArgs[float32]{params: w, grads: g, moments: m, scale: .7, pieces: []piece{{0, n / 2, 0}, {n / 2, n, 1}},
				rule: graph.Rule{Kind: graph.Adam, Beta1: .9, OneMinusBeta1: .1, Beta2: .999, OneMinusBeta2: .001, Eps: 1e-8, Decay: decay},
				s:    graph.Scalars{Rates: []float32{1e-3, 1e-1}, Keep: []float32{.99, .999}, C1: 3, C2: 20}}
			if sgd {
				p.update.rule.Kind = graph.SGD
			}
			var wk worker[float32]
			p.normRange(&wk, 0)
			p.updateRange(&wk, 0)
			p.updateRange(&wk, 1)
			sum := append([]float32(nil), w...)
			addTo(k, sum, g)
			return append(append(append(append(all, p.norms...), w...), m...), sum...)
		}
		sameBits(t, run(nil), run(fast), fmt.Sprint(n, seed))
	}))
}

// Every kernel of this machine's tiers, for any width, stride and number, next to canaries.
func TestRows(t *testing.T) {
	for _, on := range tiers() {
		if rowTable[on] != nil {
			t.Run(on.String(), func(t *testing.T) { testRows(t, rowTable[on]) })
		}
	}
}

// Long rows come in more than one call, and many blocks of 32 partials.
func TestRowsLong(t *testing.T) {
	for _, on := range tiers() {
		if rowTable[on] == nil {
			continue
		}
		for _, op := range []graph.Op{graph.OpLogProb, graph.OpLogProbBack, graph.OpSample, graph.OpGather, graph.OpGatherGrad} {
			s := rigShape{rows: 50, n: 700, active: 300, k: 11, seed: 6}
			want, got := s.build(op, nil), s.build(op, rowTable[on])
			want.run()
			got.run()
			sameBits(t, want.w.scratch, got.w.scratch, op)
			sameBits(t, want.sp.l.grads, got.sp.l.grads, op)
			require.Equal(t, want.sp.l.action, got.sp.l.action)
		}
	}
}

// A feature that is none is refused before a kernel reads it.
func TestRowsFeature(t *testing.T) {
	for _, on := range tiers() {
		for _, bad := range []int32{-1, 5, math.MaxInt32} {
			r := rigShape{rows: 9, n: 8, active: 2, k: 5, seed: 1}.build(graph.OpGather, rowTable[on])
			r.sp.l.feat[len(r.sp.l.feat)-1] = bad
			require.Panics(t, r.run)
			r.in = rigShape{rows: 9, n: 8, active: 2, k: 5, seed: 1}.build(graph.OpGatherGrad, nil).in
			require.Panics(t, r.run)
		}
	}
}

func TestRowsAllocateNothing(t *testing.T) {
	for _, on := range tiers() {
		for _, op := range rigOps {
			r := rigShape{rows: 40, n: 20, active: 3, k: 9, seed: 4}.build(op, rowTable[on])
			r.run()
			require.Zero(t, testing.AllocsPerRun(20, r.run), "%v %v", on, op)
		}
	}
}

// A running sum equal to the target is not above it. No uniform number is 1/2, so this is asked of the kernel itself.
func TestDrawAtTheTarget(t *testing.T) {
	for _, on := range tiers() {
		k := rowTable[on]
		if k == nil {
			continue
		}
		var b softmaxBlock
		b.begin(k, 4, 1)
		putRow(&b, 0, []float32{7, 3, 3, 3}, []uint32{0b0110})
		b.given[0] = .5
		b.run(k.draw, 1)
		require.Equal(t, int32(2), b.action[0])
	}
}
