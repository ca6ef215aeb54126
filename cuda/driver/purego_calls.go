//go:build (windows || (linux && !cu && !cuda)) && (amd64 || arm64)

package driver

import (
	"unsafe"

	"github.com/ebitengine/purego"
)

// params is what a launch passes by address; its bytes are copied there. It also holds the arguments of the calls that an iteration
// makes, since a list made for each of them would be an allocation, and the host memory of the newest copy.
type params struct {
	args  [maxParamBytes]byte
	size  uintptr
	extra [5]uintptr
	list  [11]uintptr
	host  unsafe.Pointer // keeps it on the heap: a stack may move before the driver reads
}

// quick is call without an allocation. Addresses among the arguments must be of the heap.
func (c *context) quick(f call, args [11]uintptr, n int) int {
	c.params.list = args
	r, _, _ := purego.SyscallN(c.fn[f], c.params.list[:n]...)
	return int(int32(r))
}

func (l *lib) init() int { return l.call(cuInit, 0) }

func (l *lib) version() (int, int) {
	v := new(int32)
	code := l.call(cuDriverGetVersion, uintptr(unsafe.Pointer(v)))
	return int(*v), code
}

func (l *lib) count() (int, int) {
	n := new(int32)
	code := l.call(cuDeviceGetCount, uintptr(unsafe.Pointer(n)))
	return int(*n), code
}

func (l *lib) device(ordinal int) (int32, int) {
	d := new(int32)
	code := l.call(cuDeviceGet, uintptr(unsafe.Pointer(d)), uintptr(ordinal))
	return *d, code
}

func (l *lib) name(device int32) (string, int) {
	b := new([nameBytes]byte)
	code := l.call(cuDeviceGetName, uintptr(unsafe.Pointer(b)), nameBytes-1, uintptr(device))
	return cString(&b[0]), code
}

func (l *lib) totalMem(device int32) (int64, int) {
	n := new(int64)
	code := l.call(cuDeviceTotalMem, uintptr(unsafe.Pointer(n)), uintptr(device))
	return *n, code
}

func (l *lib) attribute(attr int, device int32) (int, int) {
	v := new(int32)
	code := l.call(cuDeviceGetAttribute, uintptr(unsafe.Pointer(v)), uintptr(attr), uintptr(device))
	return int(*v), code
}

func (l *lib) retain(device int32) (uint64, int) {
	h := new(uint64)
	code := l.call(cuDevicePrimaryCtxRetain, uintptr(unsafe.Pointer(h)), uintptr(device))
	return *h, code
}

func (l *lib) release(device int32) int      { return l.call(cuDevicePrimaryCtxRelease, uintptr(device)) }
func (l *lib) setCurrent(context uint64) int { return l.call(cuCtxSetCurrent, uintptr(context)) }

func (l *lib) memInfo() (free, total int64, code int) {
	n := new([2]int64)
	code = l.call(cuMemGetInfo, uintptr(unsafe.Pointer(&n[0])), uintptr(unsafe.Pointer(&n[1])))
	return n[0], n[1], code
}

func (l *lib) alloc(bytes int64) (Ptr, int) {
	p := new(Ptr)
	code := l.call(cuMemAlloc, uintptr(unsafe.Pointer(p)), uintptr(bytes))
	return *p, code
}

func (l *lib) free(p Ptr) int { return l.call(cuMemFree, uintptr(p)) }

func (l *lib) allocHost(bytes int) ([]byte, int) {
	p := new(*byte)
	code := l.call(cuMemAllocHost, uintptr(unsafe.Pointer(p)), uintptr(bytes))
	if code != 0 {
		return nil, code
	}
	return unsafe.Slice(*p, bytes), 0
}

func (l *lib) freeHost(b []byte) int {
	return l.call(cuMemFreeHost, uintptr(unsafe.Pointer(unsafe.SliceData(b))))
}

func (c *context) toDevice(dst Ptr, src []byte, s Stream) int {
	c.params.host = unsafe.Pointer(&src[0])
	return c.quick(cuMemcpyHtoDAsync, [11]uintptr{uintptr(dst), uintptr(c.params.host), uintptr(len(src)), uintptr(s)}, 4)
}

func (c *context) toHost(dst []byte, src Ptr, s Stream) int {
	c.params.host = unsafe.Pointer(&dst[0])
	return c.quick(cuMemcpyDtoHAsync, [11]uintptr{uintptr(c.params.host), uintptr(src), uintptr(len(dst)), uintptr(s)}, 4)
}

func (c *context) copy(dst, src Ptr, bytes int64, s Stream) int {
	return c.quick(cuMemcpyDtoDAsync, [11]uintptr{uintptr(dst), uintptr(src), uintptr(bytes), uintptr(s)}, 4)
}

func (c *context) fill32(dst Ptr, value uint32, words int64, s Stream) int {
	return c.quick(cuMemsetD32Async, [11]uintptr{uintptr(dst), uintptr(value), uintptr(words), uintptr(s)}, 4)
}

