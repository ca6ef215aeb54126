// This file is the generator: keys and Philox blocks.

package rng

import "math/bits"

// Key names a stream of draws. It is a plain value: copying it copies the stream, and no draw changes it.
type Key struct {
	K0, K1 uint32 // Philox's two key words
}

// NewKey returns the key of a seed, low word first.
func NewKey(seed uint64) Key { return Key{uint32(seed), uint32(seed >> 32)} }

// Fold returns the n-th key derived from k: the first two words of
//
//	k.Block({low word of n, high word of n, 0, 255<<24})
//
// The last word has a purpose of its own, so no draw under k shares the block. Derived keys are as independent as
// Philox's words are; fold again for a tree of keys.
func (k Key) Fold(n uint64) Key {
	b := k.Block([4]uint32{uint32(n), uint32(n >> 32), 0, uint32(purposeFold) << 24})
	return Key{b[0], b[1]}
}

// Philox's multipliers, and the amounts (golden ratio, sqrt 3 - 1) by which the key words grow from round to round.
const (
	mul0, mul1   = 0xD2511F53, 0xCD9E8D57
	weyl0, weyl1 = 0x9E3779B9, 0xBB67AE85
)

// Block returns Philox4x32-10 of the counter c under k: ten rounds of
//
//	c = {hi(mul1 c2) ^ c1 ^ k0, lo(mul1 c2), hi(mul0 c0) ^ c3 ^ k1, lo(mul0 c0)};  k0 += weyl0;  k1 += weyl1
//
// Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. For every key it is a
// bijection of the 2^128 counters.
func (k Key) Block(c [4]uint32) [4]uint32 {
	c0, c1, c2, c3 := c[0], c[1], c[2], c[3]
	k0, k1 := k.K0, k.K1
	for range 10 {
		hi0, lo0 := bits.Mul32(mul0, c0)
		hi1, lo1 := bits.Mul32(mul1, c2)
		c0, c1, c2, c3 = hi1^c1^k0, lo1, hi0^c3^k1, lo0
		k0 += weyl0
		k1 += weyl1
	}
	return [4]uint32{c0, c1, c2, c3}
}
