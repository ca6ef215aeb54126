package cuda

import (
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// This file is the fast mode's dense products: one strided batch of cuBLAS over all lanes of a piece, on tensor cores. Actions are drawn
// by the defined kernels: walk has no matrix to hand over, and a step's newest rows begin elsewhere in each lane, which no strided
// batch can say. So drawn actions are the defined ones, and the log-probabilities that the loss sees, computed on whole pieces of rows
// afterwards, are near those they were drawn with.
//
// A strided batch has as many rows in every lane, and rows that a lane has not are computed too. That harms nothing where a row depends
// on itself alone. A sum over rows would take them in, so the pieces in which some lane ends keep the defined kernel for those.

// emitFast launches a product by cuBLAS, if it is one of those that are quicker so: not the heads', whose kernels do several at once.
func (p *program) emitFast(run []graph.Instr, v *view, s driver.Stream, first bool) bool {
	in := &run[0]
	switch {
	case in.N <= kernel.Narrow:
		return false
	case in.Op == graph.OpLinear:
		p.fastLinear(in, v, s)
	case productBack(in):
		p.fastBack(in, v, s)
	case in.Op == graph.OpLinearGrad && p.full(v):
		p.fastGrad(in, v, s, first)
	default:
		return false
	}
	return true
}

// full says that every lane has all rows of the piece.
func (p *program) full(v *view) bool { return int(v.span.Begin+v.span.Len) <= p.shortest }

// matrix is a row operand's piece in lane 0 and the floats from lane to lane.
func (v *view) matrix(r graph.Ref) (at driver.Ptr, ld int, stride int64) {
	x := v.val(r)
	if x.Local == 0 {
		x.P += uint64(4 * v.span.Begin * x.LD)
	}
	return driver.Ptr(x.P), int(x.LD), int64(x.Rows) * int64(x.LD)
}

// height is the piece's rows that every lane has room for.
func (v *view) height() int { return int(min(v.span.Len, v.span.Cap-v.span.Begin)) }

func (p *program) gemm(s driver.Stream, g driver.Gemm) {
	g.TF32 = true
	if p.o.failed == nil {
		p.o.check(p.o.blas.Gemm(s, g))
	}
}

// fastLinear is the product, then bias and bend.
func (p *program) fastLinear(in *graph.Instr, v *view, s driver.Stream) {
	out := v.val(in.Out)
	g := driver.Gemm{M: v.height(), N: in.N, K: in.K, B: driver.Ptr(p.param(in.B)), LDB: in.N, Count: int(v.span.Lanes)}
	g.A, g.LDA, g.StrideA = v.matrix(in.A)
	g.C, g.LDC, g.StrideC = v.matrix(in.Out)
	p.gemm(s, g)
	launch(p.o, kernel.Act, kernel.ElementsGrid(int(v.span.Len), int(v.span.Lanes), in.N), s, kernel.ActArgs{Span: v.span, Out: out, A: out,
		B: kernel.Val{P: p.param(in.C)}, N: int32(in.N), Act: int32(in.Act)})
}

// fastBack is d·Wᵀ, and the gate as ReLU's derivative.
func (p *program) fastBack(in *graph.Instr, v *view, s driver.Stream) {
	g := driver.Gemm{TransB: true, M: v.height(), N: in.K, K: in.N, B: driver.Ptr(p.param(in.B)), LDB: in.N, Beta: float32(bit(in.Acc)), Count: int(v.span.Lanes)}
	g.A, g.LDA, g.StrideA = v.matrix(in.A)
	g.C, g.LDC, g.StrideC = v.matrix(in.Out)
	p.gemm(s, g)
	if in.C.Class != graph.None {
		out := v.val(in.Out)
		launch(p.o, kernel.ActBack, kernel.ElementsGrid(int(v.span.Len), int(v.span.Lanes), in.K), s, kernel.ActArgs{Span: v.span, Out: out, A: out,
			B: v.val(in.C), N: int32(in.K), Act: int32(graph.ReLU)})
	}
}

// fastGrad is xᵀ·d a lane; unbiased has seen to the bias.
func (p *program) fastGrad(in *graph.Instr, v *view, s driver.Stream, first bool) {
	g := driver.Gemm{TransA: true, M: in.K, N: in.N, K: v.height(), C: driver.Ptr(p.grad(in.Out)), LDC: in.N, Beta: float32(1 - bit(first)),
		Count: int(v.span.Lanes), StrideC: int64(p.plan.GradLen)}
	g.A, g.LDA, g.StrideA = v.matrix(in.A)
	g.B, g.LDB, g.StrideB = v.matrix(in.B)
	p.gemm(s, g)
}

// productBack reports whether cuBLAS takes d·Wᵀ.
func productBack(in *graph.Instr) bool {
	return in.Op == graph.OpLinearBack && in.N > kernel.Narrow && in.A.Class == graph.Scratch && in.Out.Class == graph.Scratch
}