// load compiles a module; text ends in a zero byte, and so does what is in log afterwards.
func (l *lib) load(text, log []byte) (Module, int) {
	const errorLogBuffer, errorLogBytes = 5, 6 // CUjit_option
	m := new(Module)
	options := &[2]uint32{errorLogBuffer, errorLogBytes}
	values := &[2]unsafe.Pointer{unsafe.Pointer(&log[0])}
	*(*uintptr)(unsafe.Pointer(&values[1])) = uintptr(len(log) - 1)
	code := l.call(cuModuleLoadDataEx, uintptr(unsafe.Pointer(m)), uintptr(unsafe.Pointer(&text[0])), 2,
		uintptr(unsafe.Pointer(options)), uintptr(unsafe.Pointer(values)))
	return *m, code
}

func (l *lib) unload(m Module) int { return l.call(cuModuleUnload, uintptr(m)) }

func (l *lib) function(m Module, name string) (Func, int) {
	f := new(Func)
	text := append([]byte(name), 0)
	code := l.call(cuModuleGetFunction, uintptr(unsafe.Pointer(f)), uintptr(m), uintptr(unsafe.Pointer(&text[0])))
	return *f, code
}

func (l *lib) funcAttribute(attr int, f Func) (int, int) {
	v := new(int32)
	code := l.call(cuFuncGetAttribute, uintptr(unsafe.Pointer(v)), uintptr(attr), uintptr(f))
	return int(*v), code
}

func (c *context) launch(f Func, grid, block Dim, shared int, s Stream, args []byte) int {
	const end, bufferPointer, bufferSize = 0, 1, 2 // CU_LAUNCH_PARAM_...
	p := c.params
	p.size = uintptr(copy(p.args[:], args))
	var extra uintptr
	if p.size > 0 {
		p.extra = [5]uintptr{bufferPointer, uintptr(unsafe.Pointer(&p.args)), bufferSize, uintptr(unsafe.Pointer(&p.size)), end}
		extra = uintptr(unsafe.Pointer(&p.extra))
	}
	return c.quick(cuLaunchKernel, [11]uintptr{uintptr(f), uintptr(grid.X), uintptr(grid.Y), uintptr(grid.Z),
		uintptr(block.X), uintptr(block.Y), uintptr(block.Z), uintptr(shared), uintptr(s), 0, extra}, 11)
}

func (l *lib) newStream() (Stream, int) {
	const nonBlocking = 1 // CU_STREAM_NON_BLOCKING
	s := new(Stream)
	code := l.call(cuStreamCreate, uintptr(unsafe.Pointer(s)), nonBlocking)
	return *s, code
}

func (l *lib) freeStream(s Stream) int { return l.call(cuStreamDestroy, uintptr(s)) }

func (c *context) sync(s Stream) int { return c.quick(cuStreamSynchronize, [11]uintptr{uintptr(s)}, 1) }

func (l *lib) newEvent() (Event, int) {
	e := new(Event)
	code := l.call(cuEventCreate, uintptr(unsafe.Pointer(e)), 0)
	return *e, code
}

func (l *lib) freeEvent(e Event) int { return l.call(cuEventDestroy, uintptr(e)) }

func (c *context) record(e Event, s Stream) int {
	return c.quick(cuEventRecord, [11]uintptr{uintptr(e), uintptr(s)}, 2)
}

func (c *context) wait(s Stream, e Event) int {
	return c.quick(cuStreamWaitEvent, [11]uintptr{uintptr(s), uintptr(e), 0}, 3)
}

func (l *lib) elapsed(from, to Event) (float32, int) {
	ms := new(float32)
	code := l.call(cuEventElapsedTime, uintptr(unsafe.Pointer(ms)), uintptr(from), uintptr(to))
	return *ms, code
}

func (l *lib) beginCapture(s Stream) int {
	const threadLocal = 1 // CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
	return l.call(cuStreamBeginCapture, uintptr(s), threadLocal)
}

func (l *lib) endCapture(s Stream) (Graph, int) {
	g := new(Graph)
	code := l.call(cuStreamEndCapture, uintptr(s), uintptr(unsafe.Pointer(g)))
	return *g, code
}

func (l *lib) instantiate(g Graph) (Exec, int) {
	x := new(Exec)
	code := l.call(cuGraphInstantiate, uintptr(unsafe.Pointer(x)), uintptr(g), 0, 0, 0)
	return *x, code
}

func (l *lib) freeGraph(g Graph) int { return l.call(cuGraphDestroy, uintptr(g)) }
func (l *lib) freeExec(x Exec) int   { return l.call(cuGraphExecDestroy, uintptr(x)) }

func (c *context) replay(x Exec, s Stream) int {
	return c.quick(cuGraphLaunch, [11]uintptr{uintptr(x), uintptr(s)}, 2)
}
