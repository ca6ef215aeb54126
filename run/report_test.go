package run

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/gfn/metric"
	"github.com/sluice-ml/sluice/gfn/world"
)

func TestTable(t *testing.T) {
	n := 64
	e := &Evaluation{Iteration: 1000, Iterations: 1000, Trajectories: 32000, Seed: 1, ParamsHash: "0c0a", Exact: true, States: &n,
		TV: value(.000767), KLNats: value(8e-6), LogZ: value(3.109165), LogZTrue: value(3.109061), LogZError: value(.000104),
		ExpectedReward: value(1.42121), ExpectedRewardTrue: value(1.421429)}
	require.Equal(t, `exact metric                learned     truth
total variation             0.000767    0
KL(true || learned), nats   0.000008    0
log Z                       3.109165    3.109061
log Z error                 +0.000104   0
expected reward             1.421210    1.421429
over 64 states, after 32,000 trajectories (1,000 of 1,000 iterations), seed 1
params_hash 0c0a
`, e.Table())
}

// TestEvaluationKeys holds the keys that scripts read.
func TestEvaluationKeys(t *testing.T) {
	text, err := json.Marshal(&Evaluation{})
	require.NoError(t, err)
	var m map[string]any
	require.NoError(t, json.Unmarshal(text, &m))
	for _, key := range []string{"tv", "kl_nats", "log_z", "log_z_true", "log_z_error", "expected_reward", "params_hash", "iteration",
		"trajectories", "finished", "exact", "exact_off"} {
		require.Contains(t, m, key)
	}
	require.Nil(t, m["tv"], "unknown is null, not 0")
	require.Len(t, m, 21)
}

