package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/cuda"
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/sim"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/run"
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

// machine is a simulated one whose cards are of these generations.
type machine struct {
	driver.Driver
	majors []int
}

func (m machine) Devices() ([]driver.Info, error) {
	list, err := m.Driver.Devices()
	for i := range list {
		list[i].Name, list[i].Major, list[i].Memory = fmt.Sprintf("card %d", i), m.majors[i], 2<<30
	}
	return list, err
}

// cards are a machine's.
func cards(majors ...int) machine {
	return machine{sim.Driver(sim.Config{Devices: len(majors)}), majors}
}

func (m machine) load() (driver.Driver, error) { return m, nil }

// A card older than the kernels is named and no reason to end with 3, unless it was asked for.
func TestDoctorOfAnOldCard(t *testing.T) {
	old := cards(6)
	d, err := diagnose(t.Context(), "auto", old.load)
	require.NoError(t, err)
	require.NoError(t, d.verdict())
	require.Len(t, d.Devices, 2)
	p := d.Devices[1]
	require.Equal(t, []string{"cuda:0", "card 0", ""}, []string{p.Name, p.Card, p.Error})
	require.Contains(t, p.Unusable, "card 0 is sm_60, the kernels need sm_70")
	var s strings.Builder
	require.NoError(t, d.print(&s))
	require.Contains(t, s.String(), "cuda:0\n  card      card 0, 2.0 GiB\n  unusable  "+p.Unusable+"\n")

	for _, kind := range []run.DeviceKind{"cuda", "cuda:0", "cuda:1"} {
		_, err = diagnose(t.Context(), kind, old.load)
		var usage *usageError
		require.ErrorAs(t, err, &usage, kind)
		require.ErrorContains(t, err, "--device "+string(kind)+": ")
	}
	require.ErrorContains(t, err, "the driver finds 1")
}

// A card that others have filled, so that it cannot be measured, is sound all the same, and what could be measured is said; one on which a
// launch fails is not.
func TestDoctorOfACardThatCannotBeMeasured(t *testing.T) {
	examined := func(drv driver.Driver) (patient, string) {
		dev, err := cuda.New(drv, cuda.Config{Chunk: simChunk})
		require.NoError(t, err)
		defer dev.Close()
		p := patient{Name: "a card"}
		p.measure(dev)
		var s strings.Builder
		require.NoError(t, (&diagnosis{Devices: []patient{p}}).print(&s))
		return p, s.String()
	}
	p, said := examined(sim.Driver(sim.Config{Memory: 16 << 20}))
	require.False(t, p.failed)
	require.Zero(t, p.Speed.CopyGBs)
	require.Contains(t, said, "  speed     launch ")
	require.Contains(t, said, "  memory    too little is free to measure copies: cuda: cuMemAlloc of 268435456 bytes: ")

	p, said = examined(failing{sim.Driver(sim.Config{Memory: 16 << 20})})
	require.True(t, p.failed)
	require.Nil(t, p.Speed)
	require.Contains(t, said, "  FAILED    cuda: a launch: CUDA_ERROR_LAUNCH_FAILED (719)\n")

	var s strings.Builder
	speed := cuda.Speed{CopyGBs: 2000, BLASMissing: "cuda: cublasCreate: CUBLAS_STATUS_NOT_INITIALIZED (1)"}
	require.NoError(t, (&diagnosis{Devices: []patient{{Speed: &speed}}}).print(&s))
	require.Contains(t, s.String(), "  cuBLAS    "+speed.BLASMissing+" (only the fast mode wants it)\n")
}

// failing is a driver none of whose launches succeeds.
type failing struct{ driver.Driver }

func (d failing) Open(device int) (driver.Context, error) {
	c, err := d.Driver.Open(device)
	return failingContext{c}, err
}

type failingContext struct{ driver.Context }

func (failingContext) Launch(driver.Func, driver.Dim, driver.Dim, int, driver.Stream, []byte) error {
	return &driver.Error{Code: driver.LaunchFailed, Name: "CUDA_ERROR_LAUNCH_FAILED", Call: "a launch"}
}

// A device whose bits are others, or that fails, is unsound, and the command ends with 3.
func TestDoctorFindsWhatIsWrong(t *testing.T) {
	bent := examine(t.Context(), "bent", func() (graph.Device, error) { return bentDevice{cpu.New(cpu.Config{})}, nil })
	require.True(t, bent.failed)
	burning := examine(t.Context(), "burning", func() (graph.Device, error) { return nil, errors.New("it is on fire") })
	require.True(t, burning.failed)
	sound := examine(t.Context(), "sound", func() (graph.Device, error) { return cpu.Open(cpu.Config{}) })
	require.False(t, sound.failed)

	var s strings.Builder
	d := diagnosis{Devices: []patient{sound, bent, burning}}
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
