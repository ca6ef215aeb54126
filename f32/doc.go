// Package f32 is the defined arithmetic: the same bits on every machine.
//
// A run must give the same parameters on a laptop, on a server and on a GPU. So whatever a hardware or a library
// could do in its own way is written down here, once, as a short formula in IEEE 754 additions, multiplications,
// divisions and fused multiply-adds, in one order: [FMA] itself, [Exp], [Log], [Sin], [Cos], [Tanh], and the sums
// [Sum] (compensated), [Tree] (pairs) and [RowSum] (32 strided partials). Assembly and GPU kernels repeat these
// formulas; a NaN counts as equal to any NaN.
//
// It is not a replacement for package math: the functions cover the range that training needs, each says which, and
// their errors are measured and stated, about one unit in the last place. It imports nothing of this module, and
// every package may import it.
//
//	var s f32.Sum[float32]
//	for _, x := range logPF {
//		s.Add(x)
//	}
//	p := f32.Exp(s.Value())
//
// In code whose results are compared bit for bit, write FMA(x, y, z) or float32(x*y) + z, never x*y + z: the Go
// compiler may fuse the latter, and does so on arm64.
package f32
