// Package kernel is the GPU's kernels: one for every instruction of a graph.Plan, some for what moves a rollout along,
// one that is a whole rollout (walk.cu), and one that rewards its objects (score.cu).
//
// They are CUDA C (NAME.cu computes what cpu/NAME.go defines, to the same bits), compiled to PTX ahead of time and embedded: [PTX]. A
// kernel's only parameter is a struct, declared in abi.h and mirrored here (LinearArgs and so on); [Bytes] is how it is handed over.
// An [ID] names a kernel, a [Grid] is the shape of its launch. Where several kernels serve one instruction, the arguments' Launch method
// chooses by shape and alignment; the choice changes no bit.
//
// What makes bits equal: add, sub, mul, fma, div and sqrt round to nearest even and nothing contracts them; every sum has one order,
// stated beside the kernel; there are no float atomics; exp, log and tanh are package f32's polynomials. A NaN counts as any NaN.
//
// It is not a runtime: it imports nothing, allocates nothing and launches nothing. Package cuda is its only importer.
//
//	a := kernel.LinearArgs{Span: span, Out: out, A: in, W: w, Bias: b, K: 256, N: 256}
//	id, grid := a.Launch()
//	err := ctx.Launch(funcs[id], driver.Dim{X: grid.X, Y: grid.Y}, driver.Dim{X: grid.Threads}, 0, stream, kernel.Bytes(&a))
package kernel
