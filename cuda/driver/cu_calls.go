//go:build linux && (cu || cuda) && (amd64 || arm64)

package driver

/*
#include <cuda.h>

// What gorgonia.org/cu does not have: kernels with a struct for their parameter, page-locked memory, captured graphs.

static int launch(void *f, const unsigned *dim, void *stream, void *args, size_t bytes) {
  void *extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, args, CU_LAUNCH_PARAM_BUFFER_SIZE, &bytes, CU_LAUNCH_PARAM_END};
  return cuLaunchKernel(f, dim[0], dim[1], dim[2], dim[3], dim[4], dim[5], dim[6], stream, 0, bytes ? extra : 0);
}
static int allocHost(void **p, size_t bytes) { return cuMemAllocHost(p, bytes); }
static int beginCapture(void *stream) { return cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL); }
static int endCapture(void *stream, void **graph) { return cuStreamEndCapture(stream, (CUgraph *)graph); }
static int instantiate(void *graph, void **exec) { return cuGraphInstantiateWithFlags((CUgraphExec *)exec, graph, 0); }
static int freeGraph(void *graph) { return cuGraphDestroy(graph); }
static int freeExec(void *exec) { return cuGraphExecDestroy(exec); }
static int replay(void *exec, void *stream) { return cuGraphLaunch(exec, stream); }
*/
import "C"

import (
	"unsafe"

	"gorgonia.org/cu"
)

// params is what a launch passes by address.
type params struct {
	args [maxParamBytes]byte
	dim  [7]C.uint // grid, block, shared bytes
}

func pointer[T ~uint64](h T) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&h)) }

func (l *lib) count() (int, int) {
	n, err := cu.NumDevices()
	return n, code(err)
}

func (l *lib) device(ordinal int) (int32, int) {
	d, err := cu.GetDevice(ordinal)
	return int32(d), code(err)
}

func (l *lib) name(device int32) (string, int) {
	s, err := cu.Device(device).Name()
	return s, code(err)
}

func (l *lib) totalMem(device int32) (int64, int) {
	n, err := cu.Device(device).TotalMem()
	return n, code(err)
}

func (l *lib) attribute(attr int, device int32) (int, int) {
	v, err := cu.Device(device).Attribute(cu.DeviceAttribute(attr))
	return v, code(err)
}

func (l *lib) retain(device int32) (uint64, int) {
	ctx, err := cu.Device(device).RetainPrimaryCtx()
	return handle(ctx), code(err)
}

func (l *lib) release(device int32) int { return code(cu.Device(device).ReleasePrimaryCtx()) }

func (l *lib) setCurrent(context uint64) int {
	return code(cu.SetCurrentContext(as[cu.CUContext](context)))
}

func (l *lib) memInfo() (free, total int64, status int) {
	free, total, err := cu.MemInfo()
	return free, total, code(err)
}

func (l *lib) alloc(bytes int64) (Ptr, int) {
	p, err := cu.MemAlloc(bytes)
	return Ptr(p), code(err)
}

func (l *lib) free(p Ptr) int { return code(cu.MemFree(cu.DevicePtr(p))) }

func (l *lib) allocHost(bytes int) ([]byte, int) {
	var p unsafe.Pointer
	if r := C.allocHost(&p, C.size_t(bytes)); r != 0 {
		return nil, int(r)
	}
	return unsafe.Slice((*byte)(p), bytes), 0
}

func (l *lib) freeHost(b []byte) int {
	return code(cu.MemFreeHost(unsafe.Pointer(unsafe.SliceData(b))))
}

func (l *lib) toDevice(dst Ptr, src []byte, s Stream) int {
	return code(cu.MemcpyHtoDAsync(cu.DevicePtr(dst), unsafe.Pointer(&src[0]), int64(len(src)), as[cu.Stream](uint64(s))))
}

func (l *lib) toHost(dst []byte, src Ptr, s Stream) int {
	return code(cu.MemcpyDtoHAsync(unsafe.Pointer(&dst[0]), cu.DevicePtr(src), int64(len(dst)), as[cu.Stream](uint64(s))))
}

