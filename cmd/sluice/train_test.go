package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTrainAndRead is the life of a run: trained, judged, sampled, taken up again.
func TestTrainAndRead(t *testing.T) {
	dir := t.TempDir()
	r := sluice(t, dir, tiny("--out", "grid")...)
	require.Zero(t, r.code, r.err)
	for _, name := range []string{"config.toml", "manifest.json", "metrics.jsonl", "latest", "checkpoints/step-00000020/model.safetensors",
		"checkpoints/step-00000020/optim.safetensors", "checkpoints/step-00000020/state.json", "plots/distribution.png", "plots/training.png"} {
		require.FileExists(t, filepath.Join(dir, "grid", name))
	}
	require.NoFileExists(t, filepath.Join(dir, "grid/lock.pid"))
	require.Contains(t, r.err, "sluice: hypergrid-8x8 on cpu/")
	require.Contains(t, r.err, "msg=train iteration=20 of=20 ", "piped, progress is log lines")
	require.NotContains(t, r.err, "\r")
	require.NotContains(t, r.err, "\x1b")
	require.Contains(t, r.err, "sluice: picture "+filepath.Join("grid", "plots", "training.png"))
	require.Contains(t, r.out, "over 25 states, after 320 trajectories (20 of 20 iterations), seed 1\n")
	require.NotContains(t, r.out, "sluice:", "talk goes to stderr")

	e := object(t, do(t, dir, "eval", "grid", "--json"))
	for _, key := range []string{"tv", "kl_nats", "log_z", "log_z_true", "log_z_error", "expected_reward"} {
		require.IsType(t, 0., e[key], key)
	}
	require.Contains(t, r.out, "params_hash "+e["params_hash"].(string)+"\n")
	require.InDelta(t, e["log_z"].(float64)-e["log_z_true"].(float64), e["log_z_error"], 1e-9)
	require.Equal(t, true, e["finished"])
	require.Equal(t, r.out, do(t, dir, "eval", "grid"), "the table is the one of the end of training")

	draws := do(t, dir, "sample", "grid", "-n", "100", "--json")
	require.Equal(t, draws, do(t, dir, "sample", "grid", "-n", "100", "--json", "--workers", "2"))
	require.NotEqual(t, draws, do(t, dir, "sample", "grid", "-n", "100", "--json", "--seed", "2"))
	lines := strings.Split(strings.TrimSpace(draws), "\n")
	require.Len(t, lines, 100)
	for _, line := range lines {
		d := object(t, line)
		require.Len(t, d["state"], 2)
		require.Less(t, d["log_pf"], 0.)
		require.IsType(t, 0., d["log_reward"])
		require.NotEmpty(t, d["text"])
	}
	require.Empty(t, do(t, dir, "sample", "grid", "-n", "100", "--json", "-o", "draws.jsonl"))
	text, err := os.ReadFile(filepath.Join(dir, "draws.jsonl"))
	require.NoError(t, err)
	require.Equal(t, draws, string(text))

	r = sluice(t, dir, "resume", "grid", "--json")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.err, "sluice: grid is finished: iteration 20 of 20\n")
	require.Equal(t, e, object(t, r.out))
	r = sluice(t, dir, tiny("--out", "grid")...)
	require.Equal(t, outcome{"", "sluice: run: the directory is not empty: grid; to go on with the run in it: sluice resume grid\n", 2}, r)
}

// TestSameBits: neither workers nor a tier nor who watches changes the parameters.
func TestSameBits(t *testing.T) {
	dir := t.TempDir()
	quiet := sluice(t, dir, tiny("--quiet")...)
	require.Empty(t, quiet.err)
	require.Equal(t, 0, quiet.code)
	want := mustHash(t, filepath.Join(dir, "runs/hypergrid-8x8-1"))
	r := with(t, dir, []string{"SLUICE_CPU=go"}, tiny("--workers", "2", "--log-format", "json")...)
	require.Zero(t, r.code, r.err)
	require.Equal(t, want, mustHash(t, filepath.Join(dir, "runs/hypergrid-8x8-1-2")), "the next free name")
	require.Contains(t, r.err, `"msg":"train","iteration":10,"of":20,`)
	require.Contains(t, r.err, "on cpu/go, seed 1, into ")
}

