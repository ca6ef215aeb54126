package run

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/graph"
)

func TestConfigRefusals(t *testing.T) {
	for name, c := range map[string]struct{ file, set, want string }{
		"unknown key": {file: "seed = 3\n\n[train]\nbatch = 64\nlearning_rate = 1e-3\n",
			want: "config: grid.toml: line 5: unknown key \"train.learning_rate\"; known in [train]: batch, iterations\n" +
				"3| [train]\n4| batch = 64\n5| learning_rate = 1e-3\n | ~~~~~~~~~~~~~ unknown key"},
		"unknown table": {file: "[treno]\nbatch = 1\n",
			want: "config: grid.toml: line 1: unknown key \"treno\"; known: seed, world, reward, policy, balance, train, optim, explore, eval, " +
				"metrics, checkpoint, device\n1| [treno]\n |  ~~~~~ unknown key\n2| batch = 1"},
		"wrong type": {file: "[train]\nbatch = \"x\"\n",
			want: "config: grid.toml: line 2: train.batch: must be an integer, is a string\n" +
				"1| [train]\n2| batch = \"x\"\n |         ~~~ must be an integer, is a string"},
		"a number where a table belongs": {file: "train = 3\n",
			want: "config: grid.toml: line 1: train: must be a table, is an integer\n1| train = 3\n |         ~ must be a table, is an integer"},
		"a word among layers": {file: "[policy]\nhidden = [1, \"x\"]\n",
			want: "config: grid.toml: line 2: policy.hidden: must be an integer, is a string\n" +
				"1| [policy]\n2| hidden = [1, \"x\"]\n |              ~~~ must be an integer, is a string"},
		"half an iteration": {file: "[train]\niterations = 1.5\n",
			want: "config: grid.toml: line 2: train.iterations: must be an integer, is a float\n" +
				"1| [train]\n2| iterations = 1.5\n |              ~~~ must be an integer, is a float"},
		"negative seed": {file: "seed = -1\n",
			want: "config: grid.toml: line 1: seed: must be an integer of at least 0, is -1\n1| seed = -1\n |        ~~ must be an integer of at least 0, is -1"},
		"no amount of memory": {file: "[device]\nmemory = \"12parsec\"\n",
			want: "config: grid.toml: line 2: device.memory: \"12parsec\" is no amount of memory, want something like \"512MiB\"\n" +
				"1| [device]\n2| memory = \"12parsec\"\n |          ~~~~~~~~~~ \"12parsec\" is no amount of memory, want something like \"512MiB\""},
		"no device": {file: "[device]\nkind = \"cuda:x\"\n",
			want: "config: grid.toml: line 2: device.kind: must be auto, cpu, cuda, cuda:N or sim, is \"cuda:x\""},
		"no mode": {file: "[device]\nmode = \"quick\"\n", want: "config: grid.toml: line 2: device.mode: must be deterministic or fast, is \"quick\""},
		"no device, dotted": {file: "seed = 3\n\ndevice.kind = \"gpu\" # mine\n",
			want: "config: grid.toml: line 3: device.kind: must be auto, cpu, cuda, cuda:N or sim, is \"gpu\""},
		"no device, quoted": {file: "[world]\nkind = \"hypergrid\"\n[train]\n[device]\n\n\"kind\" = 'gpu'\n",
			want: "config: grid.toml: line 6: device.kind: must be auto, cpu, cuda, cuda:N or sim, is \"gpu\""},
		"no device, in braces": {file: "train = {batch = 3}\ndevice = {workers = 2, kind = \"gpu\"}\n",
			want: "config: grid.toml: line 2: device.kind: must be auto, cpu, cuda, cuda:N or sim, is \"gpu\""},
		"a device's number": {file: "[device]\nkind = 0\n",
			want: "config: grid.toml: line 2: device.kind: must be a string, is an integer\n1| [device]\n2| kind = 0\n |        ~ must be a string, is an integer"},
		"set: no device": {set: "device.kind=gpu", want: "config: --set device.kind=gpu: device.kind: must be auto, cpu, cuda, cuda:N or sim, is \"gpu\""},
		"twice":          {file: "seed = 1\nseed = 2\n", want: "config: grid.toml: line 2: seed: key seed is already defined\n1| seed = 1\n2| seed = 2\n | ~~~~ key seed is already defined"},
		"negative batch": {file: "[train]\nbatch = -3\n", want: "config: grid.toml: line 2: train.batch: must be at least 1, is -3"},
		"no layer":       {file: "[policy]\nhidden = []\n", want: "config: grid.toml: line 2: policy.hidden: must have at least one layer, is []"},
		"empty layer":    {file: "[policy]\nhidden = [3, 0]\n", want: "config: grid.toml: line 2: policy.hidden[1]: must be at least 1, is 0"},
		"kind":           {file: "[balance]\nkind = \"tv\"\n", want: "config: grid.toml: line 2: balance.kind: must be \"tb\", \"db\" or \"vargrad\", is \"tv\""},
		"only kind":      {file: "[world]\nkind = \"x\"\n", want: "config: grid.toml: line 2: world.kind: must be \"hypergrid\", is \"x\""},
		"side":           {file: "[world]\nside = 1\n", want: "config: grid.toml: line 2: world.side: must be at least 2, is 1"},
		"both rewards": {file: "[reward]\npreset = \"easy\"\nr1 = 1\n",
			want: "config: grid.toml: line 3: reward.r1: the preset \"easy\" already says it; give one of the two"},
		"empty target":  {file: "[reward]\nr0 = 0\n", want: "config: grid.toml: line 2: reward.r0: must be above 0, is 0: log R of most cells would be -Inf"},
		"nan rate":      {file: "[optim]\nrate = nan\n", want: "config: grid.toml: line 2: optim.rate: must be above 0, is NaN"},
		"infinite clip": {file: "[optim]\nclip = inf\n", want: "config: grid.toml: line 2: optim.clip: must be at least 0, is +Inf"},
		"epsilon":       {file: "[explore]\nepsilon = 1.1\n", want: "config: grid.toml: line 2: explore.epsilon: must be 0..1, is 1.1"},
		"VarGrad of one": {file: "[balance]\nkind = \"vargrad\"\n[train]\nbatch = 1\n",
			want: "config: grid.toml: line 4: train.batch: must be at least 2 with balance.kind = \"vargrad\", is 1"},
		"set: unknown key":     {set: "train.foo=3", want: "config: --set train.foo=3: unknown key \"train.foo\"; known in [train]: batch, iterations"},
		"set: wrong type":      {set: "train.batch=abc", want: "config: --set train.batch=abc: train.batch: must be an integer, is a string"},
		"set: half a batch":    {set: "train.batch=.5", want: "config: --set train.batch=.5: train.batch: must be an integer, is a float"},
		"set: value":           {set: "train.batch=-3", want: "config: --set train.batch=-3: train.batch: must be at least 1, is -3"},
		"set: no value":        {set: "train.batch", want: "config: --set train.batch: want key=value, such as train.batch=64"},
		"set: smuggled line":   {set: "train.batch=1\nseed=3", want: "config: --set train.batch=1\nseed=3: want key=value, such as train.batch=64"},
		"set: smuggled header": {set: "[train]=1", want: "config: --set [train]=1: want key=value, such as train.batch=64"},
	} {
		t.Run(name, func(t *testing.T) {
			var set []string
			if c.set != "" {
				set = []string{c.set}
			}
			_, err := Parse("grid.toml", []byte(c.file), set)
			require.IsType(t, &ConfigError{}, err)
			require.Equal(t, c.want, err.Error())
		})
	}
}

