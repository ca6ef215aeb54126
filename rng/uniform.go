// This file is the uniform distribution.

package rng

// Uniform returns the number in (0, 1) that belongs to a word,
//
//	u = (floor(w / 2^9) + 1/2) 2^-23
//
// one of 2^23 equidistant numbers, symmetric about 1/2, from 2^-24 to 1 - 2^-24. All of them are float32s, so nothing
// is rounded on any device and u is never 0 or 1. (With one bit more, (floor(w / 2^8) + 1/2) 2^-24, half of the
// numbers would need 25 bits, and the largest would round to 1.)
func Uniform(word uint32) float32 { return (float32(word>>9) + 0.5) * 0x1p-23 }

// Uniform fills dst with elements at, at+1, ... of the key's uniform numbers in (0, 1). Element e is [Uniform] of word
// e mod 4 of k.Block({low word of e/4, high word of e/4, 0, 254<<24}): it depends on k and e alone, so a sequence may
// be drawn in pieces, by anyone, in any order.
func (k Key) Uniform(dst []float32, at uint64) {
	for len(dst) > 0 {
		b := k.element(at, purposeUniform)
		j := at % 4
		n := min(len(dst), int(4-j))
		for i := range n {
			dst[i] = Uniform(b[(int(j)+i)&3])
		}
		dst = dst[n:]
		at += uint64(n)
	}
}

// element is the block that holds element e of a sequence of words.
func (k Key) element(e uint64, purpose uint8) [4]uint32 {
	b := e / 4
	return k.Block([4]uint32{uint32(b), uint32(b >> 32), 0, uint32(purpose) << 24})
}