func TestSeeds(t *testing.T) {
	dir := t.TempDir()
	table := do(t, dir, tiny("--seeds", "1..3", "--out", "many", "--quiet")...)
	require.Contains(t, table, "metric over 3 seeds")
	require.Contains(t, table, "mean")
	require.Contains(t, table, "std dev")
	require.Contains(t, table, "total variation")
	sum := 0.
	for _, seed := range []string{"1", "2", "3"} {
		e := object(t, do(t, dir, "eval", "many/seed-"+seed, "--json"))
		require.Contains(t, table, "seed "+seed+"  tv ")
		require.Contains(t, table, e["params_hash"].(string)[:16])
		sum += e["tv"].(float64)
	}
	s := object(t, do(t, dir, tiny("--seeds", "1,2,3", "--json")...))
	tv := s["metrics"].(map[string]any)["tv"].(map[string]any)
	require.InDelta(t, sum/3, tv["mean"], 1e-12)
	require.Greater(t, tv["std_dev"], 0.)
	require.Len(t, s["runs"], 3)
}

// TestTooLarge: a world that cannot be listed says so while it trains and when it is judged.
func TestTooLarge(t *testing.T) {
	dir := t.TempDir()
	r := sluice(t, dir, tiny("--set", "world.side=3000", "--set", "train.iterations=2", "--set", "eval.samples=50", "--set", "train.batch=2", "--out", "big")...)
	require.Zero(t, r.code, r.err)
	const why = "world: 9000000 states, the limit is 2000000: exact metrics are off"
	require.Contains(t, r.err, why)
	require.Contains(t, r.out, why+"\n")
	e := object(t, do(t, dir, "eval", "big", "--json"))
	require.Equal(t, why, e["exact_off"])
	require.Nil(t, e["tv"])
	require.Contains(t, e, "tv", "a key that is always there")
}

func TestPlanPresetsVersion(t *testing.T) {
	dir := t.TempDir()
	plan := do(t, dir, "plan", "hypergrid-8x8", "--set", "balance.kind=db")
	require.Contains(t, plan, "hypergrid-8x8 on cpu/")
	require.Contains(t, plan, "parameters")
	p := object(t, do(t, dir, "plan", "hypergrid-8x8", "--json"))
	require.Greater(t, p["step_instructions"], 3.)
	require.Equal(t, 4.*(11+2*128+3+2), p["bytes_per_row"], "row data, two hidden layers and logits for Backward, log P_F and its gradient")
	require.Contains(t, p["text"], "linear")

	list := do(t, dir, "presets")
	require.Contains(t, list, "hypergrid-8x8           8x8 grid, trajectory balance, uniform P_B: start here\n")
	text := do(t, dir, "presets", "hypergrid-8x8")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine.toml"), []byte(text), 0o644))
	mine := object(t, do(t, dir, "plan", "mine.toml", "--json"))
	require.Equal(t, "mine", mine["name"])
	require.Equal(t, p["text"], mine["text"], "a printed preset is the preset")
	var all []map[string]string
	require.NoError(t, json.Unmarshal([]byte(do(t, dir, "presets", "--json")), &all))
	require.Len(t, all, strings.Count(list, "\n"))

	v := object(t, do(t, dir, "version", "--json"))
	for _, key := range []string{"version", "commit", "go", "os", "arch"} {
		require.NotEmpty(t, v[key], key)
	}
	require.Regexp(t, `^sluice \S+ \(commit \S+\) go1\.\S+ \w+/\w+\n$`, do(t, dir, "version"))
}
