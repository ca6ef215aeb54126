package cuda

import (
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// This file is the fast mode's dense products: one strided batch of cuBLAS over all lanes of a piece, on tensor cores. A step's newest
// rows begin elsewhere in each lane, which no strided batch can say, so rollouts keep the defined kernels.
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
	case in.Op == graph.OpLinearBack && in.A.Class == graph.Scratch && in.Out.Class == graph.Scratch:
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

// fastLinear lays the bias down, adds the product, bends.
func (p *program) fastLinear(in *graph.Instr, v *view, s driver.Stream) {
	rows, lanes := int(v.span.Len), int(v.span.Lanes)
	out := v.val(in.Out)
	launch(p.o, kernel.Rows_, kernel.ElementsGrid(rows, lanes, in.N), s, kernel.ElementsArgs{Span: v.span, Out: out,
		A: kernel.Val{P: p.param(in.C)}, Op: int32(graph.OpScale - graph.OpAdd), N: int32(in.N), C: 1})
	g := driver.Gemm{M: v.height(), N: in.N, K: in.K, B: driver.Ptr(p.param(in.B)), LDB: in.N, Beta: 1, Count: lanes}
	g.A, g.LDA, g.StrideA = v.matrix(in.A)
	g.C, g.LDC, g.StrideC = v.matrix(in.Out)
	p.gemm(s, g)
	if in.Act != graph.Identity {
		launch(p.o, kernel.Act, kernel.ElementsGrid(rows, lanes, in.N), s, kernel.ActArgs{Span: v.span, Out: out, A: out, N: int32(in.N), Act: int32(in.Act)})
	}
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

// fastGrad is xᵀ·d a lane; the bias is a gather-sum's without features.
func (p *program) fastGrad(in *graph.Instr, v *view, s driver.Stream, first bool) {
	g := driver.Gemm{TransA: true, M: in.K, N: in.N, K: v.height(), C: driver.Ptr(p.grad(in.Out)), LDC: in.N, Beta: float32(1 - bit(first)),
		Count: int(v.span.Lanes), StrideC: int64(p.plan.GradLen)}
	g.A, g.LDA, g.StrideA = v.matrix(in.A)
	g.B, g.LDB, g.StrideB = v.matrix(in.B)
	p.gemm(s, g)
	a := kernel.GatherGradArgs{Span: v.span, D: v.val(in.B), Bias: p.grad(in.C), Values: 1, N: int32(in.N), GradLen: int32(p.plan.GradLen), First: bit(first)}
	k, grid := a.Launch()
	launch(p.o, k, grid, s, kernel.Several[kernel.GatherGradArgs]{a})
}
