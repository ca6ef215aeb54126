package main

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/bench"
	"github.com/sluice-ml/sluice/cuda/driver"
)

// once is sluice bench as short as it can be.
func once(args ...string) []string {
	return append([]string{"bench", "--rounds", "1", "--warm", "0s"}, args...)
}

// TestBench: a line a workload, for people and for scripts.
func TestBench(t *testing.T) {
	dir := t.TempDir()
	out := do(t, dir, once("loss", "--rows", "80,256", "--width", "16", "--workers", "1", "--json")...)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 2)
	for i, rows := range []float64{77, 231} {
		l := object(t, lines[i])
		require.Equal(t, rows, l["rows"])
		require.Equal(t, rows/77, l["batch"])
		require.Equal(t, 77., l["mean_length"])
		require.Regexp(t, "^cpu/", l["device"])
		require.Equal(t, "", l["policy"])
		require.Greater(t, l["gflop_per_s"], 0.)
		require.Greater(t, l["peak_share"], 0.)
		require.Less(t, l["peak_share"], 1.1)
	}
	require.True(t, strings.HasPrefix(lines[0], `{"name":"loss/tb/hypergrid-20x4/width=16/rows=77/workers=1","ms_fastest":`), lines[0])

	table := do(t, dir, once("rollout", "--batch", "8", "--width", "16", "--workers", "1")...)
	require.Regexp(t, `^rollout: .*\npolicy batch width wk .*\nfresh      8    16  1 .*\n$`, table)
	for _, line := range strings.Split(table, "\n") {
		require.LessOrEqual(t, utf8.RuneCountInString(line), 80)
	}
	table = do(t, dir, once("iteration", "--policy", "early", "--batch", "2", "--markdown")...)
	require.Contains(t, table, "\n| early  |     2 |   256 |")
}

// TestBenchDevice: another device than the CPU has a name and no peak, and is measured at sizes it can do.
func TestBenchDevice(t *testing.T) {
	dir := t.TempDir()
	l := object(t, do(t, dir, once("rollout", "--device", "sim", "--least", "1ms", "--json")...))
	require.Equal(t, "cuda/simulator", l["device"])
	require.Nil(t, l["peak_share"])
	require.Contains(t, l, "peak_share", "a key that is always there")
	require.Greater(t, l["it_per_s"], 0.)
	require.Equal(t, "cuda/simulator/fast", object(t, do(t, dir, once("loss", "--device", "sim", "--fast", "--least", "1ms", "--json")...))["device"])
	r := sluice(t, dir, once("iteration", "--device", "sim", "--least", "1ms", "--batch", "1")...)
	require.Zero(t, r.code, r.err)
	require.Equal(t, "sluice: iteration on cuda/simulator: 1 workloads, rounds: 1\n", r.err)
	require.Regexp(t, `^iteration: .*, cuda/simulator\npolicy .* GFLOP/s\nfresh .*\n$`, r.out)
	require.NotContains(t, r.out, "peak")
	if _, err := driver.Lib(); err != nil {
		require.Equal(t, outcome{"", "sluice: --device cuda: " + err.Error() + "\n", 2}, sluice(t, dir, once("loss", "--device", "cuda")...))
		r := sluice(t, dir, once("loss", "--device", "auto", "--rows", "77", "--width", "8", "--workers", "1")...)
		require.Regexp(t, "^sluice: loss on cpu/[a-z0-9]+; no GPU: no NVIDIA driver: 1 workloads", r.err)
	}
}

func TestBenchRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		env  string
		want string
	}{
		{args: []string{"los"}, want: `bench: no workload is called "los"; there are loss, iteration, rollout and gemm`},
		{args: []string{"loss", "gemm"}, want: "accepts at most 1 arg(s), received 2"},
		{args: []string{"loss", "--batch", "16"}, want: "--batch: the workload loss has none"},
		{args: []string{"iteration", "--rows", "77"}, want: "--rows: the workload iteration has none"},
		{args: []string{"gemm", "--workers", "2"}, want: "--workers: the workload gemm has none"},
		{args: []string{"--rows", "0"}, want: "bench: rows: must be 1..16777216, is 0"},
		{args: []string{"--rows", "many"}, want: `invalid argument "many" for "--rows" flag: invalid syntax; see sluice bench --help`},
		{args: []string{"--policy", "old"}, want: `bench: policy: must be fresh, early or converged, is "old"`},
		{args: []string{"rollout", "--policy", "early", "--width", "64"}, want: "bench: the early policy is of width 256, not 64"},
		{args: []string{"--rounds", "0"}, want: "--rounds: must be at least 1, is 0"},
		{args: []string{"--least", "0s"}, want: "--least: must be above 0, is 0s"},
		{args: []string{"--json", "--markdown"}, want: "--json and --markdown exclude each other"},
		{args: []string{"--check=2"}, want: `--check: must be a share above 0 and at most 1, is "2"`},
		{args: []string{"--check=half"}, want: `--check: must be a share above 0 and at most 1, is "half"`},
		{args: []string{"--check", "0.7"}, want: "--check measures workloads of its own, not 0.7; a share is given as --check=0.7"},
		{args: []string{"--check", "--rows", "77"}, want: "--check and --rows exclude each other"},
		{args: []string{"--device", "gpu"}, want: `--device: must be auto, cpu, cuda, cuda:N or sim, is "gpu"`},
		{args: []string{"gemm", "--device", "sim"}, want: "--device sim: gemm is one thread's product on the CPU; a GPU's products are most of loss"},
		{args: []string{"loss", "--device", "sim", "--workers", "2"}, want: "--device sim: it has no --workers"},
		{args: []string{"loss", "--fast"}, want: "--fast is a GPU's: --device cpu is the CPU"},
		{args: []string{"--check", "--device", "sim"}, want: "--check is of the CPU, not of --device sim"},
		{args: []string{"--nope"}, want: "unknown flag: --nope; see sluice bench --help"},
		{env: "SLUICE_CPU=nonsense", want: "cpu: SLUICE_CPU=nonsense: no such tier, want avx512, avx2, neon or go"},
	} {
		r := with(t, dir, []string{c.env}, append([]string{"bench"}, c.args...)...)
		require.Equal(t, outcome{"", "sluice: " + c.want + "\n", 2}, r, "%v", c.args)
	}
}

// TestCheck measures what the gates need, once, and asks for a hundredth of each, which any machine gives. The 65,536 rows of one gate
// take some seconds.
func TestCheck(t *testing.T) {
	if testing.Short() {
		t.Skip("trains on 65,536 rows")
	}
	out := do(t, t.TempDir(), once("--check=0.01", "--json")...)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, len(bench.Gates(2)))
	for _, line := range lines {
		var v bench.Verdict
		require.NoError(t, json.Unmarshal([]byte(line), &v))
		require.True(t, v.Held, line)
		require.Equal(t, v.Skipped == "", v.Value > 0, line)
	}
}

// TestCheckCode: a gate that does not hold is exit code 3, whoever wraps it.
func TestCheckCode(t *testing.T) {
	err := bench.Failed([]bench.Verdict{{Name: "a gate", Value: .5, Bound: .6}})
	require.EqualError(t, err, "bench: a gate does not hold:\n  a gate: 0.500, at least 0.600")
	require.Equal(t, 3, exitCode(err))
}
