// This file is the row sum: sums along a row.

package f32

// Lanes is the number of partial sums of a row: a pair of 16-lane registers (zmm), four of 8 lanes (ymm), or the 32
// threads of a warp.
const Lanes = 32

// RowSum returns the sum of x by [Lanes] strided partials
//
//	p[j] = (+0 + x[j]) + x[j+32] + x[j+64] + ...      in the order of the index
//
// folded by [Butterfly]. A row whose length is no multiple of 32 is thought of as padded with +0, which changes no
// bit, since no partial is ever -0. Masked entries are to be passed as +0. The sum of an empty row is +0.
func RowSum[T Float](x []T) T {
	var p [Lanes]T
	for ; len(x) >= Lanes; x = x[Lanes:] {
		for j, v := range x[:Lanes] {
			p[j] += v
		}
	}
	for j, v := range x {
		p[j] += v
	}
	return Butterfly(&p)
}

// Butterfly returns the sum of 32 partials, and destroys p. It is what a warp does with five shuffles,
//
//	for o = 16, 8, 4, 2, 1:  p[j] = p[j] + p[j^o]     for all 32 lanes at once
//
// Both lanes of a pair add the same two numbers, and addition commutes, so after each step lane j and lane j^o agree
// and in the end every lane holds the sum. Half of the work is enough for lane 0, and that is the definition here:
//
//	for o = 16, 8, 4, 2, 1:  p[j] = p[j] + p[j+o]     for j < o
//
// Step 16 adds the two registers of a zmm pair, the other four fold halves within one.
func Butterfly[T Float](p *[Lanes]T) T {
	for o := Lanes / 2; o > 0; o /= 2 {
		for j := range o {
			p[j] += p[j+o]
		}
	}
	return p[0]
}
