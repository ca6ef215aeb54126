// This file is the natural logarithm.

package f32

import "math"

// Log returns the natural logarithm of a normal x > 0 by
//
//	x = 2**e m,  m in [2/3, 4/3),  f = m - 1,  log x = e ln 2 + f - f²/2 + f³ q(f)
//
// with one polynomial of degree 9 in Horner's form, every step one FMA. The error is at most 0.86 ulp, and Log is
// monotonic (all normal float32s tried). Log(±0) = -Inf; a negative x or a NaN gives NaN.
//
// At the two ends the result saturates and stays finite: a subnormal x is read as if it had a leading one, which
// gives a value in [-127 ln 2, -126 ln 2], and Log(+Inf) = 128 ln 2.
func Log(x float32) float32 {
	if !(x > 0) {
		if x == 0 {
			return float32(math.Inf(-1))
		}
		return float32(math.NaN())
	}
	b := math.Float32bits(x)
	e := int32(b-0x3f2aaaab) >> 23 // 0x3f2aaaab is 2/3
	m := math.Float32frombits(b - uint32(e)<<23)
	f := m - 1
	s := f * f
	p := float32(-0.130310059)
	p = FMA(p, f, 0.140869141)
	p = FMA(p, f, -0.121483602)
	p = FMA(p, f, 0.139814854)
	p = FMA(p, f, -0.166846052)
	p = FMA(p, f, 0.200120345)
	p = FMA(p, f, -0.249996200)
	p = FMA(p, f, 0.333331972)
	p = FMA(p, f, -0.5)
	p = FMA(p, s, f)
	return FMA(float32(e), 0.693147182, p)
}
