package graph

// This file is the Update entry's closed set of rules. Package nn/optim describes optimisers; this is what they are lowered to.

// RuleKind names an update rule.
type RuleKind uint8

const (
	SGD  RuleKind = iota // w -= rate·g
	Adam                 // Kingma, Ba, arXiv:1412.6980; with Decay: AdamW, Loshchilov, Hutter, arXiv:1711.05101
)

// Rule is one optimiser. For every parameter element, in float32, with g = scale·gradient, where scale = min(1, Clip/norm)
// (1 when Clip is 0) and norm is the global norm (f32 strided partials in blocks of 4,096 elements, then the pairwise tree):
//
//	SGD   w = fma(-rate, g, w)
//	Adam  m = fma(Beta1, m, (1-Beta1)·g)
//	      v = fma(Beta2, v, ((1-Beta2)·g)·g)
//	      w = fma(-rate, (m·c1)/(√(v·c2) + Eps), w·keep)
//
// with keep = 1 - rate·Decay (the product is left out when Decay is 0). Everything on the right that has no element is a Scalar.
type Rule struct {
	Kind                         RuleKind
	Clip                         float32
	Beta1, Beta2, Eps, Decay     float32
	OneMinusBeta1, OneMinusBeta2 float32 // rounded once from float64
}

// Moments is how many floats of state a parameter has.
func (r Rule) Moments() int {
	if r.Kind == Adam {
		return 2
	}
	return 0
}

// Scalars are one iteration's values, computed once on the host in float64 and rounded.
type Scalars struct {
	Rates  []float32 // one a group, in the order of Params.Groups()
	Keep   []float32 // 1 - rate·decay, one a group
	C1, C2 float32   // Adam's bias corrections 1/(1-β₁ᵗ), 1/(1-β₂ᵗ)
}
