package cuda

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/sim"
	"github.com/sluice-ml/sluice/graph"
)

// clock is a card whose every call takes a known time: a copied byte 1 ps, a launch 3 us, a node of a graph 1 us, the large product 10 ms
// in its kernel and 2 ms in cuBLAS.
type clock struct {
	counting
	spilled int
	noBLAS  bool
}

func (d *clock) Open(int) (driver.Context, error) {
	c, err := d.counting.Open(0)
	return &clockContext{countingContext: c.(*countingContext), d: d, events: map[driver.Event]float64{}}, err
}

type clockContext struct {
	*countingContext
	d         *clock
	ms        float64
	events    map[driver.Event]float64
	capturing bool
	nodes     int
}

func (c *clockContext) NewEvent() (driver.Event, error) {
	e := driver.Event(len(c.events) + 1)
	c.events[e] = -1
	return e, nil
}

func (c *clockContext) Record(e driver.Event, _ driver.Stream) error {
	c.events[e] = c.ms
	return nil
}

func (c *clockContext) Elapsed(from, to driver.Event) (float64, error) {
	return c.events[to] - c.events[from], nil
}

func (c *clockContext) Attributes(driver.Func) (driver.Attributes, error) {
	return driver.Attributes{LocalBytes: c.d.spilled}, nil
}

func (c *clockContext) Copy(_, _ driver.Ptr, n int64, _ driver.Stream) error {
	c.ms += float64(n) * 1e-9
	return nil
}

func (c *clockContext) Launch(f driver.Func, _, _ driver.Dim, _ int, _ driver.Stream, _ []byte) error {
	switch {
	case c.capturing:
		c.nodes++
	case c.names[f-1] == "add":
		c.ms += 3e-3
	default:
		c.ms += 10
	}
	return nil
}

func (c *clockContext) BeginCapture(driver.Stream) error {
	c.capturing = true
	return nil
}

func (c *clockContext) EndCapture(driver.Stream) (driver.Graph, error) {
	c.capturing = false
	return 1, nil
}

func (c *clockContext) Replay(driver.Exec, driver.Stream) error {
	c.ms += float64(c.nodes) * 1e-3
	return nil
}

func (c *clockContext) BLAS() (driver.BLAS, error) {
	if c.d.noBLAS {
		return nil, driver.ErrNoBLAS
	}
	return clockBLAS{c}, nil
}

type clockBLAS struct{ c *clockContext }

func (clockBLAS) Name() string { return "clock" }
func (clockBLAS) Close() error { return nil }
func (b clockBLAS) Gemm(driver.Stream, driver.Gemm) error {
	b.c.ms += 2
	return nil
}

// What is measured is what the card does.
func TestMeasure(t *testing.T) {
	dev := open(t, &clock{spilled: 2}, Config{})
	s, err := Measure(dev)
	require.NoError(t, err)
	require.InEpsilon(t, 2000, s.CopyGBs, 1e-6, "each byte is read and written")
	require.InEpsilon(t, 3, s.LaunchMicros, 1e-6)
	require.InEpsilon(t, 1, s.GraphMicros, 1e-6)
	require.InEpsilon(t, 2*8192*1024*1024/10e-3/1e12, s.LinearTFlops, 1e-6)
	require.InEpsilon(t, 2*8192*1024*1024/2e-3/1e12, s.BLASTFlops, 1e-6)
	require.Equal(t, []string{"clock", ""}, []string{s.BLAS, s.BLASMissing})
	require.Positive(t, s.SpilledBytes)
	require.Equal(t, "copy 2000 GB/s, launch 3.0 us, graph node 1.0 us, linear 1.7 TFLOP/s, clock 8.6 TFLOP/s in TF32", s.String())

	s, err = Measure(open(t, &clock{noBLAS: true}, Config{}))
	require.NoError(t, err)
	require.Equal(t, Speed{CopyGBs: s.CopyGBs, LaunchMicros: s.LaunchMicros, GraphMicros: s.GraphMicros, LinearTFlops: s.LinearTFlops, BLASMissing: driver.ErrNoBLAS.Error()}, s)
	require.NotContains(t, s.String(), "TF32")

	info, err := Describe(dev)
	require.NoError(t, err)
	require.Equal(t, 9, info.Major)
	other := cpu.New(cpu.Config{})
	_, err = Describe(other)
	require.ErrorIs(t, err, errNotOurs)
	_, err = Measure(other)
	require.ErrorIs(t, err, errNotOurs)
}

// Whichever call fails, the measurement says so.
func TestEveryCallOfMeasureMayFail(t *testing.T) {
	whole := &brittle{}
	_, err := measured(whole)
	require.NoError(t, err)
	for n := 1; n <= len(whole.calls); n++ {
		if whole.calls[n-1] == "Launch" && n%97 != 0 {
			continue // there are thousands, all alike
		}
		drv := &brittle{at: n, err: &driver.Error{Code: driver.LaunchFailed, Name: "CUDA_ERROR_LAUNCH_FAILED", Call: whole.calls[n-1]}}
		s, err := measured(drv)
		require.True(t, drv.failed, "call %d", n)
		switch whole.calls[n-1] {
		case "BLAS", "Gemm": // only the fast mode wants it
			require.NoError(t, err)
			require.Contains(t, s.BLASMissing, "CUDA_ERROR_LAUNCH_FAILED")
			require.Empty(t, s.BLAS)
			require.Positive(t, s.LinearTFlops)
		default:
			require.ErrorIs(t, err, error(drv.err), "call %d, %s", n, whole.calls[n-1])
		}
	}
}

