// This file is the hyperbolic tangent.

package f32

import "math"

// Tanh returns the hyperbolic tangent of x. With a = |x| it is
//
//	a + a s p(s),  s = a²        for a < 0.625, p the minimax polynomial of degree 4 (relative error 4.4e-9)
//	1 - 2 / (Exp(2a) + 1)        from there on, one IEEE division
//
// under the sign of x. The error is at most 1.37 ulp and Tanh is monotonic (all float32s tried). It is exactly odd, Tanh(-0) = -0, and
// |Tanh(x)| is exactly 1 from a = 9.0109139 on, infinities included. Tanh(NaN) is NaN.
//
// In vector code both branches are computed and blended.
func Tanh(x float32) float32 {
	a := math.Float32frombits(math.Float32bits(x) &^ signBit)
	var y float32
	if a < 0.625 {
		s := a * a
		p := float32(-0.00570498711)
		p = FMA(p, s, 0.0206390873)
		p = FMA(p, s, -0.0537397151)
		p = FMA(p, s, 0.133314422)
		p = FMA(p, s, -0.333332819)
		y = FMA(float32(a*s), p, a)
	} else {
		y = 1 - 2/(Exp(a+a)+1)
	}
	return math.Float32frombits(math.Float32bits(y) | math.Float32bits(x)&signBit)
}
