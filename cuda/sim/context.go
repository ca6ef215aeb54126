package sim

import (
	"errors"
	"unsafe"

	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/ptx"
)

// context is an open device. Like a real one it belongs to a thread, and once a kernel has failed it refuses everything.
type context struct {
	m      *Machine
	thread int
	broken error
	handle uint64 // last handed out

	streams map[driver.Stream]*stream
	events  map[driver.Event]*event
	modules map[driver.Module]*Module
	funcs   map[driver.Func]*Kernel
	graphs  map[driver.Graph][]work
	execs   map[driver.Exec][]work
	pinned  map[*byte]bool
	queued  uint64 // pieces of work so far

	capturing driver.Stream // that began a capture
	capture   *captured     // nil outside
}

// enter begins a call: on the right thread, on a device that works.
func (c *context) enter(call string, args ...any) error {
	if thread() != c.thread {
		return failed(driver.InvalidContext, call, args...)
	}
	return c.broken
}

// enterUncaptured is enter for calls that may not be made within a capture, which they break.
func (c *context) enterUncaptured(call string, args ...any) error {
	if err := c.enter(call, args...); err != nil {
		return err
	}
	if c.capture != nil {
		c.capture.broken = true
		return failed(driver.StreamCapture, call, args...)
	}
	return nil
}

func (c *context) next() uint64 { c.handle++; return c.handle }

func (c *context) Close() error {
	if thread() != c.thread {
		return failed(driver.InvalidContext, "cuDevicePrimaryCtxRelease")
	}
	defer c.m.mem.card.close()
	if c.broken != nil {
		return nil // a broken device is given back all the same
	}
	return c.all()
}

func (c *context) MemInfo() (free, total int64, err error) {
	if err := c.enter("cuMemGetInfo"); err != nil {
		return 0, 0, err
	}
	free, _ = c.m.mem.card.take(0, c.m.cfg.Memory)
	return free, c.m.cfg.Memory, nil
}

func (c *context) Alloc(bytes int64) (driver.Ptr, error) {
	if err := c.enterUncaptured("cuMemAlloc of %d bytes", bytes); err != nil {
		return 0, err
	}
	p, err := c.m.Alloc(int(bytes))
	return driver.Ptr(p), because(err, "cuMemAlloc of %d bytes", bytes)
}

// Free waits for all that was queued, as cuMemFree does.
func (c *context) Free(p driver.Ptr) error {
	if err := c.enterUncaptured("cuMemFree"); err != nil {
		return err
	}
	if err := c.all(); err != nil {
		return err
	}
	if err := c.m.Free(uint64(p)); err != nil {
		e := failed(driver.InvalidValue, "cuMemFree")
		e.Detail = err.Error()
		return e
	}
	return nil
}

func (c *context) AllocHost(bytes int) ([]byte, error) {
	if err := c.enterUncaptured("cuMemAllocHost of %d bytes", bytes); err != nil {
		return nil, err
	}
	b := make([]byte, bytes)
	c.pinned[unsafe.SliceData(b)] = true
	return b, nil
}

func (c *context) FreeHost(b []byte) error {
	if err := c.enterUncaptured("cuMemFreeHost"); err != nil {
		return err
	}
	if !c.pinned[unsafe.SliceData(b)] {
		return failed(driver.InvalidValue, "cuMemFreeHost of what was not page-locked")
	}
	delete(c.pinned, unsafe.SliceData(b))
	return nil
}

func (c *context) Load(text []byte) (driver.Module, error) {
	if err := c.enterUncaptured("cuModuleLoadDataEx"); err != nil {
		return 0, err
	}
	m, err := c.m.Load(text)
	var wrong *ptx.Error
	if errors.As(err, &wrong) {
		e := failed(driver.InvalidPTX, "cuModuleLoadDataEx")
		e.Detail = err.Error()
		return 0, e
	}
	if err != nil {
		return 0, because(err, "cuModuleLoadDataEx")
	}
	if v := m.tree.Version; len(v) > 3 || v > "8.5" { // what CUDA 12.4 knows, and a little more
		return 0, failed(driver.UnsupportedPTX, "cuModuleLoadDataEx of PTX %s", v)
	}
	h := driver.Module(c.next())
	c.modules[h] = m
	return h, nil
}

func (c *context) Unload(h driver.Module) error {
	if err := c.enterUncaptured("cuModuleUnload"); err != nil {
		return err
	}
	m, ok := c.modules[h]
	if !ok {
		return failed(driver.InvalidValue, "cuModuleUnload")
	}
	if err := c.all(); err != nil {
		return err
	}
	for f, k := range c.funcs {
		if k.mod == m {
			delete(c.funcs, f)
		}
	}
	delete(c.modules, h)
	return nil
}

func (c *context) Function(h driver.Module, name string) (driver.Func, error) {
	if err := c.enter("cuModuleGetFunction of %s", name); err != nil {
		return 0, err
	}
	m, ok := c.modules[h]
	if !ok {
		return 0, failed(driver.InvalidValue, "cuModuleGetFunction of %s", name)
	}
	if m.tree.Kernel(name) == nil {
		return 0, failed(driver.NotFound, "cuModuleGetFunction of %s", name)
	}
	k, err := m.Kernel(name)
	if err != nil {
		return 0, because(err, "cuModuleGetFunction of %s", name)
	}
	f := driver.Func(c.next())
	c.funcs[f] = k
	return f, nil
}

func (c *context) Attributes(f driver.Func) (driver.Attributes, error) {
	if err := c.enter("cuFuncGetAttribute"); err != nil {
		return driver.Attributes{}, err
	}
	k, ok := c.funcs[f]
	if !ok {
		return driver.Attributes{}, failed(driver.InvalidValue, "cuFuncGetAttribute")
	}
	registers, shared, threads := k.Attributes()
	return driver.Attributes{Registers: min(registers, 255), Shared: shared, MaxThreads: threads}, nil
}

func (c *context) Launch(f driver.Func, grid, block driver.Dim, shared int, s driver.Stream, args []byte) error {
	if err := c.enter("cuLaunchKernel"); err != nil {
		return err
	}
	k, ok := c.funcs[f]
	if !ok {
		return failed(driver.InvalidValue, "cuLaunchKernel")
	}
	g, b := size(grid), size(block)
	if err := k.check(g, b, shared, args); err != nil {
		return because(err, "cuLaunchKernel of %s", k.tree.Name)
	}
	own := append([]byte(nil), args...)
	return c.enqueue(s, "cuLaunchKernel", func() error { return k.Launch(g, b, shared, own) })
}

func size(d driver.Dim) [3]int { return [3]int{max(d.X, 1), max(d.Y, 1), max(d.Z, 1)} }

func (c *context) ToDevice(dst driver.Ptr, src []byte, s driver.Stream) error {
	return c.enqueue(s, "cuMemcpyHtoDAsync", func() error { return c.m.Write(uint64(dst), src) })
}

func (c *context) ToHost(dst []byte, src driver.Ptr, s driver.Stream) error {
	return c.enqueue(s, "cuMemcpyDtoHAsync", func() error { return c.m.Read(dst, uint64(src)) })
}

func (c *context) Copy(dst, src driver.Ptr, bytes int64, s driver.Stream) error {
	return c.enqueue(s, "cuMemcpyDtoDAsync", func() error { return c.m.Copy(uint64(dst), uint64(src), int(bytes)) })
}

func (c *context) Fill32(dst driver.Ptr, value uint32, words int64, s driver.Stream) error {
	return c.enqueue(s, "cuMemsetD32Async", func() error { return c.m.Fill32(uint64(dst), value, int(words)) })
}
