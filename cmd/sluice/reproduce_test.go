package main

import (
	"bytes"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/run"
	"github.com/sluice-ml/sluice/testdata"
)

// reproduceIn is sluice reproduce with a table of the test's, in a directory.
func reproduceIn(t *testing.T, dir string, table []reproduction, args ...string) (out string, err error) {
	t.Helper()
	t.Chdir(dir)
	c := reproduceCommand(table)
	c.SilenceErrors, c.SilenceUsage = true, true
	var b bytes.Buffer
	c.SetOut(&b)
	c.SetErr(io.Discard)
	c.SetArgs(append([]string{"--quiet"}, args...))
	err = c.Execute()
	return b.String(), err
}

func of(list ...training) []reproduction {
	return []reproduction{{name: "short", what: "a short one", minutes: 1, seeds: "1..2", trainings: always(list...)}}
}

// short is a training of some milliseconds.
func short(tv, logZ float64) training {
	return training{preset: "hypergrid-8x8", device: "cpu", tv: tv, logZ: logZ,
		set: []string{"train.iterations=20", "policy.hidden=[16]", "train.batch=16", "world.side=5"}}
}

// TestReproduceLists: what there is, on 80 columns, with the bounds that are checked and no others.
func TestReproduceLists(t *testing.T) {
	dir := t.TempDir()
	require.Equal(t, `name            about   what is trained, and what must come out of it
simulator       3 min   every balance by both backward policies, 100 iterations
                        on the CPU and on the simulated GPU, seed 1
                        parameters as recorded
presets-8x8     1 min   the presets of the 8x8 grid, seeds 1..3
                        tb: TV <= 0.005, log Z within 0.01
                        tb-learned: TV <= 0.005, log Z within 0.01
                        vargrad: TV <= 0.005
                        db: TV <= 0.02
published-20x4  15 min  the 20^4 grid as the literature trains it: 62,500
                        iterations at constant rates, seeds 1..3
                        TV <= 0.0885, log Z within 0.172
preset-20x4     5 min   the preset hypergrid-20x4, which gave the policy that
                        sluice bench has as converged, seed 1
                        TV <= 0.024, log Z within 0.0282, parameters as recorded
`, do(t, dir, "reproduce"))
	lines := strings.Split(strings.TrimSpace(do(t, dir, "reproduce", "--json")), "\n")
	require.Len(t, lines, len(reproductions))
	for i, line := range lines {
		require.Equal(t, reproductions[i].name, object(t, line)["name"])
	}
}

// TestReproductions: every training of the table is a run, and something is recorded of it at each seed and length that is listed.
func TestReproductions(t *testing.T) {
	for _, r := range reproductions {
		seeds, err := run.ParseSeeds(r.seeds)
		require.NoError(t, err)
		lengths := r.lengths
		if lengths == nil {
			lengths = []int{0}
		}
		for _, n := range lengths {
			var labels []string
			for _, c := range r.trainings(n) {
				config, _, err := run.Load(c.preset, c.set)
				require.NoError(t, err)
				require.True(t, n == 0 || config.Train.Iterations == n)
				for _, seed := range seeds {
					require.True(t, c.recorded(seed), "%s: %s, seed %d", r.name, c.label, seed)
				}
				require.NotContains(t, labels, c.label, "a directory for each")
				labels = append(labels, c.label)
			}
		}
	}
	// Whoever records the hash of another balance at 100 iterations adds it here.
	var recorded, checked []string
	for name := range testdata.Hashes() {
		if strings.HasSuffix(name, "-100") {
			recorded = append(recorded, name+"-cpu", name+"-sim")
		}
	}
	for _, c := range simulated(100) {
		checked = append(checked, c.label)
	}
	require.ElementsMatch(t, recorded, checked)
}

