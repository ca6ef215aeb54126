package cuda

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// This file measures a card: what sluice doctor prints beside the self-test.

// Speed is what a card was seen to do, by its own events. 0 is what was not measured, of which the two texts say why.
type Speed struct {
	CopyGBs       float64 `json:"copy_gb_per_s"`            // read and written, from device memory to device memory
	LaunchMicros  float64 `json:"launch_us"`                // of a kernel that has nothing to do, from a stream
	GraphMicros   float64 `json:"graph_node_us"`            // the same in a replayed graph
	LinearTFlops  float64 `json:"linear_tflops"`            // OpLinear, 8,192 rows of 1,024 x 1,024, deterministic
	BLAS          string  `json:"blas,omitempty"`           // the library's name
	BLASTFlops    float64 `json:"blas_tflops,omitempty"`    // the same product by cuBLAS in TF32
	BLASMissing   string  `json:"blas_missing,omitempty"`   // why cuBLAS is not there or does not work
	MemoryMissing string  `json:"memory_missing,omitempty"` // what the card, in use by others, had no memory left to measure
	SpilledBytes  int     `json:"spilled_bytes,omitempty"`  // local memory of all kernels as this driver compiled them; 0 is right
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

// Measure takes some tenths of a second. What it cannot measure because memory is short, or because cuBLAS does not work, it names and
// leaves out; an error is a device that failed.
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
	defer func() { m.o.check(c.FreeEvent(m.from)) }()
	if m.to, err = c.NewEvent(); err != nil {
		return err
	}
	defer func() { m.o.check(c.FreeEvent(m.to)) }()
	for _, f := range m.o.funcs {
		a, err := c.Attributes(f)
		if err != nil {
			return err
		}
		m.speed.SpilledBytes += a.LocalBytes
	}
	return errors.Join(m.part("copies", m.copies), m.part("launches", m.launches), m.part("products", m.products))
}

// part is one measurement, in memory of its own.
func (m *meter) part(name string, measure func() error) error {
	if m.o.failed != nil {
		return nil // which is returned already
	}
	err := measure()
	m.mem.free()
	if m.o.failed != nil {
		return m.o.failed
	}
	if errors.Is(err, driver.ErrOutOfMemory) {
		if m.speed.MemoryMissing != "" {
			m.speed.MemoryMissing += "; "
		}
		m.speed.MemoryMissing += name + ": " + err.Error()
		return nil
	}
	return err
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

func (m *meter) grow(list ...room) error {
	for _, r := range list {
		if err := m.mem.grow(r.a, r.n, r.zero); err != nil {
			return err
		}
	}
	return nil
}

func (m *meter) copies() error {
	var a, b array
	if err := m.grow(room{&a, copyBytes / 4, true}, room{&b, copyBytes / 4, true}); err != nil {
		return err
	}
	ms := m.time(func() { m.o.check(m.o.ctx.Copy(b.p, a.p, copyBytes, m.o.stream[0])) })
	m.speed.CopyGBs = 2 * copyBytes / 1e6 / ms
	return m.o.failed
}

func (m *meter) launches() error {
	var a array
	if err := m.grow(room{&a, 64, true}); err != nil {
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
	e, err := m.o.instantiate(g)
	if err != nil {
		return err
	}
	m.speed.GraphMicros = m.time(func() { m.o.check(c.Replay(e, s)) }) * 1e3 / launches
	m.o.freeExec(e)
	return m.o.failed
}

func (m *meter) products() error {
	var x, w, y, to array
	if err := m.grow(room{&x, rows * dim, true}, room{&w, dim*dim + dim, true}, room{&y, rows * dim, true}, room{&to, 4, false}); err != nil {
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
	if o.failed != nil {
		return o.failed
	}
	blas, err := o.ctx.BLAS()
	ms := 0.0
	if err == nil {
		ms = m.time(func() {
			for range products {
				if o.failed == nil && err == nil { // an error of cuBLAS's own; if a kernel failed, the wait that follows says so
					err = blas.Gemm(s, driver.Gemm{M: rows, N: dim, K: dim, A: x.p, LDA: dim, B: w.p, LDB: dim, C: y.p, LDC: dim, Count: 1, TF32: true})
				}
			}
		})
	}
	if err != nil {
		m.speed.BLASMissing = err.Error()
		return o.failed
	}
	m.speed.BLAS, m.speed.BLASTFlops = blas.Name(), tera/ms
	return o.failed
}

// String is a line for people: what was measured.
func (s Speed) String() string {
	var list []string
	for _, x := range []struct {
		format string
		value  float64
	}{{"copy %.0f GB/s", s.CopyGBs}, {"launch %.1f us", s.LaunchMicros}, {"graph node %.1f us", s.GraphMicros},
		{"linear %.1f TFLOP/s", s.LinearTFlops}, {s.BLAS + " %.1f TFLOP/s in TF32", s.BLASTFlops}} {
		if x.value > 0 {
			list = append(list, fmt.Sprintf(x.format, x.value))
		}
	}
	return strings.Join(list, ", ")
}
