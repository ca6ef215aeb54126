// This file is the exponential.

package f32

import "math"

const (
	// shifter = 1.5 * 2^23: adding it to |v| < 2^22 leaves v rounded to the nearest integer (ties to even) in the
	// low bits of the sum; subtracting it again gives that integer as a float.
	shifter     = 0x1.8p23
	shifterBits = 0x4b400000

	log2e = 1.44269504088896341 // 1/ln 2
	ln2Hi = 0.693145752         // ln 2 = ln2Hi + ln2Lo; n*ln2Hi is exact for |n| < 2^8
	ln2Lo = 1.42860677e-6
)

// Exp returns e**x by
//
//	n = rint(x / ln 2),  r = x - n ln 2 in [-0.35, 0.35],  e**x = 2**n p(r)
//
// with p of degree 6 in Horner's form, every step one FMA. The error is at most 1.65 ulp and Exp is
// monotonic on [0, 88]; on [-87, 0] some 2,900 of 1.1e9 neighbours step back by an ulp (all float32s tried). Outside, the result is exactly +0 below -87 and +Inf above 88, so it is never subnormal and
// 2**n is always a normal number; e**-87 = 1.6e-38. Exp(±0) = 1. Exp(NaN) is NaN.
//
// In vector code the two comparisons are blends at the end; the order of the operations is the definition.
func Exp(x float32) float32 {
	if x < -87 {
		return 0
	}
	if x > 88 {
		return float32(math.Inf(1))
	}
	t := FMA(x, log2e, shifter)
	n := math.Float32bits(t) - shifterBits
	k := t - shifter
	r := FMA(k, -ln2Hi, x)
	r = FMA(k, -ln2Lo, r)
	p := float32(1.38427719e-3)
	p = FMA(p, r, 8.36596917e-3)
	p = FMA(p, r, 4.16695364e-2)
	p = FMA(p, r, 1.66664705e-1)
	p = FMA(p, r, 4.99999851e-1)
	p = FMA(p, r, 1)
	p = FMA(p, r, 1)
	return p * math.Float32frombits((n+127)<<23)
}
