package run

import (
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/world"
)

// This file is what a run can be told: one typed struct per table of its TOML file.

// Config is one run. The zero value is no run: start from [Default], or let [Parse] do so.
// Every field is written back to the run directory, so config.toml there shows the defaults that were used.
type Config struct {
	Seed uint64 `toml:"seed" comment:"of every draw and every initial parameter"`

	World      WorldConfig      `toml:"world"`
	Reward     RewardConfig     `toml:"reward"`
	Policy     PolicyConfig     `toml:"policy"`
	Balance    BalanceConfig    `toml:"balance"`
	Train      TrainConfig      `toml:"train"`
	Optim      OptimConfig      `toml:"optim"`
	Explore    ExploreConfig    `toml:"explore"`
	Eval       EvalConfig       `toml:"eval"`
	Metrics    MetricsConfig    `toml:"metrics"`
	Checkpoint CheckpointConfig `toml:"checkpoint"`
	Device     DeviceConfig     `toml:"device"`
}

// WorldConfig says what is built.
type WorldConfig struct {
	Kind string `toml:"kind" comment:"hypergrid"`
	Dim  int    `toml:"dim" comment:"coordinates of a cell"`
	Side int    `toml:"side" comment:"values of a coordinate"`
}

// RewardConfig says what is wanted: R = R0 + R1 [all coordinates outside] + R2 [all in the band]. A preset and levels exclude each
// other; with neither, the levels are .1, .5, 2.
type RewardConfig struct {
	Kind   string   `toml:"kind" comment:"hypergrid"`
	Preset string   `toml:"preset,omitempty" comment:"easy, hard; or give r0, r1 and r2 instead"`
	R0     *float64 `toml:"r0,omitempty" comment:"everywhere"`
	R1     *float64 `toml:"r1,omitempty" comment:"added in the corners"`
	R2     *float64 `toml:"r2,omitempty" comment:"added in the bands inside the corners"`
}

// PolicyConfig is the network and where log P_B comes from.
type PolicyConfig struct {
	Hidden     []int  `toml:"hidden" comment:"widths of the hidden layers every head shares"`
	Activation string `toml:"activation" comment:"relu, leaky_relu, tanh"`
	Backward   string `toml:"backward" comment:"uniform, learned"`
}

// BalanceConfig is the loss.
type BalanceConfig struct {
	Kind string `toml:"kind" comment:"tb, db, vargrad"`
}

// TrainConfig is the length of the run.
type TrainConfig struct {
	Batch      int `toml:"batch" comment:"trajectories an iteration"`
	Iterations int `toml:"iterations"`
}

// OptimConfig is Adam and its rates. In the last FinalShare of the run both rates are multiplied by FinalFactor.
type OptimConfig struct {
	Rate        float64 `toml:"rate" comment:"of the policy"`
	LogZRate    float64 `toml:"log_z_rate" comment:"of log Z; 0 means 100 times rate"`
	Beta1       float64 `toml:"beta1"`
	Beta2       float64 `toml:"beta2"`
	Eps         float64 `toml:"eps"`
	Decay       float64 `toml:"decay" comment:"weight decay; log Z is spared"`
	Clip        float64 `toml:"clip" comment:"largest global gradient norm; 0 does not clip"`
	FinalShare  float64 `toml:"final_share" comment:"share of the run, at its end, in which rates are lower, 0..1"`
	FinalFactor float64 `toml:"final_factor" comment:"what both rates are multiplied by in that share"`
}

// ExploreConfig is how often an action is drawn uniformly from the allowed ones.
type ExploreConfig struct {
	Epsilon float64 `toml:"epsilon" comment:"probability at iteration 0"`
	Until   int     `toml:"until" comment:"iteration at which it has come down to 0 on a straight line; 0: it stays"`
}

// EvalConfig is when and how the policy is judged.
type EvalConfig struct {
	Every   int `toml:"every" comment:"iterations between exact evaluations; 0: only at the end"`
	Limit   int `toml:"limit" comment:"largest number of states judged exactly"`
	Samples int `toml:"samples" comment:"draws for what is estimated by sampling"`
}

// MetricsConfig is how often a line goes to metrics.jsonl.
type MetricsConfig struct {
	Every int `toml:"every" comment:"iterations between lines of metrics.jsonl"`
}

// CheckpointConfig is when the run is saved.
type CheckpointConfig struct {
	Every int `toml:"every" comment:"iterations between checkpoints; 0: only at the end"`
	Keep  int `toml:"keep" comment:"checkpoints kept"`
}

// DeviceConfig says where a run computes. Nothing here changes a result.
type DeviceConfig struct {
	Kind    DeviceKind `toml:"kind" comment:"auto (a GPU if there is one), cpu, cuda, cuda:N, sim"`
	Mode    string     `toml:"mode" comment:"of a GPU: deterministic, or fast (cuBLAS in TF32 where found: near the same results, not the same bits)"`
	Workers int        `toml:"workers" comment:"goroutines of the CPU; 0: one a processor"`
	Memory  Bytes      `toml:"memory" comment:"budget like 512MiB over which activations are recomputed; 0: none"`
}

// Default is the settings a file need not give. It is a complete, valid run: the preset hypergrid-8x8.
func Default() Config {
	return Config{
		Seed:       1,
		World:      WorldConfig{Kind: "hypergrid", Dim: 2, Side: 8},
		Reward:     RewardConfig{Kind: "hypergrid"},
		Policy:     PolicyConfig{Hidden: []int{128, 128}, Activation: "relu", Backward: "uniform"},
		Balance:    BalanceConfig{Kind: "tb"},
		Train:      TrainConfig{Batch: gfn.DefaultBatch, Iterations: gfn.DefaultIterations},
		Optim:      OptimConfig{Rate: 1e-3, Beta1: .9, Beta2: .999, Eps: 1e-8, FinalShare: .2, FinalFactor: .1},
		Eval:       EvalConfig{Every: 50, Limit: world.DefaultLimit, Samples: 4096},
		Metrics:    MetricsConfig{Every: 10},
		Checkpoint: CheckpointConfig{Every: 500, Keep: 2},
		Device:     DeviceConfig{Kind: "auto", Mode: "deterministic"},
	}
}
