package metric

import (
	"fmt"
	"math"

	"github.com/sluice-ml/sluice/gfn/world"
)

// This file is the exact law of what a policy builds.

// Logits writes the forward logits of n states, n x space.Spec().Actions(), to dst. Log-probabilities serve as well: whatever comes is
// normalised over the allowed actions.
type Logits func(states []int32, dst []float64) error

// block is how many states a policy is asked about at once: enough to fill a device, few enough to stay out of the way.
const block = 8192

// Terminal is the logarithm of the probability that a policy's trajectory ends in each state, by state index; -Inf where none
// can end. Visits go through the states in topological order,
//
//	u(s₀) = 1,   u(s') = Σ_{s→s'} u(s)·P_F(s'|s),   p_T(x) = u(x)·P_F(stop|x), or u(x) where x ends trajectories by itself
//
// in logarithms: a policy that has collapsed leaves states with e^-4000, which a float64 cannot hold but KL divergence has to
// see. Cost: two exponentials an edge, two logarithms a state.
func Terminal(space *world.Space, logits Logits) ([]float64, error) {
	width, stop := space.Spec().Actions(), space.Spec().Forward
	words := space.Spec().Words()
	visit, logP := make([]logMass, space.N), make([]float64, space.N)
	for i := range visit {
		visit[i].top = math.Inf(-1)
	}
	visit[0].add(0)
	rows := make([]float64, min(block, space.N)*width)
	for lo := 0; lo < space.N; lo += block {
		hi := min(lo+block, space.N)
		dst := rows[:(hi-lo)*width]
		if moving(space.Terminal[lo:hi]) { // else there is nothing to ask
			if err := logits(space.States[lo*space.Ints:hi*space.Ints], dst); err != nil {
				return nil, err
			}
		}
		for i := lo; i < hi; i++ {
			u := visit[i].log()
			if space.Terminal[i] || math.IsInf(u, -1) { // ends here, or is never visited, whatever its logits are
				logP[i] = u
				continue
			}
			row := dst[(i-lo)*width : (i-lo+1)*width]
			if sum := LogSoftmax(row, row, space.Mask[i*words:(i+1)*words]); math.IsNaN(sum) || math.IsInf(sum, 0) {
				return nil, fmt.Errorf("metric: the logits of state %v cannot be normalised: their log-sum is %v", space.State(i), sum)
			}
			for e := space.First[i]; e < space.First[i+1]; e++ {
				visit[space.Child[e]].add(u + row[space.Action[e]])
			}
			logP[i] = math.Inf(-1)
			if space.Stop[i] {
				logP[i] = u + row[stop]
			}
		}
	}
	return logP, nil
}

// moving reports whether a trajectory goes on from any of these states.
func moving(terminal []bool) bool {
	for _, t := range terminal {
		if !t {
			return true
		}
	}
	return false
}