func TestSet(t *testing.T) {
	c, err := Parse("x", []byte("[reward]\nr0 = 0.3\n"), []string{"train.batch=64", "balance.kind=db", "policy.hidden=[7, 9]", "optim.rate = 1e-2", "explore.epsilon=.25",
		"device.memory=512MiB", "policy.activation=\"tanh\"", "reward.preset=easy"})
	require.NoError(t, err)
	want := Default()
	want.Train.Batch, want.Balance.Kind, want.Policy.Hidden, want.Policy.Activation = 64, "db", []int{7, 9}, "tanh"
	want.Optim.Rate, want.Optim.LogZRate, want.Device.Memory = 1e-2, 1, 512<<20
	want.Reward.Preset, want.Explore.Epsilon = "easy", .25
	require.Equal(t, want, c)

	c, err = Parse("x", []byte("[reward]\npreset = \"hard\"\n"), []string{"reward.r2=3"})
	require.NoError(t, err)
	require.Equal(t, []float64{.1, .5, 3}, []float64{*c.Reward.R0, *c.Reward.R1, *c.Reward.R2}, "the later setting stands")
	require.Empty(t, c.Reward.Preset)
}

// TestPresets holds every preset to its promise: it parses, says what it is, and equals what is written back for it.
func TestPresets(t *testing.T) {
	var names []string
	for _, p := range Presets() {
		names = append(names, p.Name)
		c, name, err := Load(p.Name, nil)
		require.NoError(t, err, p.Name)
		require.Equal(t, p.Name, name)
		require.Greater(t, len(p.Summary), 20, p.Name)
		text, err := c.Encode()
		require.NoError(t, err)
		back, err := Parse("config.toml", text, nil)
		require.NoError(t, err, "%s", text)
		require.Equal(t, c, back, p.Name)
		require.NotContains(t, string(text), "nan")
	}
	require.Equal(t, []string{"hypergrid-20x4", "hypergrid-8x8", "hypergrid-8x8-db", "hypergrid-8x8-learned", "hypergrid-8x8-vargrad"}, names)
	c, _, err := Load("hypergrid-8x8", nil)
	require.NoError(t, err)
	def := Default()
	def.resolve()
	require.Equal(t, def, c, "the defaults are documented to be this preset")
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "my.grid.toml")
	require.NoError(t, os.WriteFile(path, []byte("seed = 9\n"), 0o644))
	c, name, err := Load(path, nil)
	require.NoError(t, err)
	require.Equal(t, "my.grid", name)
	require.EqualValues(t, 9, c.Seed)
	_, _, err = Load("hypergrid", nil)
	require.ErrorContains(t, err, `no preset and no file is called "hypergrid"; presets are hypergrid-20x4, hypergrid-8x8, `)
	_, _, err = Load("none.toml", nil)
	require.IsType(t, &ConfigError{}, err)
}

