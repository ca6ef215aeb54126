package optim

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/sluice-ml/sluice/graph"
)

// This file is what the optimisers share: the interface, the state, and rates by parameter group.

// An Optimiser is one of this package's rules with its settings: [Adam] or [SGD].
type Optimiser interface {
	// Validate names the first setting that cannot be used.
	Validate() error
	// Rule is what a device executes for every parameter element.
	Rule() graph.Rule
	// Groups are the groups that are given a rate of their own, sorted. One that a job does not have is a slip of the pen.
	Groups() []string
	// Rate is a group's rate at an iteration.
	Rate(group string, iteration int) float64
	// Scalars takes one step: it returns the values the rule reads in this iteration, one rate a group, in dst's memory where
	// that has room, and moves s on. Each value is computed in float64 and rounded once.
	Scalars(dst graph.Scalars, groups []string, s *State) graph.Scalars
}

// State is what an optimiser carries from step to step beside the moments. The zero State is the start of a run; its JSON form
// holds every bit, so a run that writes it down and reads it back goes on as if it had never stopped.
type State struct {
	Step       int     `json:"step"`        // steps taken; the next one uses the rates of iteration Step
	Beta1Power float64 `json:"beta1_power"` // β₁ to the power of Step, by running product; 0 at Step 0 means 1
	Beta2Power float64 `json:"beta2_power"` // likewise β₂
}

// Parameter groups that have a default rate of their own.
const (
	Policy = "policy" // the torso and every head on it
	LogZ   = "log_z"  // the scalar log Z
)

// DefaultRate is the rate of a group that is given none.
const DefaultRate = 1e-3

// LogZFactor is how many times the policy's rate log Z learns at unless it is given a rate: one scalar has to travel as far as
// log Z is from 0, and 100 times is the convention of the field (.1 against .001; Malkin et al., arXiv:2201.13259). At the
// policy's own rate trajectory balance looks broken.
const LogZFactor = 100

// rate is a group's rate: its own schedule; without one, log Z has LogZFactor times the policy's and other groups have the policy's.
func rate(rates map[string]Schedule, group string, iteration int) float64 {
	if s := rates[group]; len(s) > 0 {
		return s.At(iteration)
	}
	policy := DefaultRate
	if s := rates[Policy]; len(s) > 0 {
		policy = s.At(iteration)
	}
	if group == LogZ {
		return LogZFactor * policy
	}
	return policy
}

func groupsOf(rates map[string]Schedule) []string { return slices.Sorted(maps.Keys(rates)) }

func validateRates(rates map[string]Schedule) error {
	for group, s := range rates {
		if err := s.Validate(); err != nil {
			return fmt.Errorf("optim: rate of group %q: %w", group, err)
		}
		if lo, hi := s.Bounds(); lo < 0 || hi > math.MaxFloat32 {
			return fmt.Errorf("optim: rate of group %q goes from %v to %v, want float32 values of at least 0", group, lo, hi)
		}
	}
	return nil
}

// off reports whether a setting is turned off.
func off(v float64) bool { return math.IsNaN(v) || v < 0 }

// clip is a clipping threshold as a Rule has it: 0 does not clip.
func clip(v float64) float32 {
	if off(v) {
		return 0
	}
	return float32(v)
}

func validateClip(v float64) error {
	if v > math.MaxFloat32 {
		return fmt.Errorf("optim: Clip is %v, want at most %v (0 does not clip)", v, float32(math.MaxFloat32))
	}
	return nil
}
