package metric

import (
	"math"

	"github.com/sluice-ml/sluice/f32"
)

// This file is log-probabilities from logits.

// LogSoftmax is, for allowed actions a (bit a%32 of word a/32 of mask),
//
//	dst[a] = logits[a] - log Σ_{allowed b} exp logits[b]
//
// and -Inf for the others, whose logits are not read. dst may be logits; both have one entry an action. It returns the
// logarithm of the sum, -Inf if nothing is allowed.
func LogSoftmax(dst, logits []float64, mask []uint32) (logSum float64) {
	top := math.Inf(-1)
	for a, v := range logits {
		if allowed(mask, a) && (v > top || math.IsNaN(v)) {
			top = v
		}
	}
	if math.IsInf(top, -1) {
		for a := range dst {
			dst[a] = top
		}
		return top
	}
	sum := 0.0
	for a, v := range logits {
		if allowed(mask, a) {
			sum += math.Exp(v - top)
		}
	}
	rest := math.Log(sum)
	for a, v := range logits {
		if allowed(mask, a) {
			// In this order a large common offset of the logits cancels before the small logarithm is taken off.
			dst[a] = v - top - rest
		} else {
			dst[a] = math.Inf(-1)
		}
	}
	return top + rest
}

func allowed(mask []uint32, a int) bool { return mask[a/32]>>(a%32)&1 == 1 }

// logMass is log Σ exp v_i of terms that come one by one: the largest so far and Σ exp(v_i - top). That is one exponential a term
// and one logarithm a sum, where adding logarithms pairwise would take both for each term.
type logMass struct{ top, sum float64 }

func (m *logMass) add(v float64) {
	switch {
	case math.IsInf(v, -1): // adds nothing, and -Inf - -Inf is NaN
	case v <= m.top:
		m.sum += math.Exp(v - m.top)
	case m.sum == 0:
		m.top, m.sum = v, 1
	default:
		m.top, m.sum = v, m.sum*math.Exp(m.top-v)+1
	}
}

func (m *logMass) log() float64 { return m.top + math.Log(m.sum) }

// logSum is log Σ_{i<n} exp v(i).
func logSum(n int, v func(i int) float64) float64 {
	top := math.Inf(-1)
	for i := range n {
		top = max(top, v(i))
	}
	if math.IsInf(top, 0) {
		return top
	}
	var sum f32.Sum[float64] // a plain sum of a million terms would cost four digits
	for i := range n {
		sum.Add(math.Exp(v(i) - top))
	}
	return top + math.Log(sum.Value())
}