// TestEncodeRoundTrips: whatever can be set is written down and read back to the same run.
func TestEncodeRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Default()
		c.Seed = rapid.Uint64Max(1<<63-1).Draw(t, "seed") // TOML integers are int64
		c.World.Side, c.World.Dim = rapid.IntRange(2, 99).Draw(t, "side"), rapid.IntRange(1, 9).Draw(t, "dim")
		c.Policy.Hidden = rapid.SliceOfN(rapid.IntRange(1, 999), 1, 4).Draw(t, "hidden")
		c.Optim.Rate = rapid.Float64Range(1e-9, 1).Draw(t, "rate")
		c.Explore.Epsilon = rapid.Float64Range(0, 1).Draw(t, "epsilon")
		c.Device.Memory = Bytes(rapid.Int64Range(0, 1<<52).Draw(t, "memory"))
		if rapid.Bool().Draw(t, "levels") {
			r := rapid.Float64Range(1e-3, 9).Draw(t, "r1")
			c.Reward.R1 = &r
		}
		c.resolve()
		text, err := c.Encode()
		require.NoError(t, err)
		back, err := Parse("x", text, nil)
		require.NoError(t, err)
		require.Equal(t, c, back)
		require.Empty(t, differences(c.identity(), back.identity()))
	})
}

func TestBytes(t *testing.T) {
	for text, want := range map[string]Bytes{"512MiB": 512 << 20, "2 GB": 2e9, "7": 7, "1.5KiB": 1536, "0": 0, "3B": 3} {
		var b Bytes
		require.NoError(t, b.UnmarshalText([]byte(text)), text)
		require.Equal(t, want, b, text)
	}
	for _, text := range []string{"", "MiB", "-1B", "1e300GiB", "nan", "5 MiBs", "9223372036854775808"} {
		require.Error(t, new(Bytes).UnmarshalText([]byte(text)), text)
	}
}

