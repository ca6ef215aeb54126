// This file is the compensated sum: sums along a trajectory.

package f32

// TwoSum returns s = a + b rounded, and its exact error: s + err = a + b, unless a + b overflows. It is Knuth's six
// additions (The Art of Computer Programming 2, section 4.2.2, theorem B); no order of |a| and |b| is asked for.
// There is no product in it, so nothing a compiler could contract.
func TwoSum(a, b float32) (s, err float32) { return twoSum(a, b) }

func twoSum[T Float](a, b T) (s, err T) {
	s = a + b
	t := s - a
	return s, (a - (s - t)) + (b - t)
}

// Sum adds terms in the order they come, carrying the rounding errors along. After x_1 ... x_n it holds
//
//	hi, e = TwoSum(hi, x_i);  lo = lo + e      from hi = lo = +0
//
// and its value is hi + lo, rounded once. The error is that of one rounding plus n² eps² Σ|x_i|, about as if the sum
// had been taken with twice the digits (Ogita, Rump and Oishi, SIAM J. Sci. Comput. 26 (2005), algorithm Sum2). The
// zero value is an empty sum. Terms must be finite and must not overflow: an infinity makes the value NaN.
type Sum[T Float] struct{ hi, lo T }

// Add adds the next term.
func (s *Sum[T]) Add(x T) {
	var err T
	s.hi, err = twoSum(s.hi, x)
	s.lo += err
}

// Value returns hi + lo, the sum of the terms so far.
func (s *Sum[T]) Value() T { return s.hi + s.lo }
