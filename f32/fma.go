// This file is the fused multiply-add, the one operation every product sum is built from.

package f32

import "math"

const (
	tieMask = 1<<29 - 1 // the bits of a float64 significand that a float32 has no room for
	tie     = 1 << 28   // their value exactly between two neighbouring normal float32s

	minNormal = 0x381 << 52 // bits of the float64 0x1p-126, the least normal float32
)

// FMA returns x*y + z, rounded once, to nearest even: the bits of the VFMADD231SS, fma.rn.f32 and FMADD instructions.
//
// The product of two float32s is exact in float64, so s = float64(x*y) + z is the exact value v rounded to 53 bits.
// Every midpoint of two float32s is a float64, and rounding is monotone; so as long as s is no midpoint itself,
// v and s lie on the same side of every midpoint and float32(s) is v rounded once. When s is one, or is so small
// that the midpoints lie elsewhere, [roundToOdd] says on which side v is. It is exact for all arguments: zeros,
// subnormals and infinities included. A NaN gives a NaN, its payload is not defined.
func FMA(x, y, z float32) float32 {
	s := float64(float64(x)*float64(y)) + float64(z)
	// u<<1 drops the sign; the -1 sends zero, which needs no care, beyond the bound.
	if u := math.Float64bits(s); u&tieMask == tie || u<<1-1 < minNormal<<1-1 {
		return roundToOdd(x, y, z)
	}
	return float32(s)
}

// roundToOdd is x*y + z for finite arguments, by way of the sum rounded to odd at 53 bits: of the two neighbours of
// an inexact sum the one with an odd last bit. That one is no midpoint of float32s, and as 53 >= 24+2, rounding it
// again gives what rounding once would (Boldo and Melquiond, IEEE Trans. Computers 57 (2008), "Emulation of FMA and
// correctly rounded sums: proved algorithms using rounding to odd").
func roundToOdd(x, y, z float32) float32 {
	p, d := float64(float64(x)*float64(y)), float64(z)
	s := p + d
	t := s - p
	e := (p - (s - t)) + (d - t) // exact: v = s + e
	if u := math.Float64bits(s); e != 0 && u&1 == 0 {
		if (e > 0) == (s > 0) {
			u++
		} else {
			u--
		}
		s = math.Float64frombits(u)
	}
	return float32(s)
}
