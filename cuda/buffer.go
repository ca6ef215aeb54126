package cuda

import (
	"math"
	"runtime"

	"github.com/sluice-ml/sluice/graph"
)

// stageBytes is how much of a buffer goes over at a time.
const stageBytes = 1 << 20

var _ graph.Buffer = (*buffer)(nil)

// buffer is float32 device memory, read and written through float64. The contract has no errors here: what fails is kept by the device
// and returned by its next call, and a failed Read gives NaN.
type buffer struct {
	dev *device
	mem *arena
	a   array
	n   int
}

func (d *device) Alloc(n int) (graph.Buffer, error) {
	b := &buffer{dev: d, mem: &arena{o: d.o}, n: n}
	var failed error
	if err := d.o.do(func() { failed = b.mem.grow(&b.a, n, true) }); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	runtime.AddCleanup(b, (*arena).abandon, b.mem)
	return b, nil
}

func (b *buffer) Len() int { return b.n }

func (b *buffer) Write(src []float64, at int) {
	b.inside(at, len(src))
	b.dev.transfer(b, src, at, true)
}

func (b *buffer) Read(dst []float64, at int) {
	b.inside(at, len(dst))
	b.dev.transfer(b, dst, at, false)
}

func (b *buffer) inside(at, n int) {
	if at < 0 || at+n > b.n {
		panic("cuda: a range outside the buffer")
	}
}

// copying is a transfer under way; it lies in the device, so that a copy allocates nothing.
type copying struct {
	b     *buffer
	x     []float64
	at    int
	write bool
}

func (d *device) transfer(b *buffer, x []float64, at int, write bool) {
	d.copyMu.Lock()
	defer d.copyMu.Unlock()
	d.copy = copying{b, x, at, write}
	err := d.o.do(d.copyJob)
	d.copy = copying{}
	if err != nil && !write {
		for i := range x {
			x[i] = math.NaN()
		}
	}
}

func (d *device) copyAll() {
	o, c := d.o, &d.copy
	for i := 0; i < len(c.x) && o.failed == nil; {
		n := min(len(c.x)-i, stageBytes/4)
		f := as[float32](o.stage, n)
		if c.write {
			for j := range f {
				f[j] = float32(c.x[i+j])
			}
			o.toDevice(c.b.a.at(c.at+i), raw(f), o.stream[0])
			o.sync(o.stream[0])
		} else {
			o.toHost(raw(f), c.b.a.at(c.at+i), o.stream[0])
			o.sync(o.stream[0])
			for j, v := range f {
				c.x[i+j] = float64(v)
			}
		}
		i += n
	}
}