func (l *lib) copy(dst, src Ptr, bytes int64, s Stream) int {
	return code(cu.MemcpyDtoDAsync(cu.DevicePtr(dst), cu.DevicePtr(src), bytes, as[cu.Stream](uint64(s))))
}

func (l *lib) fill32(dst Ptr, value uint32, words int64, s Stream) int {
	return code(cu.MemsetD32Async(cu.DevicePtr(dst), uint(value), words, as[cu.Stream](uint64(s))))
}

// load compiles a module; text ends in a zero byte, which cu adds itself, and so does what is in log afterwards.
func (l *lib) load(text, log []byte) (Module, int) {
	m, err := cu.LoadDataEx(string(text[:len(text)-1]), &cu.JITErrorLogBuffer{Buffer: log[:len(log)-1]})
	return Module(handle(m)), code(err)
}

func (l *lib) unload(m Module) int { return code(as[cu.Module](uint64(m)).Unload()) }

func (l *lib) function(m Module, name string) (Func, int) {
	f, err := as[cu.Module](uint64(m)).Function(name)
	return Func(handle(f)), code(err)
}

func (l *lib) funcAttribute(attr int, f Func) (int, int) {
	v, err := as[cu.Function](uint64(f)).Attribute(cu.FunctionAttribute(attr))
	return v, code(err)
}

func (c *context) launch(f Func, grid, block Dim, shared int, s Stream, args []byte) int {
	p := c.params
	n := copy(p.args[:], args)
	for i, d := range [...]int{grid.X, grid.Y, grid.Z, block.X, block.Y, block.Z, shared} {
		p.dim[i] = C.uint(d)
	}
	return int(C.launch(pointer(f), &p.dim[0], pointer(s), unsafe.Pointer(&p.args), C.size_t(n)))
}

func (l *lib) newStream() (Stream, int) {
	s, err := cu.MakeStream(cu.NonBlocking)
	return Stream(handle(s)), code(err)
}

func (l *lib) freeStream(s Stream) int {
	x := as[cu.Stream](uint64(s))
	return code(x.Destroy())
}

func (l *lib) sync(s Stream) int { return code(as[cu.Stream](uint64(s)).Synchronize()) }

func (l *lib) newEvent() (Event, int) {
	e, err := cu.MakeEvent(cu.DefaultEvent)
	return Event(handle(e)), code(err)
}

func (l *lib) freeEvent(e Event) int {
	x := as[cu.Event](uint64(e))
	return code(cu.DestroyEvent(&x))
}

func (l *lib) record(e Event, s Stream) int {
	return code(as[cu.Event](uint64(e)).Record(as[cu.Stream](uint64(s))))
}

func (l *lib) wait(s Stream, e Event) int {
	return code(as[cu.Stream](uint64(s)).Wait(as[cu.Event](uint64(e)), 0))
}

func (l *lib) elapsed(from, to Event) (float32, int) {
	ms, err := as[cu.Event](uint64(from)).Elapsed(as[cu.Event](uint64(to)))
	return float32(ms), code(err)
}

func (l *lib) beginCapture(s Stream) int { return int(C.beginCapture(pointer(s))) }

func (l *lib) endCapture(s Stream) (Graph, int) {
	var p unsafe.Pointer
	r := C.endCapture(pointer(s), &p)
	return Graph(uintptr(p)), int(r)
}

func (l *lib) instantiate(g Graph) (Exec, int) {
	var p unsafe.Pointer
	r := C.instantiate(pointer(g), &p)
	return Exec(uintptr(p)), int(r)
}

func (l *lib) freeGraph(g Graph) int       { return int(C.freeGraph(pointer(g))) }
func (l *lib) freeExec(x Exec) int         { return int(C.freeExec(pointer(x))) }
func (l *lib) replay(x Exec, s Stream) int { return int(C.replay(pointer(x), pointer(s))) }