func TestParseSeeds(t *testing.T) {
	for text, want := range map[string][]uint64{"1..5": {1, 2, 3, 4, 5}, "1,2,7": {1, 2, 7}, "3": {3}, "9, 1..2": {9, 1, 2},
		"9223372036854775806..9223372036854775807": {math.MaxInt64 - 1, math.MaxInt64}} {
		got, err := ParseSeeds(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for text, want := range map[string]string{
		"":                        "want a range such as 1..5 or a list such as 1,2,7",
		"1..":                     "want a range such as 1..5 or a list such as 1,2,7",
		"-1":                      "want a range such as 1..5 or a list such as 1,2,7",
		"5..1":                    "the range 5..1 is empty",
		"1,1":                     "seed 1 comes twice",
		"9223372036854775808":     "seed: must be at most 9223372036854775807, is 9223372036854775808",
		"1..18446744073709551615": "seed: must be at most 9223372036854775807, is 18446744073709551615",
		"0..99999999999":          "more than 10000 seeds",
	} {
		_, err := ParseSeeds(text)
		require.EqualError(t, err, "config: --seeds "+text+": "+want)
	}
}

// TestSweep: seeds are separate runs, each the run it would have been alone.
func TestSweep(t *testing.T) {
	c := tiny()
	root := filepath.Join(t.TempDir(), "sweep")
	device := cpu.New(cpu.Config{Workers: 1})
	s, err := RunSeeds(t.Context(), root, c, []uint64{3, 1}, func(l *Loop) { l.Device = device })
	require.NoError(t, err)
	_, alone := train(t, c)
	require.Equal(t, alone.ParamsHash, s.Runs[1].ParamsHash)
	require.NotEqual(t, alone.ParamsHash, s.Runs[0].ParamsHash)
	a, b := *s.Runs[0].TV, *s.Runs[1].TV
	require.InDelta(t, (a+b)/2, *s.Metrics["tv"].Mean, 1e-12)
	require.InDelta(t, math.Abs(a-b)/math.Sqrt2, *s.Metrics["tv"].StdDev, 1e-12)
	require.NotContains(t, s.Metrics, "elbo", "nothing was sampled")
	require.Contains(t, s.Table(), "metric over 2 seeds")
	e, err := Judge(filepath.Join(root, "seed-3"), device)
	require.NoError(t, err)
	require.Equal(t, s.Runs[0].ParamsHash, e.ParamsHash)
}

// TestSweepGoesOn stops a sweep in its second seed: the same call keeps the first, takes up the second and begins the third, to the numbers
// of a sweep that was left alone. Other settings are refused before anything is done; where it computes is no such setting.
func TestSweepGoesOn(t *testing.T) {
	c, device := tiny(), cpu.New(cpu.Config{Workers: 1})
	seeds := []uint64{1, 2, 3}
	whole, err := RunSeeds(t.Context(), filepath.Join(t.TempDir(), "whole"), c, seeds, func(l *Loop) { l.Device = device })
	require.NoError(t, err)

	root := filepath.Join(t.TempDir(), "stopped")
	ctx, cancel := context.WithCancel(t.Context())
	_, err = RunSeeds(ctx, root, c, seeds, func(l *Loop) {
		l.Device = device
		l.Watch = watch(func(s Status) {
			if l.Config.Seed == 2 && s.Iteration == 23 {
				cancel()
			}
		})
	})
	require.ErrorIs(t, err, ErrInterrupted)
	require.EqualError(t, err, "seed 2: run: interrupted at iteration 23")

	c.Device.Workers = 1
	begin := func(at *[]int) func(*Loop) {
		return func(l *Loop) {
			l.Device = device
			*at = append(*at, l.At())
		}
	}
	var at []int
	_, err = RunSeeds(t.Context(), root, tiny("train.batch=8"), []uint64{4, 2}, begin(&at))
	require.ErrorIs(t, err, ErrExists)
	require.EqualError(t, err, "seed 2: run: the directory is not empty: the run in "+filepath.Join(root, "seed-2")+
		" has other settings: train.batch was 16, is 8")
	_, err = RunSeeds(t.Context(), root, tiny("eval.every=7"), seeds, begin(&at))
	require.ErrorContains(t, err, "eval.every was 20, is 7", "a seed judged otherwise is no part of one table")
	require.Empty(t, at)
	require.NoDirExists(t, filepath.Join(root, "seed-4"))

	s, err := RunSeeds(t.Context(), root, c, seeds, begin(&at))
	require.NoError(t, err)
	require.Equal(t, []int{50, 23, 0}, at)
	require.Equal(t, whole.Metrics, s.Metrics)
	require.Equal(t, whole.Table(), s.Table())
	m, err := readManifest(filepath.Join(root, "seed-1", manifestName))
	require.NoError(t, err)
	require.Empty(t, m.Resumed, "what was finished was only read")
	require.NoError(t, os.Remove(filepath.Join(root, "seed-1", plotsName, curvesPlot)))
	_, err = RunSeeds(t.Context(), root, c, seeds, begin(&at))
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(root, "seed-1", plotsName, curvesPlot), "a kill before the pictures does not lose them")
}

// TestPictures holds what the pictures show, by value, and that they are PNG files.
func TestPictures(t *testing.T) {
	dir, e := train(t, tiny("world.dim=3"))
	m := marginal(e.detail, e.detail.True)
	require.Equal(t, 5, m.Width)
	require.Equal(t, 5, m.Height)
	sum := 0.0
	for y := range 5 {
		for x := range 5 {
			sum += m.Z(x, y)
			require.InDelta(t, m.Z(x, y), m.Z(4-x, y), 1e-12, "the grid is symmetric")
		}
	}
	require.InDelta(t, 1, sum, 1e-12)
	require.Greater(t, m.Z(0, 4), m.Z(2, 2), "corners are worth more than the middle")
	for _, path := range (&Dir{Path: dir}).Pictures() {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, "\x89PNG", string(text[:4]))
	}
}

// TestMarginal holds which coordinate goes where: the value of state (x, y) is 10x + y.
func TestMarginal(t *testing.T) {
	space, err := world.Enumerate(world.Hypergrid(2, 3), 0)
	require.NoError(t, err)
	p := make([]float64, space.N)
	for i := range p {
		s := space.State(i)
		p[i] = float64(10*s[0] + s[1])
	}
	m := marginal(&metric.Exact{Space: space}, p)
	require.Equal(t, []float64{0, 10, 20, 1, 11, 21, 2, 12, 22}, m.P, "rows are the second coordinate")
}
