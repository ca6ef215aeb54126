package run

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/graph"
)

// This file is the training loop of a run: iterate, judge, save, show.

// ErrInterrupted is a run that was asked to stop. Its checkpoint is written; resuming it gives the bits of a run that never stopped.
var ErrInterrupted = errors.New("run: interrupted")

// Loop is one run on its way, new or taken up again.
type Loop struct {
	Dir    *Dir
	Config Config
	Device graph.Device
	From   *Restored // where to go on; nil starts anew
	Resume bool      // the directory is taken up again, with or without a checkpoint in it
	Args   []string  // of the command, for the manifest
	Watch  Watcher   // nil: nobody watches

	trainer *gfn.Trainer
	metrics *metricsFile
	status  Status
	meter   meter
	last    *Evaluation
}

// Run goes on to the last iteration, then judges the policy and draws the pictures. When ctx is done it saves and returns
// ErrInterrupted. A run that had already finished is judged again.
func (l *Loop) Run(ctx context.Context) (e *Evaluation, err error) {
	if l.trainer, err = newTrainer(l.Config, l.Device, l.From); err != nil {
		return nil, err
	}
	defer l.trainer.Close()
	start := l.trainer.Iteration()
	m := Manifest{Seed: l.Config.Seed, Device: l.Device.Name(), Lanes: l.trainer.Lanes(), Args: l.Args}
	if err := l.Dir.record(l.Resume, start, m); err != nil {
		return nil, err
	}
	if l.metrics, err = l.Dir.openMetrics(start); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.metrics.close()) }()
	if err := l.train(ctx); err != nil {
		return nil, err
	}
	if l.last == nil { // finished before: the judgement is not on disk, only its numbers are
		if l.last, err = Evaluate(l.trainer.Policy(), l.Config); err != nil {
			return nil, err
		}
	}
	l.last.progress(l.trainer, l.Config)
	return l.last, l.Dir.plot(l.Config, l.last)
}

func newTrainer(c Config, device graph.Device, r *Restored) (*gfn.Trainer, error) {
	job, err := c.Job(device)
	if err != nil {
		return nil, err
	}
	t, err := gfn.New(job)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return t, nil
	}
	if err := t.Restore(r.State); err != nil {
		t.Close()
		return nil, fmt.Errorf("run: checkpoint %s: %w", stepName(r.State.Iteration), err)
	}
	if hash := t.Policy().Hash(); hash != r.ParamsHash {
		t.Close()
		return nil, fmt.Errorf("run: checkpoint %s: parameters hash to %.12s, its state.json says %.12s", stepName(r.State.Iteration), hash, r.ParamsHash)
	}
	return t, nil
}

func (l *Loop) train(ctx context.Context) error {
	l.status = Status{Iteration: l.trainer.Iteration(), Iterations: l.Config.Train.Iterations,
		Loss: math.NaN(), LogZ: math.NaN(), LogZTrue: math.NaN(), TV: math.NaN()}
	if l.Watch != nil {
		defer l.Watch.Done()
	}
	for l.trainer.Iteration() < l.Config.Train.Iterations {
		if ctx.Err() != nil {
			if err := l.save(); err != nil {
				return err
			}
			return fmt.Errorf("%w at iteration %d", ErrInterrupted, l.trainer.Iteration())
		}
		if err := l.step(); err != nil {
			return err
		}
	}
	return nil
}

// step is one iteration and what is due after it. Metrics are on disk before the checkpoint that counts on them.
func (l *Loop) step() error {
	p, err := l.trainer.Step()
	if err != nil {
		return l.stuck(err)
	}
	c := l.Config
	finished := p.Iteration == c.Train.Iterations
	line := Line{Iteration: p.Iteration, Trajectories: p.Trajectories}
	l.meter.add(time.Now(), p.Iteration, p.Trajectories)
	l.status.see(p, &l.meter)
	judged := finished || every(p.Iteration, c.Eval.Every)
	if judged {
		if err := l.judge(&line); err != nil {
			return err
		}
	}
	if judged || every(p.Iteration, c.Metrics.Every) {
		line.train(p, l.status.TrajPerSec)
		if err := l.metrics.add(line); err != nil {
			return err
		}
	}
	if finished || every(p.Iteration, c.Checkpoint.Every) {
		if err := l.save(); err != nil {
			return err
		}
	}
	if l.Watch != nil {
		l.status.Judged = judged
		l.Watch.See(l.status)
	}
	return nil
}

// stuck saves the run before an iteration that failed: the parameters are still those before it.
func (l *Loop) stuck(err error) error {
	if failed := l.save(); failed != nil {
		return errors.Join(err, failed)
	}
	if d, ok := errors.AsType[*gfn.DivergedError](err); ok {
		return &replayError{d, l.Dir.Path}
	}
	return err
}

// replayError is a run that diverged, with a checkpoint from which it does so again.
type replayError struct {
	diverged *gfn.DivergedError
	dir      string
}

func (e *replayError) Error() string {
	return fmt.Sprintf("%s; sluice resume %s replays it", e.diverged.Finding(), e.dir)
}

func (e *replayError) Unwrap() error { return e.diverged }

// every reports whether something that happens every n iterations happens at i; n = 0 is never.
func every(i, n int) bool { return n > 0 && i%n == 0 }

func (l *Loop) judge(line *Line) error {
	e, err := Evaluate(l.trainer.Policy(), l.Config)
	if err != nil {
		return err
	}
	l.last = e
	line.eval(e)
	set := func(dst *float64, v *float64) {
		if v != nil {
			*dst = *v
		}
	}
	set(&l.status.TV, e.TV)
	set(&l.status.LogZ, e.LogZ)
	set(&l.status.LogZTrue, e.LogZTrue)
	l.status.ExactOff = e.ExactOff
	return nil
}

func (l *Loop) save() error {
	if err := l.metrics.flush(); err != nil {
		return err
	}
	return l.Dir.Save(l.Config, l.trainer.State(), l.trainer.Policy().Hash())
}

func (n *Line) train(p gfn.Progress, trajPerSec float64) {
	n.Loss, n.LogZ, n.GradNorm, n.MeanLogReward = value(p.Loss), value(p.LogZ), value(p.GradNorm), value(p.MeanLogReward)
	n.MeanLength, n.Rate, n.Epsilon, n.TrajPerSec = value(p.MeanLength), value(p.Rate), value(p.Epsilon), value(trajPerSec)
}

func (n *Line) eval(e *Evaluation) {
	n.TV, n.L1Sum, n.KLNats, n.EvalLogZ = e.TV, e.L1Sum, e.KLNats, e.LogZ
	n.LogZError, n.ExpectedReward, n.ELBO = e.LogZError, e.ExpectedReward, e.ELBO
}

// GoOn takes up a run directory again: at its newest checkpoint, or at the one named by from.
func GoOn(path string, device graph.Device, from string) (*Loop, error) {
	d, c, err := Open(path)
	if err != nil {
		return nil, err
	}
	r, err := ReadCheckpoint(path, c, from)
	if err == nil && from != "" {
		// A crash from here on must not bring back the checkpoint that was left behind.
		err = d.point(from)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return &Loop{Dir: d, Config: c, Device: device, From: r, Resume: true}, nil
}

// At is the iteration the loop starts from.
func (l *Loop) At() int {
	if l.From == nil {
		return 0
	}
	return l.From.State.Iteration
}

// Finished is whether there is nothing left to train.
func (l *Loop) Finished() bool { return l.At() >= l.Config.Train.Iterations }
