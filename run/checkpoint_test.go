package run

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/nn/optim"
)

// someState is a state with awkward numbers in it.
func someState(iteration int) gfn.State {
	return gfn.State{Iteration: iteration, Trajectories: 7, Transitions: 9, Optim: optim.State{Step: iteration, Beta1Power: 1e-300, Beta2Power: .1},
		Params: []gfn.Tensor{
			{Name: "policy.torso.0.weight", Shape: []int{2, 3}, Data: []float32{1, -0, float32(math.Inf(1)), 1e-45, 5, float32(iteration)}},
			{Name: "log_z", Data: []float32{3}}},
		Moments: []gfn.Tensor{{Name: "m.log_z", Data: []float32{4}}}}
}

func newDir(t *testing.T, c Config) *Dir {
	t.Helper()
	d, err := Create(filepath.Join(t.TempDir(), "run"), c)
	require.NoError(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

func TestCheckpointRoundTrip(t *testing.T) {
	c := tiny()
	d := newDir(t, c)
	r, err := ReadCheckpoint(d.Path, c, "")
	require.NoError(t, err)
	require.Nil(t, r, "none yet")
	require.NoError(t, d.Save(c, someState(4), "abc"))
	r, err = ReadCheckpoint(d.Path, c, "")
	require.NoError(t, err)
	require.Equal(t, &Restored{State: someState(4), ParamsHash: "abc"}, r)
	for _, name := range []string{modelName, optimName, stateName} {
		require.FileExists(t, filepath.Join(d.Path, "checkpoints/step-00000004", name))
	}
	for i := 5; i < 9; i++ {
		require.NoError(t, d.Save(c, someState(i), "abc"))
	}
	all, err := steps(d.Path)
	require.NoError(t, err)
	require.Equal(t, []int{7, 8}, all)
	require.NoError(t, d.Save(c, someState(8), "other"), "the newest is not written again")
	r, err = ReadCheckpoint(d.Path, c, "")
	require.NoError(t, err)
	require.Equal(t, "abc", r.ParamsHash)
}

// TestLeftovers: what a crash leaves at any point of Save is cleared away or written over.
func TestLeftovers(t *testing.T) {
	c := tiny()
	d := newDir(t, c)
	require.NoError(t, d.Save(c, someState(2), ""))
	require.NoError(t, os.MkdirAll(filepath.Join(d.Path, "checkpoints/.tmp-step-00000004-1"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(d.Path, ".tmp-latest-1"), []byte("step"), 0o644))
	// Renamed, but latest not yet written: it may be anything, it is not trusted.
	require.NoError(t, os.MkdirAll(filepath.Join(d.Path, "checkpoints/step-00000004/x"), 0o755))
	require.NoError(t, d.Close())
	d, _, err := Open(d.Path)
	require.NoError(t, err)
	defer d.Close()
	require.NoDirExists(t, filepath.Join(d.Path, "checkpoints/.tmp-step-00000004-1"))
	require.NoFileExists(t, filepath.Join(d.Path, ".tmp-latest-1"))
	r, err := ReadCheckpoint(d.Path, c, "")
	require.NoError(t, err)
	require.Equal(t, 2, r.State.Iteration)
	require.NoError(t, d.Save(c, someState(4), ""))
	require.NoDirExists(t, filepath.Join(d.Path, "checkpoints/step-00000004/x"))
}

// TestDamagedCheckpoints: each kind of damage is refused, with the file and the older checkpoint that is whole.
func TestDamagedCheckpoints(t *testing.T) {
	c := tiny()
	edit := func(name string, change func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			text, err := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), change(text), 0o644))
		}
	}
	size := func(list []gfn.Tensor) int {
		var b bytes.Buffer
		require.NoError(t, gfn.WriteTensors(&b, list))
		return b.Len()
	}
	model, moments := size(someState(4).Params), size(someState(4).Moments)
	half := func(b []byte) []byte { return b[:len(b)/2] }
	flip := func(b []byte) []byte { b[len(b)-3] ^= 1; return b }
	for name, k := range map[string]struct {
		file, reason string
		damage       func(*testing.T, string)
	}{
		"truncated model": {modelName, fmt.Sprintf("is truncated: %d bytes of %d", model/2, model), edit(modelName, half)},
		"truncated state": {stateName, "is truncated", edit(stateName, half)},
		"empty state":     {stateName, "is truncated", edit(stateName, func([]byte) []byte { return nil })},
		"flipped model":   {modelName, "is damaged: its check sum does not match", edit(modelName, flip)},
		"flipped moments": {optimName, "is damaged: its check sum does not match", edit(optimName, flip)},
		"longer moments":  {optimName, fmt.Sprintf("is damaged: %d bytes, should be %d", moments+1, moments), edit(optimName, func(b []byte) []byte { return append(b, 0) })},
		"changed state": {stateName, "is damaged: its check sum does not match",
			edit(stateName, func(b []byte) []byte {
				return bytes.Replace(b, []byte(`"trajectories": 7`), []byte(`"trajectories": 8`), 1)
			})},
		"no state":      {stateName, "is missing", func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, stateName))) }},
		"no model":      {modelName, "is missing", func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, modelName))) }},
		"not JSON":      {stateName, "is damaged: invalid character 'x' looking for beginning of value", edit(stateName, func([]byte) []byte { return []byte("xx") })},
		"newer program": {stateName, "has format 2, this program reads 1", edit(stateName, func(b []byte) []byte { return bytes.Replace(b, []byte(`"format": 1`), []byte(`"format": 2`), 1) })},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDir(t, c)
			require.NoError(t, d.Save(c, someState(2), ""))
			require.NoError(t, d.Save(c, someState(4), ""))
			dir := filepath.Join(d.Path, "checkpoints/step-00000004")
			k.damage(t, dir)
			_, err := ReadCheckpoint(d.Path, c, "")
			require.EqualError(t, err, "run: "+filepath.Join(dir, k.file)+": "+k.reason+
				"; step-00000002 is intact, to go on from it: sluice resume "+d.Path+" --from step-00000002")
			r, err := ReadCheckpoint(d.Path, c, "step-00000002")
			require.NoError(t, err)
			require.Equal(t, 2, r.State.Iteration)
		})
	}
}