// measured is Measure on a device of its own, and what its end says.
func measured(drv driver.Driver) (s Speed, err error) {
	dev, err := New(drv, Config{})
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, dev.Close()) }()
	return Measure(dev)
}

// A card that others have filled is measured as far as it goes, and is no worse for it.
func TestMeasureOfAFullCard(t *testing.T) {
	whole := &brittle{only: "Alloc"}
	all, err := measured(whole)
	require.NoError(t, err)
	require.Len(t, whole.calls, 7, "two to copy, one to launch on, four of a product")
	for n, part := range []string{"copies", "copies", "launches", "products", "products", "products", "products"} {
		drv := &brittle{only: "Alloc", at: n + 1, err: &driver.Error{Code: driver.OutOfMemory, Name: "CUDA_ERROR_OUT_OF_MEMORY", Call: "cuMemAlloc"}}
		s, err := measured(drv)
		require.NoError(t, err)
		require.Equal(t, part+": cuda: cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (2)", s.MemoryMissing)
		want := all
		want.MemoryMissing = s.MemoryMissing
		switch part {
		case "copies":
			want.CopyGBs = 0
		case "launches":
			want.LaunchMicros, want.GraphMicros = 0, 0
		case "products":
			want.LinearTFlops, want.BLAS, want.BLASTFlops = 0, "", 0
		}
		require.Equal(t, want, s)
		require.NotContains(t, s.String(), " 0", "what was not measured is not said")
	}
	s, err := measured(sim.Driver(sim.Config{Memory: 4 << 20}))
	require.NoError(t, err)
	require.Regexp(t, "^copies: .*; products: ", s.MemoryMissing)
	require.Positive(t, s.LaunchMicros)
}

// refusing is a device whose calls fail from the n-th on, or whose buffers are read wrongly.
type refusing struct {
	graph.Device
	left  int
	err   error
	wrong bool
}

func (r *refusing) next() error {
	if r.left--; r.left < 0 {
		return r.err
	}
	return nil
}

func (r *refusing) Alloc(n int) (graph.Buffer, error) {
	if err := r.next(); err != nil {
		return nil, err
	}
	b, err := r.Device.Alloc(n)
	return b, err
}

func (r *refusing) Compile(p *graph.Plan) (graph.Program, error) {
	if err := r.next(); err != nil {
		return nil, err
	}
	q, err := r.Device.Compile(p)
	return &refusingProgram{q, r}, err
}

type refusingProgram struct {
	graph.Program
	r *refusing
}

func (p *refusingProgram) Rollout(params graph.Buffer, src graph.Source, host graph.Host) (graph.Batch, error) {
	if err := p.r.next(); err != nil {
		return graph.Batch{}, err
	}
	return p.Program.Rollout(params, src, host)
}

func (p *refusingProgram) Eval(params graph.Buffer, states []int32, dst [][]float64) error {
	if err := p.r.next(); err != nil {
		return err
	}
	return p.Program.Eval(params, states, dst)
}

func (p *refusingProgram) Close(params graph.Buffer) error {
	if err := p.r.next(); err != nil {
		return err
	}
	return p.Program.Close(params)
}

func (p *refusingProgram) Outcome(params graph.Buffer, at int) (graph.Outcome, error) {
	out, err := p.Program.Outcome(params, at)
	if p.r.wrong {
		out.Loss += 1e-7
	}
	return out, err
}

func (p *refusingProgram) Backward(params, grads graph.Buffer) error {
	if err := p.r.next(); err != nil {
		return err
	}
	return p.Program.Backward(params, grads)
}

func (p *refusingProgram) Update(params, grads, moments graph.Buffer, rule graph.Rule, s graph.Scalars) error {
	if err := p.r.next(); err != nil {
		return err
	}
	return p.Program.Update(params, grads, moments, rule, s)
}

// The self-test says which Plan a device refuses, and keeps what had passed; a loss that is a little off is that entry's alone.
func TestSelfTestOfABadDevice(t *testing.T) {
	const perPlan = 1 + 3 + 6 // calls: the program, its buffers, its entries
	for left := range perPlan + 1 {
		checks, err := SelfTest(&refusing{Device: cpu.New(cpu.Config{}), left: left, err: driver.ErrOutOfMemory})
		require.ErrorIs(t, err, driver.ErrOutOfMemory)
		require.ErrorContains(t, err, "cuda: self-test "+selftests()[left/perPlan].name)
		require.Len(t, checks, left/perPlan*5)
	}
	checks, err := SelfTest(&refusing{Device: cpu.New(cpu.Config{}), left: len(selftests()) * perPlan, wrong: true})
	require.NoError(t, err)
	require.Len(t, checks, 5*len(selftests()))
	for i, c := range checks {
		require.Equal(t, i%5 != 2, c.Passed(), c.Name)
	}
}
