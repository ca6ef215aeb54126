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

// This file is the only place where names in a run file become things. A new world, reward or balance is a line of a table here: Validate
// takes the names from it.

// choices are the names one key of a run file may have, and what each stands for.
type choices[T any] []choice[T]

type choice[T any] struct {
	name string
	is   T
}

func (c choices[T]) names() []string {
	var out []string
	for _, one := range c {
		out = append(out, one.name)
	}
	return out
}

// find is what the name stands for, or a refusal of the key.
func (c choices[T]) find(key, name string) (T, error) {
	for _, one := range c {
		if one.name == name {
			return one.is, nil
		}
	}
	var none T
	return none, fmt.Errorf("%s: must be %s, is %q", key, oneOf(c.names()), name)
}

type (
	namedWorld struct {
		world func(WorldConfig) world.World
		title func(WorldConfig) string // in pictures
	}
	namedBalance struct {
		balance.Balance
		title string // in pictures
	}
	rewardOf func(Config) reward.Reward
)

var (
	worlds = choices[namedWorld]{
		{"hypergrid", namedWorld{func(c WorldConfig) world.World { return world.Hypergrid(c.Dim, c.Side) }, gridTitle}},
	}
	// rewards are by reward.kind, and below it by reward.preset; without a preset there are levels.
	rewards = choices[choices[rewardOf]]{
		{"hypergrid", choices[rewardOf]{
			{"", func(c Config) reward.Reward {
				return reward.Hypergrid{Side: c.World.Side, R0: *c.Reward.R0, R1: *c.Reward.R1, R2: *c.Reward.R2}
			}},
			{"easy", func(c Config) reward.Reward { return reward.HypergridEasy(c.World.Side) }},
			{"hard", func(c Config) reward.Reward { return reward.HypergridHard(c.World.Side) }},
		}},
	}
	activations = choices[graph.Act]{{"relu", graph.ReLU}, {"leaky_relu", graph.Leaky}, {"tanh", graph.Tanh}}
	backwards   = choices[gfn.Backward]{{"uniform", gfn.Uniform}, {"learned", gfn.Learned}}
	balances    = choices[namedBalance]{
		{"tb", namedBalance{balance.TB{}, "trajectory balance"}},
		{"db", namedBalance{balance.DB{}, "detailed balance"}},
		{"vargrad", namedBalance{balance.VarGrad{}, "VarGrad"}},
	}
)

// wired is what the names of a config stand for.
type wired struct {
	world      namedWorld
	reward     rewardOf
	activation graph.Act
	backward   gfn.Backward
	balance    namedBalance
}

// wire is what the names stand for, or a refusal of the first that is none.
func (c Config) wire() (w wired, err error) {
	if w.world, err = worlds.find("world.kind", c.World.Kind); err != nil {
		return w, err
	}
	presets, err := rewards.find("reward.kind", c.Reward.Kind)
	if err != nil {
		return w, err
	}
	if w.reward, err = presets.find("reward.preset", c.Reward.Preset); err != nil {
		return w, err
	}
	if w.activation, err = activations.find("policy.activation", c.Policy.Activation); err != nil {
		return w, err
	}
	if w.backward, err = backwards.find("policy.backward", c.Policy.Backward); err != nil {
		return w, err
	}
	w.balance, err = balances.find("balance.kind", c.Balance.Kind)
	return w, err
}

// Job is the training job c stands for, on a device the caller opened. A config of [Load] or [Parse] has one; one that was put together by
// hand is validated first.
func (c Config) Job(device graph.Device) (gfn.Job, error) {
	c.resolve()
	if err := c.Validate(); err != nil {
		return gfn.Job{}, &ConfigError{Text: err.Error()}
	}
	w, err := c.wire()
	if err != nil {
		return gfn.Job{}, &ConfigError{Text: err.Error()}
	}
	return gfn.Job{
		Device:    device,
		World:     w.world.world(c.World),
		LogReward: w.reward(c),
		Balance:   w.balance.Balance,
		Net:       nn.MLP{Hidden: c.Policy.Hidden, Act: w.activation},
		Backward:  w.backward,
		Optim: optim.Adam{
			Rates: map[string]optim.Schedule{optim.Policy: c.rate(c.Optim.Rate), optim.LogZ: c.rate(c.Optim.LogZRate)},
			Beta1: c.Optim.Beta1, Beta2: c.Optim.Beta2, Eps: c.Optim.Eps, Decay: c.Optim.Decay, Clip: c.Optim.Clip,
		},
		Explore:    c.Explore.schedule(),
		Batch:      c.Train.Batch,
		Iterations: c.Train.Iterations,
		Seed:       c.Seed,
		Limit:      c.Eval.Limit,
	}, nil
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
