package metric

import (
	"sort"

	"github.com/sluice-ml/sluice/rng"
)

// This file is exact draws from a law over states.

// Draw fills dst with state indices drawn from p, which sums to 1: the smallest x with p_0 + ... + p_x > u. Number i of dst
// belongs to elements 2i and 2i+1 of the key's uniform numbers, which give u 46 bits; the same key gives the same draws. A state
// of probability 0 is never drawn. With p = Exact.True it provides the target draws that EUBO starts from.
func Draw(dst []int32, p []float64, key rng.Key) []int32 {
	sums, total, last := make([]float64, len(p)), 0.0, 0
	for i, v := range p {
		total += v
		sums[i] = total
		if v > 0 {
			last = i
		}
	}
	for i := range dst {
		var u [2]float32
		key.Uniform(u[:], 2*uint64(i))
		// u[0] is the middle of one of 2^23 cells; u[1] places the draw inside the cell.
		at := float64(u[0]) + (float64(u[1])-.5)*0x1p-23
		// Rounding can leave the total a little under 1: then the last possible state stands in.
		dst[i] = int32(min(sort.Search(len(sums), func(x int) bool { return sums[x] > at }), last))
	}
	return dst
}
