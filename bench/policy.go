package bench

import (
	"bytes"
	"embed"
	"fmt"

	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/nn/optim"
)

// This file is the policies that trajectories are drawn from: how long they are decides what an iteration costs.

// Policy is a stage of training.
type Policy string

// The stages. The trained ones are of PolicyWidth and come from testdata, whose README says how they were made.
const (
	Fresh     Policy = "fresh"     // untrained, epsilon .1: trajectories of 5 steps
	Early     Policy = "early"     // after 2,000 iterations, epsilon as it was then: 8 or 9 steps
	Converged Policy = "converged" // after 62,500 iterations, epsilon 0: about 40 steps
)

// Policies lists them.
var Policies = []Policy{Fresh, Early, Converged}

// PolicyWidth is the width of the trained policies.
const PolicyWidth = 256

//go:embed testdata/*.safetensors
var weights embed.FS

// standing is the rate of a policy that is measured: the update does all its arithmetic and moves next to nothing, so what was fresh at
// the first iteration is fresh at the last one. At a real rate the trajectories of a fresh policy grow while they are timed.
const standing = 1e-6

// train puts the policy into a job: its exploration, and rates at which it stands still.
func (p Policy) train(job *gfn.Job) {
	job.Optim = optim.Adam{Rates: map[string]optim.Schedule{optim.Policy: optim.Constant(standing), optim.LogZ: optim.Constant(standing)}}
	switch p {
	case Early:
		job.Explore = optim.Constant(optim.Linear(.1, 0, 30_000).At(2000))
	case Converged:
		job.Explore = nil
	}
}

// load puts the policy's weights into s, the state of a new trainer, which holds those of Fresh.
func (p Policy) load(s gfn.State) (gfn.State, error) {
	if p == Fresh {
		return s, nil
	}
	raw, err := weights.ReadFile(fmt.Sprintf("testdata/%s.safetensors", p))
	if err != nil {
		return s, fmt.Errorf("bench: %w", err)
	}
	s.Params, err = gfn.ReadTensors(bytes.NewReader(raw))
	return s, err
}
