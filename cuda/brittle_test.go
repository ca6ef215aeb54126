package cuda

import (
	"unsafe"

	"github.com/sluice-ml/sluice/cuda/driver"
)

// brittle is a driver one of whose calls fails, and that runs nothing: what a rollout downloads says that each lane has three rows.
type brittle struct {
	counting
	lanes  int
	at     int           // which call fails, counted from 1; 0: none
	only   string        // calls of this name alone are counted; "": all
	err    *driver.Error // what it fails with
	calls  []string      // made so far
	fault  int32         // that the second lane reports, of trajectory 7, step 8, action 9
	failed bool
}

func (b *brittle) Open(int) (driver.Context, error) {
	if err := b.next("Open"); err != nil {
		return nil, err
	}
	c, err := b.counting.Open(0)
	return &brittleContext{c.(*countingContext), b}, err
}

func (b *brittle) Version() (int, error) { return 12040, b.next("Version") }

func (b *brittle) Devices() ([]driver.Info, error) {
	if err := b.next("Devices"); err != nil {
		return nil, err
	}
	return b.counting.Devices()
}

// next is a call: nil, or the error.
func (b *brittle) next(call string) error {
	if b.only != "" && call != b.only {
		return nil
	}
	b.calls = append(b.calls, call)
	if len(b.calls) == b.at {
		b.failed = true
		return b.err
	}
	return nil
}

type brittleContext struct {
	*countingContext
	b *brittle
}

// also is next, and the value where that is nil.
func also[T any](b *brittle, call string, value func() (T, error)) (T, error) {
	if err := b.next(call); err != nil {
		var none T
		return none, err
	}
	return value()
}

func (c *brittleContext) MemInfo() (free, total int64, err error) {
	return 1 << 20, 2 << 20, c.b.next("MemInfo")
}
func (c *brittleContext) Free(driver.Ptr) error                    { return c.b.next("Free") }
func (c *brittleContext) FreeHost([]byte) error                    { return c.b.next("FreeHost") }
func (c *brittleContext) FreeEvent(driver.Event) error             { return c.b.next("FreeEvent") }
func (c *brittleContext) FreeGraph(driver.Graph) error             { return c.b.next("FreeGraph") }
func (c *brittleContext) FreeExec(driver.Exec) error               { return c.b.next("FreeExec") }
func (c *brittleContext) Sync(driver.Stream) error                 { return c.b.next("Sync") }
func (c *brittleContext) Record(driver.Event, driver.Stream) error { return c.b.next("Record") }
func (c *brittleContext) Replay(driver.Exec, driver.Stream) error  { return c.b.next("Replay") }
func (c *brittleContext) ToDevice(driver.Ptr, []byte, driver.Stream) error {
	return c.b.next("ToDevice")
}
func (c *brittleContext) Copy(_, _ driver.Ptr, _ int64, _ driver.Stream) error {
	return c.b.next("Copy")
}
func (c *brittleContext) Fill32(driver.Ptr, uint32, int64, driver.Stream) error {
	return c.b.next("Fill32")
}
func (c *brittleContext) Launch(driver.Func, driver.Dim, driver.Dim, int, driver.Stream, []byte) error {
	return c.b.next("Launch")
}
func (c *brittleContext) BeginCapture(s driver.Stream) error { return c.b.next("BeginCapture") }

func (c *brittleContext) Alloc(n int64) (driver.Ptr, error) {
	return also(c.b, "Alloc", func() (driver.Ptr, error) { return c.countingContext.Alloc(n) })
}
func (c *brittleContext) AllocHost(n int) ([]byte, error) {
	return also(c.b, "AllocHost", func() ([]byte, error) { return make([]byte, n), nil })
}
func (c *brittleContext) Load([]byte) (driver.Module, error) {
	return also(c.b, "Load", func() (driver.Module, error) { return 1, nil })
}
func (c *brittleContext) Function(m driver.Module, name string) (driver.Func, error) {
	return also(c.b, "Function", func() (driver.Func, error) { return c.countingContext.Function(m, name) })
}
func (c *brittleContext) Attributes(driver.Func) (driver.Attributes, error) {
	return also(c.b, "Attributes", func() (driver.Attributes, error) { return driver.Attributes{}, nil })
}
func (c *brittleContext) NewStream() (driver.Stream, error) {
	return also(c.b, "NewStream", func() (driver.Stream, error) { return 1, nil })
}
func (c *brittleContext) NewEvent() (driver.Event, error) {
	return also(c.b, "NewEvent", func() (driver.Event, error) { return 1, nil })
}
func (c *brittleContext) Elapsed(_, _ driver.Event) (float64, error) {
	return also(c.b, "Elapsed", func() (float64, error) { return 1, nil })
}
func (c *brittleContext) EndCapture(driver.Stream) (driver.Graph, error) {
	return also(c.b, "EndCapture", func() (driver.Graph, error) { return 1, nil })
}
func (c *brittleContext) Instantiate(driver.Graph) (driver.Exec, error) {
	return also(c.b, "Instantiate", func() (driver.Exec, error) { return 1, nil })
}
func (c *brittleContext) BLAS() (driver.BLAS, error) {
	return also(c.b, "BLAS", func() (driver.BLAS, error) { return brittleBLAS{c.b}, nil })
}

// ToHost fills with -1: no link, no fault, nobody alive; but in the lanes' counts.
func (c *brittleContext) ToHost(dst []byte, _ driver.Ptr, _ driver.Stream) error {
	if err := c.b.next("ToHost"); err != nil {
		return err
	}
	for i := range dst {
		dst[i] = 0xff
	}
	if lanes := c.b.lanes; len(dst) == 4*counts*lanes {
		clear(dst)
		words := unsafe.Slice((*int32)(unsafe.Pointer(&dst[0])), counts*lanes)
		for l := range lanes {
			words[countRows*lanes+l], words[countSteps*lanes+l] = 3, 3
		}
		if c.b.fault != 0 {
			copy(words[countFault*lanes+4:], []int32{c.b.fault, 7, 8, 9})
		}
	}
	return nil
}

type brittleBLAS struct{ b *brittle }

func (brittleBLAS) Name() string                            { return "brittle" }
func (brittleBLAS) Close() error                            { return nil }
func (x brittleBLAS) Gemm(driver.Stream, driver.Gemm) error { return x.b.next("Gemm") }
