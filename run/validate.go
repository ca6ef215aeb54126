package run

import (
	"fmt"
	"math"
	"strings"

	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/nn/optim"
)

// This file is what a run file must mean, beyond being well-formed: each refusal names the key.

// The levels of a hypergrid's reward where neither a preset nor levels are given.
var defaultLevels = [3]float64{.1, .5, 2}

// resolve fills in what depends on other settings, so that the written config is complete.
func (c *Config) resolve() {
	if c.Optim.LogZRate == 0 {
		c.Optim.LogZRate = optim.LogZFactor * c.Optim.Rate
	}
	if c.Reward.Preset == "" {
		for i, r := range []**float64{&c.Reward.R0, &c.Reward.R1, &c.Reward.R2} {
			if *r == nil {
				level := defaultLevels[i]
				*r = &level
			}
		}
	}
}

// Validate names the first key whose value cannot be used.
func (c Config) Validate() error {
	w, err := c.wire()
	if err != nil {
		return err
	}
	if _, err := ParseDevice(string(c.Device.Kind)); err != nil {
		return fmt.Errorf("device.kind: %w", err)
	}
	if m := c.Device.Mode; m != "deterministic" && m != "fast" {
		return fmt.Errorf("device.mode: must be deterministic or fast, is %q", m)
	}
	counts := []struct {
		key              string
		value, low, high int
	}{
		{"world.dim", c.World.Dim, 1, 1 << 16},
		{"world.side", c.World.Side, 2, 1 << 20},
		{"train.batch", c.Train.Batch, 1, 1 << 24},
		{"train.iterations", c.Train.Iterations, 1, math.MaxInt32},
		{"explore.until", c.Explore.Until, 0, math.MaxInt32},
		{"eval.every", c.Eval.Every, 0, math.MaxInt32},
		{"eval.limit", c.Eval.Limit, 1, 1 << 30},
		{"eval.samples", c.Eval.Samples, 2, 1 << 24},
		{"metrics.every", c.Metrics.Every, 1, math.MaxInt32},
		{"checkpoint.every", c.Checkpoint.Every, 0, math.MaxInt32},
		{"checkpoint.keep", c.Checkpoint.Keep, 1, 1 << 20},
		{"device.workers", c.Device.Workers, 0, 1 << 16},
	}
	for _, n := range counts {
		if err := within(n.key, n.value, n.low, n.high); err != nil {
			return err
		}
	}
	if least := balance.MinBatch(w.balance.Balance); c.Train.Batch < least {
		return fmt.Errorf("train.batch: must be at least %d with balance.kind = %q, is %d", least, c.Balance.Kind, c.Train.Batch)
	}
	if c.Seed > math.MaxInt64 {
		return fmt.Errorf("seed: must be at most %d, is %d", math.MaxInt64, c.Seed)
	}
	if len(c.Policy.Hidden) == 0 {
		return fmt.Errorf("policy.hidden: must have at least one layer, is []")
	}
	for i, w := range c.Policy.Hidden {
		if err := within(fmt.Sprintf("policy.hidden[%d]", i), w, 1, 1<<16); err != nil {
			return err
		}
	}
	if err := c.Reward.validate(); err != nil {
		return err
	}
	return c.validateNumbers()
}

func (r RewardConfig) validate() error {
	for i, level := range []*float64{r.R0, r.R1, r.R2} {
		key := fmt.Sprintf("reward.r%d", i)
		switch {
		case level == nil:
		case r.Preset != "":
			return fmt.Errorf("%s: the preset %q already says it; give one of the two", key, r.Preset)
		case math.IsNaN(*level) || math.IsInf(*level, 0) || *level < 0:
			return fmt.Errorf("%s: must be a finite number of at least 0, is %v", key, *level)
		case i == 0 && *level == 0:
			return fmt.Errorf("reward.r0: must be above 0, is 0: log R of most cells would be -Inf")
		}
	}
	return nil
}

func (c Config) validateNumbers() error {
	numbers := []struct {
		key   string
		value float64
		ok    bool
		want  string
	}{
		{"optim.rate", c.Optim.Rate, c.Optim.Rate > 0, "above 0"},
		{"optim.log_z_rate", c.Optim.LogZRate, c.Optim.LogZRate > 0, "above 0"},
		{"optim.beta1", c.Optim.Beta1, c.Optim.Beta1 > 0 && c.Optim.Beta1 < 1, "between 0 and 1"},
		{"optim.beta2", c.Optim.Beta2, c.Optim.Beta2 > 0 && c.Optim.Beta2 < 1, "between 0 and 1"},
		{"optim.eps", c.Optim.Eps, c.Optim.Eps > 0 && c.Optim.Eps < 1, "between 0 and 1"},
		{"optim.decay", c.Optim.Decay, c.Optim.Decay >= 0, "at least 0"},
		{"optim.clip", c.Optim.Clip, c.Optim.Clip >= 0, "at least 0"},
		{"optim.final_share", c.Optim.FinalShare, c.Optim.FinalShare >= 0 && c.Optim.FinalShare <= 1, "0..1"},
		{"optim.final_factor", c.Optim.FinalFactor, c.Optim.FinalFactor > 0, "above 0"},
		{"explore.epsilon", c.Explore.Epsilon, c.Explore.Epsilon >= 0 && c.Explore.Epsilon <= 1, "0..1"},
	}
	for _, n := range numbers {
		// NaN fails every comparison above; infinities pass some of them.
		if !n.ok || math.IsInf(n.value, 0) {
			return fmt.Errorf("%s: must be %s, is %v", n.key, n.want, n.value)
		}
	}
	return nil
}

func within(key string, v, low, high int) error {
	switch {
	case v < low:
		return fmt.Errorf("%s: must be at least %d, is %d", key, low, v)
	case v > high:
		return fmt.Errorf("%s: must be at most %d, is %d", key, high, v)
	}
	return nil
}

// oneOf is `"a", "b" or "c"`; an empty choice is not worth naming.
func oneOf(of []string) string {
	var quoted []string
	for _, s := range of {
		if s != "" {
			quoted = append(quoted, fmt.Sprintf("%q", s))
		}
	}
	if len(quoted) == 1 {
		return quoted[0]
	}
	last := len(quoted) - 1
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}
