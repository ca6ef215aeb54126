package optim

import (
	"fmt"

	"github.com/sluice-ml/sluice/graph"
)

// This file is Adam.

var _ Optimiser = Adam{}

// Adam moves every parameter element w with gradient g at step t = 1, 2, ... by
//
//	m = β₁·m + (1-β₁)·g
//	v = β₂·v + (1-β₂)·g²
//	w = w·(1 - rate·decay) - rate·(m/(1-β₁ᵗ)) / (√(v/(1-β₂ᵗ)) + eps)
//
// Kingma, Ba, arXiv:1412.6980; the decay is AdamW's, Loshchilov, Hutter, arXiv:1711.05101. Decay does not touch the
// group log_z: pulling log Z to 0 is a bias, not a regulariser. g is the gradient after clipping: scaled down to global norm
// Clip where its norm, over all groups together, is larger. The zero Adam is the documented default.
type Adam struct {
	Rates        map[string]Schedule // by group, one of the job's; without an entry: log_z has 100 times the policy's, others the policy's, that 1e-3
	Beta1, Beta2 float64             // 0 means .9, .999; NaN or negative: no averaging
	Eps          float64             // 0 means 1e-8
	Decay        float64             // 0, NaN or negative: none
	Clip         float64             // 0, NaN or negative: none
}

// Validate names the first setting that cannot be used.
func (a Adam) Validate() error {
	if err := validateRates(a.Rates); err != nil {
		return err
	}
	d := a.resolved()
	for _, beta := range []struct {
		name  string
		value float64
	}{{"Beta1", d.Beta1}, {"Beta2", d.Beta2}} {
		if float32(beta.value) >= 1 {
			return fmt.Errorf("optim: Adam.%s is %v, want less than 1 as a float32", beta.name, beta.value)
		}
	}
	// An Eps of 0 would make every parameter that has had no gradient yet 0/0.
	if eps := float32(d.Eps); !(eps > 0 && eps < 1) {
		return fmt.Errorf("optim: Adam.Eps is %v, want between 0 and 1 as a float32", a.Eps)
	}
	if err := a.validateDecay(d.Decay); err != nil {
		return err
	}
	return validateClip(a.Clip)
}

// validateDecay refuses a decay that would turn a parameter's sign round.
func (a Adam) validateDecay(decay float64) error {
	if len(a.Rates[Policy]) == 0 && DefaultRate*decay >= 1 {
		return fmt.Errorf("optim: Adam.Decay is %v, times the default rate %v it is not below 1", decay, DefaultRate)
	}
	for group, s := range a.Rates {
		if _, hi := s.Bounds(); group != LogZ && hi*decay >= 1 {
			return fmt.Errorf("optim: Adam.Decay is %v, times the rate %v of group %q it is not below 1", decay, hi, group)
		}
	}
	return nil
}

// Rule is Adam's update.
func (a Adam) Rule() graph.Rule {
	d := a.resolved()
	return graph.Rule{
		Kind: graph.Adam, Clip: clip(d.Clip),
		Beta1: float32(d.Beta1), Beta2: float32(d.Beta2), Eps: float32(d.Eps), Decay: float32(d.Decay),
		OneMinusBeta1: float32(1 - d.Beta1), OneMinusBeta2: float32(1 - d.Beta2),
	}
}

// Groups are the keys of Rates, sorted.
func (a Adam) Groups() []string { return groupsOf(a.Rates) }

// Rate is a group's rate at an iteration.
func (a Adam) Rate(group string, iteration int) float64 { return rate(a.Rates, group, iteration) }

// Scalars takes one step.
func (a Adam) Scalars(dst graph.Scalars, groups []string, s *State) graph.Scalars {
	d := a.resolved()
	if s.Step == 0 {
		s.Beta1Power, s.Beta2Power = 1, 1
	}
	dst.Rates, dst.Keep = dst.Rates[:0], dst.Keep[:0]
	for _, group := range groups {
		r, keep := rate(a.Rates, group, s.Step), 1.0
		if group != LogZ {
			keep -= float64(r * d.Decay) // the conversion forbids fusing, see Schedule.At
		}
		dst.Rates, dst.Keep = append(dst.Rates, float32(r)), append(dst.Keep, float32(keep))
	}
	s.Step++
	s.Beta1Power *= d.Beta1
	s.Beta2Power *= d.Beta2
	dst.C1, dst.C2 = float32(1/(1-s.Beta1Power)), float32(1/(1-s.Beta2Power))
	return dst
}

// resolved has defaults filled in and 0 for what is turned off.
func (a Adam) resolved() Adam {
	fill := func(v *float64, zero float64) {
		if *v == 0 {
			*v = zero
		} else if off(*v) {
			*v = 0
		}
	}
	fill(&a.Beta1, .9)
	fill(&a.Beta2, .999)
	fill(&a.Eps, 1e-8)
	fill(&a.Decay, 0)
	fill(&a.Clip, 0)
	return a
}