// TestReproduce: what holds, and what does not, which is exit code 3 and stops nothing.
func TestReproduce(t *testing.T) {
	dir := t.TempDir()
	out, err := reproduceIn(t, dir, of(short(.9, 9)), "short")
	require.NoError(t, err)
	require.Regexp(t, `^short
  ok      0\.\d{6}  seed 1                           total variation  +\d+\.\d s
  ok      \d\.\d{6}  seed 1                           \|log Z error\|    +\d+\.\d s
  ok .*
  ok .*
4 of 4 checks came out as recorded
$`, out)
	for line := range strings.Lines(out) {
		require.LessOrEqual(t, utf8.RuneCountInString(line), 80, line)
	}
	require.DirExists(t, "runs/reproduce-short/seed-2")

	// The same run as sluice train does it, whose numbers are those judged.
	e := object(t, do(t, dir, "eval", "runs/reproduce-short/seed-1", "--json"))
	tv, logZ := e["tv"].(float64), -e["log_z_error"].(float64)
	require.Positive(t, logZ, "log Z is below the true one: a bound without a sign")
	hash := e["params_hash"].(string)
	first := short(tv, logZ)
	first.hash = map[uint64]string{1: hash}
	_, err = reproduceIn(t, dir, of(first), "short", "--seeds", "1")
	require.NoError(t, err, "at most")

	// What is there is judged and not trained, and the reader is told.
	dir2 := filepath.Join(dir, "runs", "reproduce-short")
	out, err = reproduceIn(t, dir, of(short(.9, 9)), "short", "--out", dir2)
	require.NoError(t, err)
	require.Equal(t, 4, strings.Count(out, "    kept\n"))
	require.Contains(t, out, "4 of 4 checks came out as recorded\n4 of them of runs that were finished before, and kept\n")
	out, err = reproduceIn(t, dir, of(short(.9, 9)), "short", "--out", dir2, "--json", "--seeds", "2")
	require.NoError(t, err)
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		require.Equal(t, false, object(t, line)["trained"])
	}

	tight := first
	tight.label, tight.tv = "tight", tv*.999
	tight2 := first
	tight2.label, tight2.logZ = "tight log Z", logZ*.999
	other := first
	other.label, other.hash = "other", map[uint64]string{1: strings.Repeat("0", 64)}
	out, err = reproduceIn(t, dir, of(tight, tight2, other), "short", "--seeds", "1", "--json")
	require.EqualError(t, err, "3 of 9 checks failed")
	require.Equal(t, 3, exitCode(err))
	var failed []string
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		c := object(t, line)
		require.Equal(t, []any{"short", 1.}, []any{c["name"], c["seed"]})
		require.Regexp(t, "^cpu/", c["device"])
		require.Positive(t, c["seconds"])
		if c["held"] != true {
			failed = append(failed, c["training"].(string)+": "+c["what"].(string))
		}
		if c["what"] == "parameters" {
			require.Equal(t, hash, c["got"])
		}
	}
	require.Equal(t, []string{"tight: total variation", "tight log Z: |log Z error|", "other: parameters"}, failed)

	out, err = reproduceIn(t, dir, of(tight, other), "short", "--seeds", "1")
	require.Equal(t, 3, exitCode(err))
	require.Regexp(t, `\n  NO      0\.\d{6}  tight, seed 1 +total variation .* s\n      +0\.\d{6}  is the most it may be\n  ok `, out)
	require.Contains(t, out, "\n      000000000000  is what is recorded\n")
	require.NotContains(t, out, "came out")
}

// TestReproduceDivergence: a training that diverges is a check that does not hold, and stops nothing.
func TestReproduceDivergence(t *testing.T) {
	wild := short(.9, 9)
	wild.label, wild.set = "wild", append(slices.Clone(wild.set), "optim.rate=1e30")
	after := short(.9, 0)
	after.label = "after"
	out, err := reproduceIn(t, t.TempDir(), of(wild, after), "short", "--seeds", "1")
	require.EqualError(t, err, "1 of 2 checks failed")
	require.Equal(t, 3, exitCode(err))
	require.Regexp(t, `\n  NO      diverged  wild, seed 1 +training .*\n      +finite  is what is recorded\n  ok .* after, seed 1`, out)
}

