// This file is the categorical distribution: the choice of an action.

package rng

import (
	"math"
	"math/bits"

	"github.com/sluice-ml/sluice/f32"
)

const badMask = "rng: mask has fewer bits than there are logits"

// Categorical draws one of the allowed actions, those j < len(logits) whose bit, mask[j/32]>>(j%32)&1, is set. It
// returns -1 if there is none. With probability epsilon every allowed action is as likely as any other, else action j
// has probability proportional to exp(logits[j]). The draw is a function of two words:
//
//	u = Uniform(w1)
//	if Uniform(w0) < epsilon: the action number min(floor(u n), n-1) of the n allowed ones; u n in float32
//	else the inverse of the cumulative distribution at u:
//	  m = max of the allowed logits, NaN left out;  e_j = exp(x_j - m), +0 where j is not allowed or not below len(logits)
//	  in blocks of 32 actions: total_b = [f32.Butterfly] of the block's e_j
//	  prefix_0 = +0;  prefix_b+1 = prefix_b + total_b, in order;  target = u prefix_last
//	  the first block b with prefix_b+1 > target; in it, the inclusive scan of Hillis and Steele over s_j = e_j:
//	    for o = 1, 2, 4, 8, 16: s_j = s_j + s_j-o for j >= o, all at once
//	  the first allowed j of the block with prefix_b + s_j > target
//	  if there is none (the scan's sum may round below the butterfly's), the last allowed action of all
//
// The rule for "none" also covers logits that are NaN or +Inf, and those that are all -Inf: the totals are NaN then,
// and the last allowed action is drawn. target < prefix_last holds for every finite sum, since u <= 1 - 2^-24.
//
// One warp does a block in five shuffles up and five across; plain code need only know the block it ends in. All
// operations are of type T, and exp is f32.Exp for float32, which makes the draw the same on every device, and
// math.Exp for the float64 reference. mask must have a bit for every logit, or Categorical panics; further bits are
// ignored. Nothing is allocated.
func Categorical[T f32.Float](w0, w1 uint32, epsilon float32, logits []T, mask []uint32) int {
	blocks := (len(logits) + f32.Lanes - 1) / f32.Lanes
	if len(mask) < blocks {
		panic(badMask)
	}
	mask = mask[:blocks]
	allowed, last := 0, -1
	top := T(math.Inf(-1))
	for b := range mask {
		for w := word(mask, b, len(logits)); w != 0; w &= w - 1 {
			allowed++
			last = b*f32.Lanes + bits.TrailingZeros32(w)
			if x := logits[last]; x > top {
				top = x
			}
		}
	}
	if allowed == 0 {
		return -1
	}
	u := Uniform(w1)
	if Uniform(w0) < epsilon {
		return nth(min(int(u*float32(allowed)), allowed-1), mask) // a number below n, so bits beyond the logits are not met
	}

	var e, p [f32.Lanes]T
	var kept [16]T // block totals; further ones are computed again
	var sum T
	for b := range mask {
		weights(&e, logits, top, word(mask, b, len(logits)), b)
		p = e
		total := f32.Butterfly(&p)
		if b < len(kept) {
			kept[b] = total
		}
		sum += total
	}
	target := T(u) * sum
	var before T
	held := len(mask) - 1 // the block that e holds
	for b := range mask {
		w := word(mask, b, len(logits))
		if held != b && b >= len(kept) {
			weights(&e, logits, top, w, b)
			held = b
		}
		var total T
		if b < len(kept) {
			total = kept[b]
		} else {
			p = e
			total = f32.Butterfly(&p)
		}
		if before+total > target {
			if held != b {
				weights(&e, logits, top, w, b)
			}
			return pick(&e, before, target, w, b, last)
		}
		before += total
	}
	return last
}

// pick is the first action allowed by w whose running sum is above target; last if there is none. It destroys e.
func pick[T f32.Float](e *[f32.Lanes]T, before, target T, w uint32, b, last int) int {
	scan(e)
	for ; w != 0; w &= w - 1 {
		if j := bits.TrailingZeros32(w); before+e[j] > target {
			return b*f32.Lanes + j
		}
	}
	return last
}

// word is word b of the mask, without the bits of actions from n on.
func word(mask []uint32, b, n int) uint32 {
	w := mask[b]
	if r := n - b*f32.Lanes; r < f32.Lanes {
		w &= 1<<r - 1
	}
	return w
}

// nth is the n-th allowed action, counted from 0.
func nth(n int, mask []uint32) int {
	for b, w := range mask {
		if c := bits.OnesCount32(w); n >= c {
			n -= c
			continue
		}
		for ; n > 0; n-- {
			w &= w - 1
		}
		return b*f32.Lanes + bits.TrailingZeros32(w)
	}
	return -1
}

// weights sets e to exp(x_j - top) for the actions of block b that w allows, and to +0 for the others.
func weights[T f32.Float](e *[f32.Lanes]T, logits []T, top T, w uint32, b int) {
	*e = [f32.Lanes]T{}
	x := logits[b*f32.Lanes:]
	for ; w != 0; w &= w - 1 {
		j := bits.TrailingZeros32(w)
		e[j] = exp(x[j] - top)
	}
}

// scan turns s into its inclusive prefix sums, as one warp does with five shuffles. Going down, s_j-o is still the
// value of the step before.
func scan[T f32.Float](s *[f32.Lanes]T) {
	for o := 1; o < f32.Lanes; o *= 2 {
		for j := f32.Lanes - 1; j >= o; j-- {
			s[j] += s[j-o]
		}
	}
}

// exp is the exponential of the type: the defined one of float32, the library's for the reference.
func exp[T f32.Float](x T) T {
	if x, ok := any(x).(float32); ok {
		return T(f32.Exp(x))
	}
	return T(math.Exp(float64(x)))
}
