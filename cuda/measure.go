package cuda

import (
	"errors"
	"fmt"

	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// This file measures a card: what sluice doctor prints beside the self-test.

// Speed is what a card was seen to do, by its own events.
type Speed struct {
	CopyGBs      float64 `json:"copy_gb_per_s"`           // read and written, from device memory to device memory
	LaunchMicros float64 `json:"launch_us"`               // of a kernel that has nothing to do, from a stream
	GraphMicros  float64 `json:"graph_node_us"`           // the same in a replayed graph
	LinearTFlops float64 `json:"linear_tflops"`           // OpLinear, 8,192 rows of 1,024 x 1,024, deterministic
	BLAS         string  `json:"blas,omitempty"`          // the library's name
	BLASTFlops   float64 `json:"blas_tflops,omitempty"`   // the same product by cuBLAS in TF32
	BLASMissing  string  `json:"blas_missing,omitempty"`  // why there is none
	SpilledBytes int     `json:"spilled_bytes,omitempty"` // local memory of all kernels as this driver compiled them; 0 is right
}

var errNotOurs = errors.New("cuda: the device is none of package cuda")

// Describe says which card a device is.
func Describe(dev graph.Device) (driver.Info, error) {
	d, ok := dev.(*device)
	if !ok {
		return driver.Info{}, errNotOurs
	}
	return d.info, nil
}

// Measure takes some tenths of a second.
func Measure(dev graph.Device) (Speed, error) {
	d, ok := dev.(*device)
	if !ok {
		return Speed{}, errNotOurs
	}
	m := meter{o: d.o, mem: &arena{o: d.o}}
	var failed error
	err := d.o.do(func() {
		failed = m.measure()
		m.mem.free()
	})
	return m.speed, errors.Join(err, failed)
}

type meter struct {
	o        *owner
	mem      *arena
	from, to driver.Event
	speed    Speed
}

const (
	copyBytes = 256 << 20
	launches  = 1000
	products  = 20
	rows, dim = 8192, 1024
)

func (m *meter) measure() (err error) {
	c := m.o.ctx
	if m.from, err = c.NewEvent(); err != nil {
		return err
	}
	defer func() { _ = c.FreeEvent(m.from) }()
	if m.to, err = c.NewEvent(); err != nil {
		return err
	}
	defer func() { _ = c.FreeEvent(m.to) }()
	for _, f := range m.o.funcs {
		a, err := c.Attributes(f)
		if err != nil {
			return err
		}
		m.speed.SpilledBytes += a.LocalBytes
	}
	if err := m.copies(); err != nil {
		return err
	}
	if err := m.launches(); err != nil {
		return err
	}
	return m.products()
}

// time is the milliseconds of what f enqueues, after one run to warm up.
func (m *meter) time(f func()) float64 {
	o, s := m.o, m.o.stream[0]
	for range 2 {
		if o.failed == nil {
			o.check(o.ctx.Record(m.from, s))
		}
		f()
		if o.failed == nil {
			o.check(o.ctx.Record(m.to, s))
		}
		o.sync(s)
	}
	if o.failed != nil {
		return 0
	}
	ms, err := o.ctx.Elapsed(m.from, m.to)
	o.check(err)
	return ms
}

func (m *meter) copies() error {
	var a, b array
	if err := errors.Join(m.mem.grow(&a, copyBytes/4, true), m.mem.grow(&b, copyBytes/4, true)); err != nil {
		return err
	}
	ms := m.time(func() { m.o.check(m.o.ctx.Copy(b.p, a.p, copyBytes, m.o.stream[0])) })
	m.speed.CopyGBs = 2 * copyBytes / 1e6 / ms
	m.mem.free()
	return m.o.failed
}

func (m *meter) launches() error {
	var a array
	if err := m.mem.grow(&a, 64, true); err != nil {
		return err
	}
	s := m.o.stream[0]
	many := func() {
		for range launches {
			launch(m.o, kernel.Add, kernel.JointGrid(1), s, kernel.AddArgs{Out: a.u(0), X: a.u(1)})
		}
	}
	m.speed.LaunchMicros = m.time(many) * 1e3 / launches
	c := m.o.ctx
	if err := c.BeginCapture(s); err != nil {
		return err
	}
	many()
	g, err := c.EndCapture(s)
	if err != nil {
		return err
	}
	e, err := c.Instantiate(g)
	if err != nil {
		return err
	}
	m.speed.GraphMicros = m.time(func() { m.o.check(c.Replay(e, s)) }) * 1e3 / launches
	return errors.Join(c.FreeExec(e), c.FreeGraph(g), m.o.failed)
}

func (m *meter) products() error {
	var x, w, y, to array
	g := m.mem
	if err := errors.Join(g.grow(&x, rows*dim, true), g.grow(&w, dim*dim+dim, true), g.grow(&y, rows*dim, true), g.grow(&to, 4, false)); err != nil {
		return err
	}
	o, s := m.o, m.o.stream[0]
	o.check(o.ctx.Fill32(to.p, rows, 1, s))
	val := func(a *array) kernel.Val { return kernel.Val{P: a.u(0), LD: dim, Rows: rows} }
	a := kernel.LinearArgs{Span: kernel.Span{To: to.u(0), Len: rows, Cap: rows, Lanes: 1}, Out: val(&y), A: val(&x), W: w.u(0), Bias: w.u(dim * dim), K: dim, N: dim}
	const tera = 2 * rows * dim * dim * products / 1e9
	m.speed.LinearTFlops = tera / m.time(func() {
		for range products {
			k, grid := a.Launch()
			launch(o, k, grid, s, a)
		}
	})
	blas, err := o.ctx.BLAS()
	if err != nil {
		m.speed.BLASMissing = err.Error()
		return o.failed
	}
	m.speed.BLAS = blas.Name()
	m.speed.BLASTFlops = tera / m.time(func() {
		for range products {
			o.check(blas.Gemm(s, driver.Gemm{M: rows, N: dim, K: dim, A: x.p, LDA: dim, B: w.p, LDB: dim, C: y.p, LDC: dim, Count: 1, TF32: true}))
		}
	})
	return o.failed
}

// String is a line for people.
func (s Speed) String() string {
	t := fmt.Sprintf("copy %.0f GB/s, launch %.1f us, graph node %.1f us, linear %.1f TFLOP/s", s.CopyGBs, s.LaunchMicros, s.GraphMicros, s.LinearTFlops)
	if s.BLAS != "" {
		t += fmt.Sprintf(", %s %.1f TFLOP/s in TF32", s.BLAS, s.BLASTFlops)
	}
	return t
}
