package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRefusals: what cannot be done is said on one or a few lines of stderr, with nothing on stdout and nothing left behind. 2 is the
// user's to mend in what was typed, 1 in the world.
func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	write("key.toml", "[train]\nbatch = 64\nlearning_rate = 1e-3\n")
	write("type.toml", "[train]\nbatch = \"many\"\n")
	write("batch.toml", "[train]\nbatch = -3\n")
	const presets = "hypergrid-20x4, hypergrid-8x8, hypergrid-8x8-db, hypergrid-8x8-learned, hypergrid-8x8-vargrad"
	for _, c := range []struct {
		args []string
		env  string
		code int
		want string
	}{
		{args: []string{"train", "key.toml"}, code: 2, want: "config: key.toml: line 3: unknown key \"train.learning_rate\"; known in [train]: batch, iterations\n" +
			"1| [train]\n2| batch = 64\n3| learning_rate = 1e-3\n | ~~~~~~~~~~~~~ unknown key"},
		{args: []string{"plan", "type.toml"}, code: 2, want: "config: type.toml: line 2: train.batch: must be an integer, is a string\n" +
			"1| [train]\n2| batch = \"many\"\n |         ~~~~~~ must be an integer, is a string"},
		{args: []string{"train", "batch.toml"}, code: 2, want: "config: batch.toml: line 2: train.batch: must be at least 1, is -3"},
		{args: []string{"train", "none.toml"}, code: 2, want: "config: open none.toml: no such file or directory"},
		{args: []string{"train", "hypergrid"}, code: 2, want: "config: no preset and no file is called \"hypergrid\"; presets are " + presets},
		{args: []string{"train", "hypergrid-8x8", "--set", "train.batch=-3"}, code: 2, want: "config: --set train.batch=-3: train.batch: must be at least 1, is -3"},
		{args: []string{"train", "hypergrid-8x8", "--set", "batch=3"}, code: 2, want: "config: --set batch=3: unknown key \"batch\"; known: seed, world, reward, policy, " +
			"balance, train, optim, explore, eval, metrics, checkpoint, device"},
		{args: []string{"train", "hypergrid-8x8", "--seeds", "3..1"}, code: 2, want: "config: --seeds 3..1: the range 3..1 is empty"},
		{args: []string{"train", "hypergrid-8x8", "--seeds", "9223372036854775808"}, code: 2, want: "config: --seeds 9223372036854775808: " +
			"seed: must be at most 9223372036854775807, is 9223372036854775808"},
		{args: []string{"train", "hypergrid-8x8", "--seed", "9223372036854775808"}, code: 2, want: "config: " +
			"seed: must be at most 9223372036854775807, is 9223372036854775808"},
		{args: []string{"train", "hypergrid-8x8", "--seed", "1", "--seeds", "1..2"}, code: 2, want: "--seed and --seeds exclude each other"},
		{args: []string{"train", "hypergrid-8x8", "--seed", "x"}, code: 2, want: "invalid argument \"x\" for \"--seed\" flag: invalid syntax; see sluice train --help"},
		{args: []string{"train", "hypergrid-8x8", "--workers", "-1"}, code: 2, want: "config: device.workers: must be at least 0, is -1"},
		{args: []string{"train", "hypergrid-8x8", "--device", "tpu"}, code: 2, want: "--device: must be auto, cpu, cuda, cuda:N or sim, is \"tpu\""},
		{args: []string{"train", "hypergrid-8x8", "--log-format", "xml"}, code: 2, want: "--log-format: must be text or json, is \"xml\""},
		{args: []string{"train", "hypergrid-8x8", "--out", "key.toml/run"}, code: 1, want: "run: mkdir key.toml: not a directory"},
		{args: []string{"train", "hypergrid-8x8", "--out", "."}, code: 2, want: "run: the directory is not empty: ."},
		{args: []string{"train", "hypergrid-8x8"}, env: "SLUICE_CPU=nonsense", code: 2, want: "cpu: SLUICE_CPU=nonsense: no such tier, want avx512, avx2, neon or go"},
		{args: []string{"train"}, code: 2, want: "sluice train takes one PRESET or FILE, got 0; see sluice train --help"},
		{args: []string{"resume", "a", "b"}, code: 2, want: "sluice resume takes one DIR, got 2; see sluice resume --help"},
		{args: []string{"eval", "nowhere"}, code: 2, want: "run: no config.toml there, so no run: nowhere"},
		{args: []string{"sample", "."}, code: 2, want: "run: no config.toml there, so no run: ."},
		{args: []string{"sample", ".", "-n", "0"}, code: 2, want: "-n: must be at least 1, is 0"},
		{args: []string{"presets", "grid"}, code: 2, want: "no preset is called \"grid\"; presets are " + presets},
		{args: []string{"train", "--nope"}, code: 2, want: "unknown flag: --nope; see sluice train --help"},
		{args: []string{"trian"}, code: 2, want: "unknown command \"trian\" for \"sluice\"\n\nDid you mean this?\n\ttrain"},
	} {
		r := with(t, dir, []string{c.env}, c.args...)
		require.Equal(t, outcome{"", "sluice: " + c.want + "\n", c.code}, r, "%v", c.args)
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 3, "nothing was made")

	help := sluice(t, dir)
	require.Zero(t, help.code)
	require.Contains(t, help.out, "Usage:\n  sluice [command]\n")
	require.Less(t, len(help.out), 1500)
}