// TestReproduceUnknown: a metric that cannot be had is a check that does not hold.
func TestReproduceUnknown(t *testing.T) {
	list := short(.9, 0).judge(&run.Evaluation{})
	require.Equal(t, []check{{What: "total variation", Want: .9}}, list)
}

// TestReproduceOnTheSimulator is the claim about the GPU's kernels with one balance, and a fifth of the iterations.
func TestReproduceOnTheSimulator(t *testing.T) {
	one := reproductions[0]
	one.trainings = func(n int) []training {
		return slices.DeleteFunc(simulated(n), func(c training) bool { return !strings.HasPrefix(c.label, "tb-learned") })
	}
	dir := t.TempDir()
	out, err := reproduceIn(t, dir, []reproduction{one}, "simulator", "--iterations", "20", "--out", "runs")
	require.NoError(t, err)
	require.Regexp(t, `^simulator\n  ok  9548de41e878  tb-learned-20-cpu, seed 1 .*\n  ok  9548de41e878  tb-learned-20-sim, seed 1 .*\n2 of 2 checks`, out)
	for device, name := range map[string]string{"cpu": "cpu/", "sim": "cuda/simulator"} {
		c, err := run.ReadConfig(filepath.Join("runs", "tb-learned-20-"+device, "seed-1"))
		require.NoError(t, err)
		require.Equal(t, run.DeviceKind(device), c.Device.Kind, name)
	}
}

func TestReproduceRefuses(t *testing.T) {
	dir := t.TempDir()
	do(t, dir, "train", "hypergrid-20x4", "--set", "train.iterations=1", "--set", "world.side=2", "--seeds", "1", "--out", "other", "--device", "cpu")
	const all = "simulator, presets-8x8, published-20x4, preset-20x4"
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"simulater"}, `nothing to reproduce is called "simulater"; there are ` + all},
		{[]string{"simulator", "grid"}, `nothing to reproduce is called "grid"; there are ` + all},
		{[]string{"--out", "x"}, "--out: of which NAME? There are " + all},
		{[]string{"--iterations", "20"}, "--iterations: of which NAME? There are " + all},
		{[]string{"simulator", "preset-20x4", "--out", "x"}, "--out is of one NAME, got 2"},
		{[]string{"simulator", "--iterations", "30"}, "--iterations: must be 100 or 20, of which the results are recorded, is 30"},
		{[]string{"simulator", "--iterations", "0"}, "--iterations: must be 100 or 20, of which the results are recorded, is 0"},
		{[]string{"simulator", "preset-20x4", "--iterations", "20"}, "--iterations: preset-20x4 has the number of its run file"},
		{[]string{"simulator", "--seeds", "1,2"}, "--seeds: nothing is recorded of simulator with seed 2"},
		{[]string{"simulator", "--device", "cpu"}, "--device: simulator runs on the CPU and on the simulator, whatever is asked"},
		{[]string{"preset-20x4", "--seeds", "3..1"}, "config: --seeds 3..1: the range 3..1 is empty"},
		{[]string{"preset-20x4", "--device", "tpu"}, `preset-20x4: --device: must be auto, cpu, cuda, cuda:N or sim, is "tpu"`},
		{[]string{"preset-20x4", "--log-format", "xml"}, `--log-format: must be text or json, is "xml"`},
		{[]string{"preset-20x4", "--out", "other"}, "preset-20x4: seed 1: run: the directory is not empty: the run in " + filepath.Join("other", "seed-1") +
			" has other settings: train.iterations was 1, is 62500, world.side was 2, is 20"},
	} {
		r := sluice(t, dir, append([]string{"reproduce"}, c.args...)...)
		require.Equal(t, outcome{"", "sluice: " + c.want + "\n", 2}, r, "%v", c.args)
	}
	require.NoDirExists(t, filepath.Join(dir, "runs"))
}
