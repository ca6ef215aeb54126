package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda"
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/sim"
	"github.com/sluice-ml/sluice/run"
)

// auto takes the first card that opens; where none does it says why the first one did not, in the words of whoever refused it.
func TestFirstCard(t *testing.T) {
	d, err := firstCard(cards(6, 9, 9), cuda.Config{})
	require.NoError(t, err)
	info, err := cuda.Describe(d)
	require.NoError(t, err)
	require.Equal(t, "card 1", info.Name)
	require.NoError(t, d.Close())

	_, err = firstCard(cards(6, 5), cuda.Config{})
	require.ErrorContains(t, err, "card 0 is sm_60")
	require.Equal(t, "; no GPU: no NVIDIA device: card 0 is sm_60, the kernels need sm_70", whyCPU(err))
	_, err = firstCard(sim.Driver(sim.Config{Devices: -1}), cuda.Config{})
	require.Equal(t, "; no GPU: no NVIDIA device", whyCPU(err))
	require.Equal(t, "; no GPU: no NVIDIA driver", whyCPU(fmt.Errorf("%w: no such file", driver.ErrNoDriver)))
	require.Empty(t, whyCPU(nil))
}

// TestDeviceOfARun: the file names the device, --device overrides it, the run's directory keeps what was asked for and what it became, and
// whoever takes the run up again honours it or overrides it, to the same bits. Eleven processes, some on the simulator, take some seconds.
func TestDeviceOfARun(t *testing.T) {
	dir := t.TempDir()
	text := "[world]\nside = 3\n[policy]\nhidden = [8]\n[train]\nbatch = 8\niterations = 4\n[checkpoint]\nevery = 2\n[device]\nkind = \"cpu\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "grid.toml"), []byte(text), 0o644))
	do(t, dir, "train", "grid.toml", "--out", "plain")
	want := mustHash(t, filepath.Join(dir, "plain"))

	r := sluice(t, dir, "train", "grid.toml", "--device", "sim", "--out", "run")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.err, "sluice: grid on cuda/simulator, seed 1, into run\n")
	require.Equal(t, want, mustHash(t, filepath.Join(dir, "run")))
	c, err := run.ReadConfig(filepath.Join(dir, "run"))
	require.NoError(t, err)
	require.Equal(t, run.DeviceKind("sim"), c.Device.Kind)
	manifest := func() map[string]any {
		text, err := os.ReadFile(filepath.Join(dir, "run", "manifest.json"))
		require.NoError(t, err)
		return object(t, string(text))
	}
	require.Equal(t, "cuda/simulator", manifest()["device"])

	for _, args := range [][]string{nil, {"--device", "cpu"}} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "run", "latest"), []byte("step-00000002\n"), 0o644))
		r = sluice(t, dir, append([]string{"resume", "run"}, args...)...)
		require.Zero(t, r.code, r.err)
		resumed := manifest()["resumed"].([]any)
		device := resumed[len(resumed)-1].(map[string]any)["device"]
		require.Contains(t, r.err, "sluice: run goes on at iteration 2 of 4 on "+device.(string)+"\n")
		require.Equal(t, args == nil, device == "cuda/simulator", device)
		require.Equal(t, want, mustHash(t, filepath.Join(dir, "run")))
		require.Equal(t, want, object(t, do(t, dir, append([]string{"eval", "run", "--json"}, args...)...))["params_hash"])
	}

	// The fast mode is a GPU's, and the manifest and the name say it; the CPU has one mode.
	do(t, dir, "train", "grid.toml", "--device", "sim", "--set", "device.mode=fast", "--out", "fast")
	manifestOfFast, err := os.ReadFile(filepath.Join(dir, "fast", "manifest.json"))
	require.NoError(t, err)
	require.Equal(t, "cuda/simulator/fast", object(t, string(manifestOfFast))["device"])
	do(t, dir, "train", "grid.toml", "--set", "device.mode=fast", "--out", "slow")
	require.Equal(t, want, mustHash(t, filepath.Join(dir, "slow")))

	if _, err := driver.Lib(); err != nil { // a GPU that is not there: who asked for it, why not, what else
		for asked, args := range map[string][]string{
			"--device cuda:1":            {"train", "grid.toml", "--device", "cuda:1"},
			`device.kind = "cuda"`:       {"train", "grid.toml", "--set", "device.kind=cuda"},
			"--device cuda":              {"eval", "run", "--device", "cuda"},
			"--device cuda: cuda: no NV": {"resume", "run", "--device", "cuda"},
		} {
			r = sluice(t, dir, args...)
			require.Equal(t, 2, r.code)
			require.Contains(t, r.err, "sluice: "+asked)
			require.Contains(t, r.err, err.Error()+"; --device cpu gives the same results\n")
		}
		require.NoDirExists(t, filepath.Join(dir, "runs"))
	}
}
