package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"unsafe"

	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// This file is the one thread that talks to the driver.

// owner holds a context and the locked thread it is current on. It never points to the device, its buffers or its programs, so a device
// nobody closed can be collected.
type owner struct {
	drv    driver.Driver
	ctx    driver.Context
	module driver.Module
	funcs  [kernel.Count]driver.Func
	stream [2]driver.Stream // the second is for worlds that the host steps
	event  driver.Event
	blas   driver.BLAS // of the fast mode, nil elsewhere
	stage  []byte      // page-locked, for buffers that are read and written
	args   [512]byte   // a kernel's arguments
	lent   lent

	mu     sync.Mutex   // held by the caller of do
	broken *graph.Panic // of the job that ran last
	jobs   chan func()
	done   chan struct{}
	closed bool
	failed error // what a launch died of: nothing runs after it

	lost      sync.Mutex
	orphans   []driver.Ptr // of what was collected without Free
	orphaned  [][]byte
	forgotten bool // the context is gone, and all memory with it
}

var errClosed = errors.New("cuda: the device is closed")

// start makes the thread and runs first on it.
func start(drv driver.Driver, first func(*owner) error) (*owner, error) {
	o := &owner{drv: drv, jobs: make(chan func()), done: make(chan struct{}),
		lent: lent{memory: map[driver.Ptr]struct{}{}, pages: map[*byte][]byte{}, graphs: map[driver.Exec]struct{}{}}}
	go o.serve()
	if err := o.do(func() { o.failed = first(o) }); err != nil {
		_ = o.close() // a device that did not open, and err says why
		return nil, err
	}
	return o, nil
}

func (o *owner) serve() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for job := range o.jobs {
		o.guard(job)
		o.done <- struct{}{}
	}
	close(o.done)
}

// guard runs job and keeps what it panics with: a job steps worlds in Go. Copies under way are waited for, since the next job writes to the
// memory they read.
func (o *owner) guard(job func()) {
	defer func() {
		if v := recover(); v != nil {
			o.broken = &graph.Panic{Value: v, Stack: debug.Stack()}
			for _, s := range o.stream {
				if o.ctx != nil {
					o.sync(s)
				}
			}
		}
	}()
	job()
}

// do runs job on the thread and returns what it died of. A job that was bound once makes do allocate nothing.
func (o *owner) do(job func()) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return errClosed
	}
	if o.failed != nil {
		return fmt.Errorf("cuda: the device refuses work since it failed: %w", o.failed)
	}
	o.run(job)
	return o.failed
}

func (o *owner) run(job func()) {
	o.jobs <- job
	<-o.done
	if b := o.broken; b != nil {
		o.broken = nil
		panic(b)
	}
}

// close gives everything back and ends the thread. What was launched and not waited for may be what its error is about; of a device that
// failed nothing can be given back, and who used it has been told why.
func (o *owner) close() (err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil
	}
	o.closed = true
	o.lost.Lock()
	o.forgotten = true
	o.lost.Unlock()
	o.run(func() { err = o.giveBack() })
	close(o.jobs)
	<-o.done
	if o.failed != nil {
		return nil
	}
	return err
}

// check keeps the first error for good.
func (o *owner) check(err error) bool {
	if err != nil && o.failed == nil {
		o.failed = err
	}
	return o.failed == nil
}

// orphan remembers memory that nobody freed; the next allocation gives it back.
func (o *owner) orphan(list []driver.Ptr, host [][]byte) {
	o.lost.Lock()
	defer o.lost.Unlock()
	if !o.forgotten {
		o.orphans, o.orphaned = append(o.orphans, list...), append(o.orphaned, host...)
	}
}

// sweep frees what was orphaned.
func (o *owner) sweep() {
	o.lost.Lock()
	list, host := o.orphans, o.orphaned
	o.orphans, o.orphaned = nil, nil
	o.lost.Unlock()
	for _, p := range list {
		o.free(p)
	}
	for _, b := range host {
		o.freeHost(b)
	}
}

// launch enqueues one kernel. After an error it does nothing, so that a list of launches needs no checks between them.
func launch[A any](o *owner, k kernel.ID, grid kernel.Grid, s driver.Stream, args A) {
	launchDeep(o, k, grid, 1, s, args)
}

// launchDeep is launch of depth instructions, whose arguments args holds. Arguments that o.args has no room for are a mistake in package
// kernel, and would reach the device cut off.
func launchDeep[A any](o *owner, k kernel.ID, grid kernel.Grid, depth int, s driver.Stream, args A) {
	if o.failed != nil || grid.X == 0 || grid.Y == 0 {
		return
	}
	if unsafe.Sizeof(args) > uintptr(len(o.args)) {
		panic("cuda: kernel " + k.String() + " has more arguments than there is room for")
	}
	n := copy(o.args[:], unsafe.Slice((*byte)(unsafe.Pointer(&args)), unsafe.Sizeof(args)))
	o.check(o.ctx.Launch(o.funcs[k], driver.Dim{X: grid.X, Y: grid.Y, Z: depth}, driver.Dim{X: grid.Threads}, 0, s, o.args[:n]))
}

func (o *owner) toDevice(dst driver.Ptr, src []byte, s driver.Stream) {
	if o.failed == nil && len(src) > 0 {
		o.check(o.ctx.ToDevice(dst, src, s))
	}
}

func (o *owner) toHost(dst []byte, src driver.Ptr, s driver.Stream) {
	if o.failed == nil && len(dst) > 0 {
		o.check(o.ctx.ToHost(dst, src, s))
	}
}

func (o *owner) fill(dst driver.Ptr, words int, s driver.Stream) {
	if o.failed == nil && words > 0 {
		o.check(o.ctx.Fill32(dst, 0, int64(words), s))
	}
}

func (o *owner) sync(s driver.Stream) {
	if o.failed == nil {
		o.check(o.ctx.Sync(s))
	}
}

// raw is the bytes of a slice.
func raw[E any](x []E) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), len(x)*int(unsafe.Sizeof(x[0])))
}

// as is page-locked bytes as a slice of words.
func as[E int32 | uint32 | float32](b []byte, n int) []E {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*E)(unsafe.Pointer(&b[0])), n)
}
