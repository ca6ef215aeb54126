package run

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/gfn"
)

// TestResumeIsTheSameRun stops at iteration 23 of 50, between two checkpoints, evaluations and lines.
func TestResumeIsTheSameRun(t *testing.T) {
	for _, kind := range []string{"tb", "db", "vargrad"} {
		c := tiny("balance.kind="+kind, "checkpoint.every=20", "explore.epsilon=.2", "explore.until=40")
		whole, want := train(t, c)
		dir := stopAt(t, c, 23)

		mid, err := Judge(dir, cpu.New(cpu.Config{}))
		require.NoError(t, err)
		require.Equal(t, 23, mid.Iteration)
		require.False(t, mid.Finished)
		require.NotEqual(t, want.ParamsHash, mid.ParamsHash)

		got, err := goOn(t, dir, "")
		require.NoError(t, err)
		require.Equal(t, want.ParamsHash, got.ParamsHash, kind)
		require.Equal(t, timeless(t, whole), timeless(t, dir), kind)
		got.detail, want.detail = nil, nil
		require.Equal(t, want, got)
		require.True(t, got.Finished)

		m, err := readManifest(filepath.Join(dir, manifestName))
		require.NoError(t, err)
		require.Len(t, m.Resumed, 1)
		require.Equal(t, 23, m.Resumed[0].Iteration)
		require.Equal(t, 2, m.Lanes)
		require.EqualValues(t, 1, m.Seed)
	}
}

func TestFinishedRunIsLeftAsItIs(t *testing.T) {
	c := tiny()
	dir, want := train(t, c)
	lines := timeless(t, dir)
	require.Equal(t, 50, lines[len(lines)-1].Iteration)
	require.NoError(t, os.Remove(filepath.Join(dir, plotsName, distributionPlot)))
	got, err := goOn(t, dir, "")
	require.NoError(t, err)
	require.Equal(t, want.ParamsHash, got.ParamsHash)
	require.Equal(t, lines, timeless(t, dir))
	require.Len(t, (&Dir{Path: dir}).Pictures(), 2, "a kill before the pictures does not lose them")
	all, err := steps(dir)
	require.NoError(t, err)
	require.Equal(t, []int{48, 50}, all, "two are kept")
}

// TestMetricsLines holds the keys and the rhythm: a line every 5 iterations and one at every evaluation.
func TestMetricsLines(t *testing.T) {
	dir, e := train(t, tiny("metrics.every=15", "policy.backward=learned"))
	var at []int
	for _, l := range timeless(t, dir) {
		at = append(at, l.Iteration)
		require.EqualValues(t, 16*l.Iteration, l.Trajectories)
		require.NotNil(t, l.Loss)
		require.NotNil(t, l.LogZ)
		require.Equal(t, l.Iteration%20 == 0 || l.Iteration == 50, l.TV != nil)
	}
	require.Equal(t, []int{15, 20, 30, 40, 45, 50}, at)
	text, err := os.ReadFile(filepath.Join(dir, metricsName))
	require.NoError(t, err)
	for _, key := range []string{"iteration", "trajectories", "train/loss", "train/log_z", "train/grad_norm", "train/mean_log_reward",
		"train/learning_rate", "eval/tv", "eval/kl_nats", "eval/log_z", "eval/log_z_error", "perf/traj_per_s"} {
		require.Contains(t, string(text), `"`+key+`":`)
	}
	require.EqualValues(t, 800, e.Trajectories)
}

// TestGoingBack resumes from an older checkpoint: the later one is left behind for good, and the end is the same.
func TestGoingBack(t *testing.T) {
	c := tiny("checkpoint.every=10")
	_, want := train(t, c)
	dir := stopAt(t, c, 27)
	l, err := GoOn(dir, cpu.New(cpu.Config{}), stepName(20))
	require.NoError(t, err)
	require.Equal(t, 20, l.At())
	name, err := latest(dir)
	require.NoError(t, err)
	require.Equal(t, stepName(20), name, "a crash now must not bring the later one back")
	got, err := l.Run(context.Background())
	require.NoError(t, err)
	require.NoError(t, l.Dir.Close())
	require.Equal(t, want.ParamsHash, got.ParamsHash)
	_, err = goOn(t, dir, "step-12")
	require.EqualError(t, err, `run: "step-12" names no checkpoint, want something like "step-00001000"`)
}

// TestTooLargeIsSampled: a side that cannot be enumerated says so and is judged by sampling.
func TestTooLargeIsSampled(t *testing.T) {
	dir, e := train(t, tiny("eval.limit=20", "eval.samples=100"))
	require.Equal(t, "world: 25 states, the limit is 20: exact metrics are off", e.ExactOff)
	require.False(t, e.Exact)
	require.Nil(t, e.TV)
	require.NotNil(t, e.ELBO)
	require.NotNil(t, e.ExpectedReward)
	require.Contains(t, e.Table(), "exact metrics are off")
	require.Contains(t, e.Table(), "over 100 draws, after 800 trajectories")
	require.Len(t, (&Dir{Path: dir}).Pictures(), 1, "only the curves")
}

// TestDivergedReplays: a run that diverged says how to see it again, and that does.
func TestDivergedReplays(t *testing.T) {
	c := tiny("optim.rate=1e30", "checkpoint.every=0")
	d := newDir(t, c)
	_, err := (&Loop{Dir: d, Config: c, Device: cpu.New(cpu.Config{})}).Run(t.Context())
	var first *gfn.DivergedError
	require.ErrorAs(t, err, &first)
	require.Regexp(t, `^gfn: iteration \d+: the (loss|gradient) is .*[^;]; sluice resume `+regexp.QuoteMeta(d.Path)+` replays it$`, err.Error())
	require.NotContains(t, err.Error(), "train with seed")
	require.Positive(t, first.Iteration)
	require.NoError(t, d.Close())
	_, again := goOn(t, d.Path, "")
	require.EqualError(t, again, err.Error())
}

func TestInterruptedBeforeTheFirstIteration(t *testing.T) {
	c := tiny()
	d, err := Create(filepath.Join(t.TempDir(), "run"), c)
	require.NoError(t, err)
	defer d.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = (&Loop{Dir: d, Config: c, Device: cpu.New(cpu.Config{})}).Run(ctx)
	require.ErrorIs(t, err, ErrInterrupted)
	e, err := Judge(d.Path, cpu.New(cpu.Config{}))
	require.NoError(t, err)
	require.Zero(t, e.Iteration)
}
