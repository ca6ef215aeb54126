package run

import (
	"errors"
	"math"

	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/metric"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
)

// This file judges a policy: exactly where the states can be listed, else by sampling.

// Evaluation is the judgement of one set of parameters. Its JSON keys are stable; what is not known is null.
type Evaluation struct {
	Iteration    int    `json:"iteration"`
	Iterations   int    `json:"iterations"` // of the whole run
	Finished     bool   `json:"finished"`
	Trajectories int64  `json:"trajectories"`
	Seed         uint64 `json:"seed"`
	ParamsHash   string `json:"params_hash"`

	Exact    bool   `json:"exact"`     // the numbers below come from every state, not from samples
	ExactOff string `json:"exact_off"` // why not; "" if they do
	States   *int   `json:"states"`
	Samples  *int   `json:"samples"` // draws behind sampled numbers

	TV                   *float64 `json:"tv"`
	L1Sum                *float64 `json:"l1_sum"`
	KLNats               *float64 `json:"kl_nats"` // KL(R/Z || learned)
	LogZ                 *float64 `json:"log_z"`   // learned; under VarGrad the mean estimate over fresh trajectories
	LogZTrue             *float64 `json:"log_z_true"`
	LogZError            *float64 `json:"log_z_error"`
	ExpectedReward       *float64 `json:"expected_reward"`
	ExpectedRewardTrue   *float64 `json:"expected_reward_true"`
	ExpectedRewardStdErr *float64 `json:"expected_reward_std_err"` // of a sampled one
	ELBO                 *float64 `json:"elbo"`                    // sampled; never above log Z but for noise
	ELBOStdErr           *float64 `json:"elbo_std_err"`

	detail *metric.Exact
}

// Evaluate judges a policy. The progress fields are the caller's to fill in.
func Evaluate(p *gfn.Policy, c Config) (*Evaluation, error) {
	e := &Evaluation{Seed: c.Seed, ParamsHash: p.Hash()}
	exact, err := p.Exact()
	var large *world.TooLargeError
	switch {
	case errors.As(err, &large):
		e.ExactOff = large.Error()
		return e, e.sample(p, c)
	case err != nil:
		return nil, err
	}
	e.Exact, e.States, e.detail = true, &exact.States, exact
	e.TV, e.L1Sum, e.KLNats = value(exact.TV), value(exact.L1), value(exact.KLNats)
	e.LogZ, e.LogZTrue, e.LogZError = value(exact.LogZ), value(exact.LogZTrue), value(exact.LogZError)
	e.ExpectedReward, e.ExpectedRewardTrue = value(exact.ExpectedReward), value(exact.ExpectedRewardTrue)
	return e, nil
}

// sample fills in what can be known without listing the states.
func (e *Evaluation) sample(p *gfn.Policy, c Config) error {
	n := c.Eval.Samples
	e.Samples = &n
	count := n
	if p.EstimatesLogZ() {
		count = max(n, gfn.LogZDraws) // of one seed, so the first n of them are the n draws asked for
	}
	draws, err := p.Sample(count, c.Seed)
	if err != nil {
		return err
	}
	var logZ float64
	if p.EstimatesLogZ() {
		logZ, _ = gfn.ELBO(draws[:gfn.LogZDraws])
	} else if logZ, err = p.LogZ(); err != nil {
		return err
	}
	e.LogZ = value(logZ)
	draws = draws[:n]
	mean, stdErr := gfn.ELBO(draws)
	e.ELBO, e.ELBOStdErr = value(mean), value(stdErr)
	rewards := make([]float64, len(draws))
	for i, d := range draws {
		rewards[i] = math.Exp(d.LogR)
	}
	s := spreadOf(rewards)
	e.ExpectedReward, e.ExpectedRewardStdErr = s.Mean, s.StdErr
	return nil
}

// Judge is the evaluation of a run directory's newest checkpoint, or of the initial parameters where there is none yet. The
// directory may be in use.
func Judge(path string, device graph.Device) (*Evaluation, error) {
	t, c, err := Revive(path, device)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	e, err := Evaluate(t.Policy(), c)
	if err != nil {
		return nil, err
	}
	e.progress(t, c)
	return e, nil
}

// progress fills in how far the run is.
func (e *Evaluation) progress(t *gfn.Trainer, c Config) {
	e.Iteration, e.Iterations = t.Iteration(), c.Train.Iterations
	e.Finished = e.Iteration >= e.Iterations
	e.Trajectories = int64(e.Iteration) * int64(c.Train.Batch)
}

// Revive is a run directory's newest checkpoint as a trainer. The directory is only read.
func Revive(path string, device graph.Device) (*gfn.Trainer, Config, error) {
	c, err := ReadConfig(path)
	if err != nil {
		return nil, c, err
	}
	r, err := ReadCheckpoint(path, c, "")
	if err != nil {
		return nil, c, err
	}
	t, err := newTrainer(c, device, r)
	return t, c, err
}
