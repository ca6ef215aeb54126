// This file is the sine and the cosine.

package f32

import "math"

// TrigLimit is the largest |x| that [Sin] and [Cos] accept, 2π times 10,430. Beyond it they return NaN: the reduction
// is no longer exact there, and a float32 so large leaves no more than seven bits for the angle.
const TrigLimit = 65536

const (
	twoOverPi = 0.636619747

	// π/2 = halfPi1 + halfPi2 + halfPi3 + 1.1e-23, each the nearest float32 to what the ones before leave.
	halfPi1 = 1.57079637
	halfPi2 = -4.37113883e-8
	halfPi3 = -1.71512451e-15
)

// Sin returns the sine of x, in radians, by
//
//	n = rint(|x| 2/π),  r = |x| - n π/2 in [-π/4, π/4]
//	sin |x| = sin r, cos r, -sin r, -cos r   for n mod 4 = 0, 1, 2, 3
//
// The reduction (Cody and Waite's, three parts of π/2, one FMA each) and both polynomials ([sinPoly], [cosPoly]) are
// FMAs throughout. Over all float32s with |x| <= TrigLimit the error is at most 1.55 ulp and 7.5e-8. Sin is exactly
// odd, Sin(-0) = -0; a NaN, an infinity and any |x| > TrigLimit give NaN.
func Sin(x float32) float32 {
	n, r := reduce(x)
	y := trig(n, r)
	return math.Float32frombits(math.Float32bits(y) ^ math.Float32bits(x)&signBit)
}

// Cos returns the cosine of x, in radians: [Sin] with n + 1 in place of n and no sign, so exactly even. Over all
// float32s with |x| <= TrigLimit the error is at most 1.55 ulp and 7.5e-8; elsewhere the result is NaN.
func Cos(x float32) float32 {
	n, r := reduce(x)
	return trig(n+1, r)
}

const signBit = 1 << 31

// reduce returns n = rint(|x| 2/π), of which the last two bits count, and r = |x| - n π/2; NaN beyond TrigLimit.
func reduce(x float32) (n uint32, r float32) {
	a := math.Float32frombits(math.Float32bits(x) &^ signBit)
	t := FMA(a, twoOverPi, shifter)
	k := t - shifter
	r = FMA(k, -halfPi1, a) // exact: a multiple of 2^-24 below 1
	r = FMA(k, -halfPi2, r)
	r = FMA(k, -halfPi3, r)
	if !(a <= TrigLimit) {
		r = float32(math.NaN())
	}
	return math.Float32bits(t) - shifterBits, r
}

// trig returns sin(r + n π/2).
func trig(n uint32, r float32) float32 {
	s := r * r
	y := sinPoly(r, s)
	if n&1 != 0 {
		y = cosPoly(s)
	}
	return math.Float32frombits(math.Float32bits(y) ^ n&2<<30)
}

// sinPoly is sin r = r + r s (S0 + S1 s + S2 s²) with s = r², |r| <= π/4: the minimax polynomial of its degree for
// the relative error (3.8e-9 before rounding), by Remez' exchange.
func sinPoly(r, s float32) float32 {
	p := float32(-0.000195149576)
	p = FMA(p, s, 0.00833215841)
	p = FMA(p, s, -0.166666546)
	return FMA(float32(r*s), p, r)
}

// cosPoly is cos r = 1 - s/2 + s² (C0 + C1 s + C2 s²) with s = r², |r| <= π/4: the minimax polynomial of its degree
// for the absolute error (9.6e-11 before rounding), by Remez' exchange.
func cosPoly(s float32) float32 {
	p := float32(2.44380909e-05)
	p = FMA(p, s, -0.00138873645)
	p = FMA(p, s, 0.0416666468)
	p = FMA(p, s, -0.5)
	return FMA(p, s, 1)
}