func TestCheckpointOfAnotherRun(t *testing.T) {
	c := tiny()
	d := newDir(t, c)
	require.NoError(t, d.Save(c, someState(2), ""))
	_, err := ReadCheckpoint(d.Path, tiny("train.batch=8", "seed=2"), "")
	require.EqualError(t, err, "run: "+filepath.Join(d.Path, "checkpoints/step-00000002/state.json")+
		": was made with another config: seed was 1, is 2, train.batch was 16, is 8")
	_, err = ReadCheckpoint(d.Path, tiny("device.workers=2"), "")
	require.NoError(t, err)

	// The right config on top of tensors of another shape: the trainer refuses them by name.
	_, err = Judge(d.Path, cpu.New(cpu.Config{}))
	require.ErrorContains(t, err, "run: checkpoint step-00000002: gfn: ")
	require.NoError(t, os.WriteFile(filepath.Join(d.Path, latestName), []byte("garbage"), 0o644))
	_, err = ReadCheckpoint(d.Path, c, "")
	require.ErrorContains(t, err, `latest: names no checkpoint ("garbage"); step-00000002 is intact`)
}

// fullDisk takes n bytes and then fails as a full disk does.
type fullDisk struct {
	io.Writer
	left *int
}

func (f fullDisk) Write(p []byte) (int, error) {
	n := min(len(p), *f.left)
	*f.left -= n
	m, err := f.Writer.Write(p[:n])
	if err == nil && n < len(p) {
		err = syscall.ENOSPC
	}
	return m, err
}

// TestFullDisk lets the disk fill up at many places of a checkpoint, in each of its files: the old one survives, the error names the file.
func TestFullDisk(t *testing.T) {
	defer func() { fileWriter = func(f *os.File) io.Writer { return f } }()
	c := tiny()
	d := newDir(t, c)
	require.NoError(t, d.Save(c, someState(2), "old"))
	blamed := map[string]bool{}
	for n := 0; ; n += 5 {
		left := n
		fileWriter = func(f *os.File) io.Writer { return fullDisk{f, &left} }
		err := d.Save(c, someState(4), "new")
		if err == nil {
			break
		}
		require.ErrorIs(t, err, syscall.ENOSPC)
		require.NotContains(t, err.Error(), tempPrefix, "a name that means nothing")
		for _, name := range []string{modelName, optimName, stateName, latestName} {
			if strings.Contains(err.Error(), name+":") {
				blamed[name] = true
			}
		}
		r, err := ReadCheckpoint(d.Path, c, "")
		require.NoError(t, err)
		require.Equal(t, "old", r.ParamsHash, "after %d bytes", n)
		entries, err := os.ReadDir(filepath.Join(d.Path, checkpointsName))
		require.NoError(t, err)
		for _, e := range entries {
			require.False(t, strings.HasPrefix(e.Name(), tempPrefix), "the room is given back")
		}
	}
	require.Len(t, blamed, 4)
	r, err := ReadCheckpoint(d.Path, c, "")
	require.NoError(t, err)
	require.Equal(t, "new", r.ParamsHash)
}

func FuzzState(f *testing.F) {
	s := stateFile{Format: checkpointFormat, Iteration: 3, Config: map[string]string{"seed": "1"}, Files: map[string]fileMark{modelName: {Bytes: 3}}}
	text, err := s.seal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(text[:len(text)/2])
	f.Add([]byte(`{"format":1,"iteration":-1}`))
	f.Add([]byte(`{"format":1,"optim":{"beta1_power":1e999}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := readState(text)
		if err != nil {
			return
		}
		again, err := got.seal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readState(again); err != nil {
			t.Fatal("a state that was accepted is not accepted when written again:", err)
		}
	})
}

// FuzzTensors: whatever bytes a checkpoint file holds, reading it is an error or tensors, never a panic.
func FuzzTensors(f *testing.F) {
	var b bytes.Buffer
	if err := gfn.WriteTensors(&b, someState(1).Params); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:60])
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff{}"))
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00{}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		list, err := gfn.ReadTensors(bytes.NewReader(raw))
		if err != nil {
			return
		}
		for _, x := range list {
			n := 1
			for _, d := range x.Shape {
				n *= d
			}
			if n != len(x.Data) {
				t.Fatalf("%s: shape %v, %d numbers", x.Name, x.Shape, len(x.Data))
			}
		}
	})
}
