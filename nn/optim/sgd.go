package optim

import "github.com/sluice-ml/sluice/graph"

// This file is stochastic gradient descent.

var _ Optimiser = SGD{}

// SGD moves every parameter element w with gradient g by
//
//	w = w - rate·g
//
// with g clipped as Adam's. It keeps no moments. It is the plain twin to hold Adam against, and the rule whose effect on a
// parameter is the gradient itself, which is what tests want.
type SGD struct {
	Rates map[string]Schedule // as Adam.Rates, with the same defaults
	Clip  float64             // 0, NaN or negative: none
}

// Validate names the first setting that cannot be used.
func (o SGD) Validate() error {
	if err := validateRates(o.Rates); err != nil {
		return err
	}
	return validateClip(o.Clip)
}

// Rule is SGD's update.
func (o SGD) Rule() graph.Rule { return graph.Rule{Kind: graph.SGD, Clip: clip(o.Clip)} }

// Groups are the keys of Rates, sorted.
func (o SGD) Groups() []string { return groupsOf(o.Rates) }

// Rate is a group's rate at an iteration.
func (o SGD) Rate(group string, iteration int) float64 { return rate(o.Rates, group, iteration) }

// Scalars takes one step.
func (o SGD) Scalars(dst graph.Scalars, groups []string, s *State) graph.Scalars {
	dst.Rates, dst.Keep = dst.Rates[:0], dst.Keep[:0]
	for _, group := range groups {
		dst.Rates, dst.Keep = append(dst.Rates, float32(rate(o.Rates, group, s.Step))), append(dst.Keep, 1)
	}
	s.Step++
	dst.C1, dst.C2 = 1, 1
	return dst
}