// TestNames: what config.go says of a key's names is what the tables hold, a balance has one name, and a name leads where it says.
func TestNames(t *testing.T) {
	presets, err := rewards.find("", "hypergrid")
	require.NoError(t, err)
	for key, names := range map[string][]string{"world.kind": worlds.names(), "reward.kind": rewards.names(), "reward.preset": presets.names()[1:],
		"policy.activation": activations.names(), "policy.backward": backwards.names(), "balance.kind": balances.names()} {
		table, field, _ := strings.Cut(key, ".")
		group, ok := fieldOf(reflect.TypeFor[Config](), table)
		require.True(t, ok, key)
		f, ok := fieldOf(group.Type, field)
		require.True(t, ok, key)
		said, _, _ := strings.Cut(f.Tag.Get("comment"), ";")
		require.Equal(t, strings.Join(names, ", "), said, key)
	}
	for _, b := range balances {
		require.Equal(t, b.name, b.is.String())
		job, err := tiny("balance.kind=" + b.name).Job(nil)
		require.NoError(t, err)
		require.Equal(t, b.is.Balance, job.Balance)
	}
	for preset, want := range map[string]reward.Reward{"easy": reward.HypergridEasy(5), "hard": reward.HypergridHard(5)} {
		job, err := tiny("reward.preset=" + preset).Job(nil)
		require.NoError(t, err)
		require.Equal(t, want, job.LogReward)
	}
	job, err := tiny("policy.activation=tanh", "policy.backward=learned", "reward.r1=.25").Job(nil)
	require.NoError(t, err)
	require.Equal(t, graph.Tanh, job.Net.Act)
	require.Equal(t, gfn.Learned, job.Backward)
	require.Equal(t, reward.Hypergrid{Side: 5, R0: .1, R1: .25, R2: 2}, job.LogReward)

	job, err = Default().Job(nil)
	require.NoError(t, err, "levels are filled in")
	require.Equal(t, reward.Hypergrid{Side: 8, R0: .1, R1: .5, R2: 2}, job.LogReward)
	_, err = Config{}.Job(nil)
	require.EqualError(t, err, `config: world.kind: must be "hypergrid", is ""`)
}

// TestIdentity: a run may be watched, saved and computed differently, and is the same run; anything else makes another one.
func TestIdentity(t *testing.T) {
	base, err := Parse("x", nil, nil)
	require.NoError(t, err)
	for set, want := range map[string][]string{
		"eval.every=3": nil, "metrics.every=4": nil, "checkpoint.every=9": nil, "device.workers=3": nil,
		"train.batch=64":     {"train.batch was 32, is 64"},
		"policy.hidden=[32]": {"policy.hidden was [128 128], is [32]"},
		"reward.preset=easy": {"reward.preset was not set, is easy", "reward.r0 was 0.1, is not set", "reward.r1 was 0.5, is not set", "reward.r2 was 2, is not set"},
		"seed=2":             {"seed was 1, is 2"},
	} {
		c, err := Parse("x", nil, []string{set})
		require.NoError(t, err, set)
		require.Equal(t, want, differences(base.identity(), c.identity()), set)
	}
}

// FuzzConfig: no text makes the parser panic, and what it accepts survives being written down.
func FuzzConfig(f *testing.F) {
	for _, p := range Presets() {
		f.Add([]byte(p.Text), "train.batch=3")
	}
	f.Add([]byte("seed = -1"), "a=b=c")
	f.Add([]byte("[train]\nbatch = 99999999999999999999"), "x.y")
	f.Add([]byte("[[train]]\n"), "train={batch=2}")
	f.Add([]byte("[optim]\nrate = inf"), "policy.hidden=[]")
	f.Add([]byte("train.batch = 0x10"), "reward.r0=1e-400")
	f.Fuzz(func(t *testing.T, text []byte, set string) {
		c, err := Parse("fuzz.toml", text, []string{set})
		if err != nil {
			if !strings.HasPrefix(err.Error(), "config: ") {
				t.Fatal(err)
			}
			return
		}
		out, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse("again.toml", out, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if diff := differences(c.identity(), back.identity()); len(diff) > 0 {
			t.Fatal(diff)
		}
	})
}
