package run

import (
	"fmt"
	"math"

	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/nn"
	"github.com/sluice-ml/sluice/nn/optim"
)

// This file is the only place where names in a run file become things.

// Job is the training job c stands for, on a device the caller opened.
func (c Config) Job(device graph.Device) (gfn.Job, error) {
	job := gfn.Job{
		Device: device,
		Net:    nn.MLP{Hidden: c.Policy.Hidden},
		Optim: optim.Adam{
			Rates: map[string]optim.Schedule{optim.Policy: c.rate(c.Optim.Rate), optim.LogZ: c.rate(c.Optim.LogZRate)},
			Beta1: c.Optim.Beta1, Beta2: c.Optim.Beta2, Eps: c.Optim.Eps, Decay: c.Optim.Decay, Clip: c.Optim.Clip,
		},
		Explore:    c.Explore.schedule(),
		Batch:      c.Train.Batch,
		Iterations: c.Train.Iterations,
		Seed:       c.Seed,
		Limit:      c.Eval.Limit,
	}
	switch c.World.Kind {
	case "hypergrid":
		job.World = world.Hypergrid(c.World.Dim, c.World.Side)
	default:
		return job, unwired("world.kind", c.World.Kind)
	}
	switch c.Reward.Kind + " " + c.Reward.Preset {
	case "hypergrid easy":
		job.LogReward = reward.HypergridEasy(c.World.Side)
	case "hypergrid hard":
		job.LogReward = reward.HypergridHard(c.World.Side)
	case "hypergrid ":
		job.LogReward = reward.Hypergrid{Side: c.World.Side, R0: *c.Reward.R0, R1: *c.Reward.R1, R2: *c.Reward.R2}
	default:
		return job, unwired("reward.kind", c.Reward.Kind)
	}
	switch c.Policy.Activation {
	case "relu":
		job.Net.Act = graph.ReLU
	case "leaky_relu":
		job.Net.Act = graph.Leaky
	case "tanh":
		job.Net.Act = graph.Tanh
	default:
		return job, unwired("policy.activation", c.Policy.Activation)
	}
	switch c.Policy.Backward {
	case "uniform":
		job.Backward = gfn.Uniform
	case "learned":
		job.Backward = gfn.Learned
	default:
		return job, unwired("policy.backward", c.Policy.Backward)
	}
	switch c.Balance.Kind {
	case "tb":
		job.Balance = balance.TB{}
	case "db":
		job.Balance = balance.DB{}
	case "vargrad":
		job.Balance = balance.VarGrad{}
	default:
		return job, unwired("balance.kind", c.Balance.Kind)
	}
	return job, nil
}

// unwired is a name that Validate lets through and this file does not know: a Config that was not validated.
func unwired(key, value string) error {
	return &ConfigError{Text: fmt.Sprintf("%s: %q is not known", key, value)}
}

// rate is v, and in the last FinalShare of the run v times FinalFactor.
func (c Config) rate(v float64) optim.Schedule {
	final := int(math.Round(float64(c.Train.Iterations) * c.Optim.FinalShare))
	if final == 0 {
		return optim.Constant(v)
	}
	return optim.Steps(v, c.Train.Iterations-final, v*c.Optim.FinalFactor)
}

func (e ExploreConfig) schedule() optim.Schedule {
	switch {
	case e.Epsilon == 0:
		return nil
	case e.Until == 0:
		return optim.Constant(e.Epsilon)
	}
	return optim.Linear(e.Epsilon, 0, e.Until)
}
