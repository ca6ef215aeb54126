package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/graph"
)

func TestDoctor(t *testing.T) {
	dir := t.TempDir()
	out := do(t, dir, "doctor", "--device", "cpu")
	require.Contains(t, out, "30 of 30 checks have the defined bits")
	require.Contains(t, out, "  training  has the defined bits\n")
	require.NotContains(t, out, "no GPU", "nobody asked")

	for _, kind := range []string{"tpu", "cuda:x", "cuda:-1"} {
		r := sluice(t, dir, "doctor", "--device", kind)
		require.Equal(t, outcome{"", "sluice: --device: must be auto, cpu, cuda, cuda:N or sim, is \"" + kind + "\"\n", 2}, r)
	}
	if _, err := driver.Lib(); err != nil { // a machine without a GPU is no failure, unless one was asked for
		require.Contains(t, do(t, dir, "doctor"), "no GPU    "+err.Error())
		r := sluice(t, dir, "doctor", "--device", "cuda")
		require.Equal(t, 2, r.code)
		require.Contains(t, r.err, err.Error())
		r = sluice(t, dir, tiny("--device", "cuda", "--out", "run")...)
		require.Equal(t, 2, r.code)
		require.Contains(t, r.err, "--device cuda: "+err.Error())
	}
}

// TestTrainedHash: the committed hash is that of the definition, the tier of plain Go loops.
func TestTrainedHash(t *testing.T) {
	t.Setenv(tierVariable, "go")
	dev, err := cpu.Open(cpu.Config{})
	require.NoError(t, err)
	defer dev.Close()
	require.Equal(t, "cpu/go", dev.Name())
	got, err := trained(t.Context(), dev)
	require.NoError(t, err)
	require.Equal(t, trainedHash, got)
}

// The GPU's kernels, on the simulator, for ten seconds.
func TestDoctorOnTheSimulator(t *testing.T) {
	if testing.Short() {
		t.Skip("every kernel, interpreted")
	}
	d := object(t, do(t, t.TempDir(), "doctor", "--device", "sim", "--json"))
	devices := d["devices"].([]any)
	require.Len(t, devices, 1)
	p := devices[0].(map[string]any)
	require.Equal(t, "cuda/simulator", p["name"])
	require.Equal(t, "has the defined bits", p["training"])
	require.Len(t, p["checks"], 30)
	require.NotContains(t, p, "speed", "there is nothing to measure")
}

// A device whose bits are others, or that fails, is unsound, and the command ends with 3.
func TestDoctorFindsWhatIsWrong(t *testing.T) {
	bent := examine(t.Context(), "bent", func() (graph.Device, error) { return bentDevice{cpu.New(cpu.Config{})}, nil })
	require.True(t, bent.failed)
	failing := examine(t.Context(), "failing", func() (graph.Device, error) { return nil, errors.New("it is on fire") })
	require.True(t, failing.failed)
	sound := examine(t.Context(), "sound", func() (graph.Device, error) { return cpu.Open(cpu.Config{}) })
	require.False(t, sound.failed)

	var s strings.Builder
	d := diagnosis{Devices: []patient{sound, bent, failing}}
	require.NoError(t, d.print(&s))
	require.Contains(t, s.String(), "DIFFERS   tiles/rollout")
	require.Contains(t, s.String(), "  kernels   0 of 30 checks")
	require.Contains(t, s.String(), ", should be "+trainedHash[:12]+"\n")
	require.Contains(t, s.String(), "FAILED    it is on fire")

	err := d.verdict()
	require.EqualError(t, err, "bent is not sound")
	for _, e := range exits {
		if e.is(err) {
			require.Equal(t, exitCheck, e.code)
			return
		}
	}
	require.Fail(t, "no exit code is that error's")
}

// bentDevice is a device that is not handed the parameters it should be.
type bentDevice struct{ graph.Device }

func (d bentDevice) Name() string { return "bent" }

func (d bentDevice) Alloc(n int) (graph.Buffer, error) {
	b, err := d.Device.Alloc(n)
	return bentBuffer{b}, err
}

func (d bentDevice) Compile(p *graph.Plan) (graph.Program, error) {
	q, err := d.Device.Compile(p)
	return bentProgram{q}, err
}

type bentBuffer struct{ graph.Buffer }

func (b bentBuffer) Write(src []float64, at int) {
	x := make([]float64, len(src))
	for i, v := range src {
		x[i] = v * 1.25
	}
	b.Buffer.Write(x, at)
}

type bentProgram struct{ graph.Program }

func (p bentProgram) Rollout(b graph.Buffer, s graph.Source, h graph.Host) (graph.Batch, error) {
	return p.Program.Rollout(b.(bentBuffer).Buffer, s, h)
}

func (p bentProgram) Close(b graph.Buffer) error {
	return p.Program.Close(b.(bentBuffer).Buffer)
}

func (p bentProgram) Backward(b, g graph.Buffer) error {
	return p.Program.Backward(b.(bentBuffer).Buffer, g.(bentBuffer).Buffer)
}

func (p bentProgram) Update(b, g, m graph.Buffer, r graph.Rule, s graph.Scalars) error {
	return p.Program.Update(b.(bentBuffer).Buffer, g.(bentBuffer).Buffer, m.(bentBuffer).Buffer, r, s)
}

func (p bentProgram) Outcome(b graph.Buffer, at int) (graph.Outcome, error) {
	if b != nil {
		b = b.(bentBuffer).Buffer
	}
	return p.Program.Outcome(b, at)
}

func (p bentProgram) Eval(b graph.Buffer, s []int32, dst [][]float64) error {
	return p.Program.Eval(b.(bentBuffer).Buffer, s, dst)
}
