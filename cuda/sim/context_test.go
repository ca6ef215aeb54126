package sim_test

import (
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/sim"
)

// This file is the simulated driver's refusals; what it does when nothing is wrong is cuda/driver/drivertest's.

// opened is a context on this thread, which the test keeps.
func opened(t *testing.T, cfg sim.Config) driver.Context {
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	c, err := sim.Driver(cfg).Open(0)
	require.NoError(t, err)
	return c
}

// refused says that a call failed with a code, and by what name.
func refused(t *testing.T, err error, code int, text string) {
	t.Helper()
	var e *driver.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code, "%v", e)
	require.ErrorContains(t, err, text)
}

func second[T any](_ T, err error) error { return err }

// calls are all that take part in a device's work, by name.
func calls(c driver.Context, h handles) map[string]error {
	_, _, info := c.MemInfo()
	b, err := c.BLAS()
	if err == nil {
		err = b.Gemm(h.s, driver.Gemm{M: 1, N: 1, K: 1, A: h.p, LDA: 1, B: h.p, LDB: 1, C: h.p, LDC: 1, Count: 1})
	}
	return map[string]error{
		"cuMemGetInfo": info, "cuMemAlloc of 4 bytes": second(c.Alloc(4)), "cuMemFree": c.Free(h.p), "cuMemAllocHost of 4 bytes": second(c.AllocHost(4)),
		"cuMemFreeHost": c.FreeHost(h.host), "cuMemcpyHtoDAsync": c.ToDevice(h.p, h.host, h.s), "cuMemcpyDtoHAsync": c.ToHost(h.host, h.p, h.s),
		"cuMemcpyDtoDAsync": c.Copy(h.p, h.p, 4, h.s), "cuMemsetD32Async": c.Fill32(h.p, 0, 1, h.s), "cuModuleLoadDataEx": second(c.Load(kernel(""))),
		"cuModuleUnload": c.Unload(h.m), "cuModuleGetFunction of k": second(c.Function(h.m, "k")), "cuFuncGetAttribute": second(c.Attributes(h.f)),
		"cuLaunchKernel": c.Launch(h.f, driver.Dim{}, driver.Dim{}, 0, h.s, make([]byte, 8)), "cuStreamCreate": second(c.NewStream()),
		"cuStreamDestroy": c.FreeStream(h.s), "cuStreamSynchronize": c.Sync(h.s), "cuEventCreate": second(c.NewEvent()), "cuEventDestroy": c.FreeEvent(h.e),
		"cuEventRecord": c.Record(h.e, h.s), "cuStreamWaitEvent": c.Wait(h.s, h.e), "cuEventElapsedTime": second(c.Elapsed(h.e, h.e)),
		"cuStreamBeginCapture": c.BeginCapture(h.s), "cuStreamEndCapture": second(c.EndCapture(h.s)), "cuGraphInstantiate": second(c.Instantiate(h.g)),
		"cuGraphDestroy": c.FreeGraph(h.g), "cuGraphExecDestroy": c.FreeExec(h.x), "cuGraphLaunch": c.Replay(h.x, h.s), "cublas": err,
	}
}

// handles are one of each kind.
type handles struct {
	p    driver.Ptr
	host []byte
	m    driver.Module
	f    driver.Func
	s    driver.Stream
	e    driver.Event
	g    driver.Graph
	x    driver.Exec
}

func furnished(t *testing.T, c driver.Context) (h handles) {
	var errs [9]error
	h.p, errs[0] = c.Alloc(64)
	h.host, errs[1] = c.AllocHost(4)
	h.m, errs[2] = c.Load(kernel("ld.global.u32 %r2, [%rd2];"))
	h.f, errs[3] = c.Function(h.m, "k")
	h.s, errs[4] = c.NewStream()
	h.e, errs[5] = c.NewEvent()
	errs[6] = c.BeginCapture(h.s)
	h.g, errs[7] = c.EndCapture(h.s)
	h.x, errs[8] = c.Instantiate(h.g)
	require.NoError(t, errors.Join(errs[:]...))
	return h
}

// From another thread every call is refused, and says which it was.
func TestAnotherThread(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("threads have no numbers here")
	}
	c := opened(t, sim.Config{})
	h := furnished(t, c)
	errs := make(chan map[string]error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		all := calls(c, h)
		all["cuDevicePrimaryCtxRelease"] = c.Close()
		errs <- all
	}()
	for call, err := range <-errs {
		refused(t, err, driver.InvalidContext, call)
	}
	require.NoError(t, c.Close())
}

// After a kernel failed every call is refused with its failure, whatever it is; the device can be given back.
func TestABrokenDevice(t *testing.T) {
	for _, c := range []struct {
		body, text string
		code       int
	}{
		{"ld.global.u32 %r2, [%rd1+64];", "out of bounds in kernel k", driver.IllegalAddress},
		{"ld.global.u32 %r2, [%rd1+2];", "misaligned access in kernel k", 716},
		{"trap;", "trap in kernel k", driver.LaunchFailed},
	} {
		ctx := opened(t, sim.Config{})
		h := furnished(t, ctx)
		m, err := ctx.Load(kernel(c.body))
		require.NoError(t, err)
		h.f, err = ctx.Function(m, "k")
		require.NoError(t, err)
		require.NoError(t, ctx.Launch(h.f, driver.Dim{}, driver.Dim{}, 0, h.s, binary.LittleEndian.AppendUint64(nil, uint64(h.p))), "it only enqueues")
		first := ctx.Sync(h.s)
		refused(t, first, c.code, "cuStreamSynchronize after cuLaunchKernel: ")
		require.ErrorContains(t, first, c.text)
		for call, err := range calls(ctx, h) {
			require.Equal(t, first, err, call)
		}
		require.NoError(t, ctx.Close())
	}
}

// Whoever waits for a failed stream by another way sees it, too.
func TestWaysToMeetAFailure(t *testing.T) {
	for name, wait := range map[string]func(c driver.Context, h handles) error{
		"free":         func(c driver.Context, h handles) error { return c.Free(h.p) },
		"unload":       func(c driver.Context, h handles) error { return c.Unload(h.m) },
		"close":        func(c driver.Context, h handles) error { return c.Close() },
		"free stream":  func(c driver.Context, h handles) error { return c.FreeStream(h.s) },
		"stream 0":     func(c driver.Context, h handles) error { _ = c.Fill32(h.p, 0, 1, 0); return c.Sync(0) },
		"a later copy": func(c driver.Context, h handles) error { _ = c.Fill32(h.p, 0, 1, h.s); return c.Sync(h.s) },
		"a replay":     func(c driver.Context, h handles) error { _ = c.Replay(h.x, h.s); return c.Sync(h.s) },
		"an event": func(c driver.Context, h handles) error {
			s, _ := c.NewStream()
			_ = c.Record(h.e, h.s)
			_ = c.Wait(s, h.e)
			return c.Sync(s)
		},
	} {
		c := opened(t, sim.Config{})
		h := furnished(t, c)
		require.NoError(t, c.Copy(h.p, h.p+64, 4, h.s))
		refused(t, wait(c, h), driver.IllegalAddress, "cuStreamSynchronize after cuMemcpyDtoDAsync")
		require.Error(t, c.Fill32(h.p, 0, 1, 0), name)
	}
	// In a captured graph as well.
	c := opened(t, sim.Config{})
	h := furnished(t, c)
	require.NoError(t, c.BeginCapture(h.s))
	require.NoError(t, c.Copy(h.p+64, h.p, 4, h.s))
	g, err := c.EndCapture(h.s)
	require.NoError(t, err)
	x, err := c.Instantiate(g)
	require.NoError(t, err)
	require.NoError(t, c.Replay(x, h.s))
	refused(t, c.Sync(h.s), driver.IllegalAddress, "after cuGraphLaunch")
}

// Handles that are none, or none any more.
func TestHandlesThatAreNone(t *testing.T) {
	c := opened(t, sim.Config{Memory: 1 << 20})
	h := furnished(t, c)
	const none = 999
	copied := handles{p: h.p, host: h.host, m: none, f: none, s: none, e: none, g: none, x: none}
	for call, err := range calls(c, copied) {
		switch call {
		case "cuMemGetInfo", "cuMemAlloc of 4 bytes", "cuMemFree", "cuMemAllocHost of 4 bytes", "cuMemFreeHost", "cuModuleLoadDataEx", "cuStreamCreate", "cuEventCreate":
			require.NoError(t, err, call)
		default:
			refused(t, err, driver.InvalidValue, call)
		}
	}
	refused(t, c.Free(h.p), driver.InvalidValue, "double free")
	refused(t, c.FreeHost(h.host), driver.InvalidValue, "cuMemFreeHost of what was not page-locked")
	refused(t, c.FreeStream(0), driver.InvalidValue, "cuStreamDestroy")
	refused(t, c.BeginCapture(0), driver.InvalidValue, "cuStreamBeginCapture")
	refused(t, second(c.Alloc(2<<20)), driver.OutOfMemory, "2097152 bytes asked")
	refused(t, second(c.Function(h.m, "q")), driver.NotFound, "cuModuleGetFunction of q")
	require.NoError(t, c.Unload(h.m))
	refused(t, second(c.Attributes(h.f)), driver.InvalidValue, "cuFuncGetAttribute")
	for _, free := range []error{c.FreeEvent(h.e), c.FreeExec(h.x), c.FreeGraph(h.g), c.FreeStream(h.s), c.Close()} {
		require.NoError(t, free)
	}
}

// A module may be no PTX, too new, too large, or hold what is not supported.
func TestModulesRefused(t *testing.T) {
	c := opened(t, sim.Config{Memory: 1 << 10})
	refused(t, second(c.Load([]byte(".version 6.3 ex2"))), driver.InvalidPTX, "ptx: line 1")
	refused(t, second(c.Load([]byte(".version 8.6\n"))), driver.UnsupportedPTX, "of PTX 8.6")
	refused(t, second(c.Load([]byte(".version 10.0\n"))), driver.UnsupportedPTX, "of PTX 10.0")
	refused(t, second(c.Load([]byte(".version 6.3\n.global .b8 x[2000];\n"))), driver.OutOfMemory, "2000 bytes asked")
	m, err := c.Load(kernel("bar.sync 3;"))
	require.NoError(t, err)
	refused(t, second(c.Function(m, "k")), driver.LaunchFailed, "only barrier 0")
	f, err := c.Load(kernel(""))
	require.NoError(t, err)
	k, err := c.Function(f, "k")
	require.NoError(t, err)
	refused(t, c.Launch(k, driver.Dim{}, driver.Dim{X: 129}, 0, 0, make([]byte, 8)), driver.InvalidValue, "launch refused in kernel k: a block of 129 threads, at most 128")
}

// What may not be done within a capture ends it; what may joins it.
func TestCaptures(t *testing.T) {
	c := opened(t, sim.Config{})
	h := furnished(t, c)
	spoils := map[string]func() error{
		"cuMemAlloc": func() error { return second(c.Alloc(4)) }, "cuMemFree": func() error { return c.Free(h.p) },
		"cuMemAllocHost": func() error { return second(c.AllocHost(4)) }, "cuMemFreeHost": func() error { return c.FreeHost(h.host) },
		"cuModuleLoadDataEx": func() error { return second(c.Load(kernel(""))) }, "cuModuleUnload": func() error { return c.Unload(h.m) },
		"cuStreamCreate": func() error { return second(c.NewStream()) }, "cuStreamDestroy": func() error { return c.FreeStream(h.s) },
		"cuStreamSynchronize": func() error { return c.Sync(0) }, "cuStreamBeginCapture": func() error { return c.BeginCapture(h.s) },
	}
	for call, f := range spoils {
		require.NoError(t, c.BeginCapture(h.s))
		refused(t, f(), driver.StreamCapture, call)
		refused(t, second(c.EndCapture(h.s)), 901, "cuStreamEndCapture")
	}
	// Another stream that waits for an event of the capture is in it, and its work runs in the order it came.
	other, err := c.NewStream()
	require.NoError(t, err)
	require.NoError(t, c.BeginCapture(h.s))
	refused(t, second(c.EndCapture(other)), driver.InvalidValue, "cuStreamEndCapture of what was not begun")
	require.NoError(t, c.Fill32(h.p, 1, 1, h.s))
	require.NoError(t, c.Record(h.e, h.s))
	require.NoError(t, c.Wait(other, h.e))
	require.NoError(t, c.Fill32(h.p, 2, 1, other))
	g, err := c.EndCapture(h.s)
	require.NoError(t, err)
	x, err := c.Instantiate(g)
	require.NoError(t, err)
	require.NoError(t, c.Fill32(h.p, 3, 1, h.s))
	require.NoError(t, c.ToHost(h.host, h.p, h.s))
	require.NoError(t, c.Sync(h.s))
	require.Equal(t, uint32(3), binary.LittleEndian.Uint32(h.host))
	require.NoError(t, c.Replay(x, h.s))
	require.NoError(t, c.ToHost(h.host, h.p, h.s))
	require.NoError(t, c.Sync(h.s))
	require.Equal(t, uint32(2), binary.LittleEndian.Uint32(h.host))
}

// A product's operands have to be there, whole; TF32 keeps what is no number.
func TestProductsOfMatrices(t *testing.T) {
	value := func(x float32) uint32 { return math.Float32bits(x) }
	for _, c := range []struct {
		name string
		g    driver.Gemm
		at   int // word that is out of bounds, -1 for none
	}{
		{"nothing", driver.Gemm{M: 0, N: 3, K: 1 << 30, Count: 1}, -1},
		{"a beyond the end", driver.Gemm{M: 2, N: 1, K: 1, LDA: 100, LDB: 1, LDC: 1, Count: 1}, 100},
		{"b beyond the end", driver.Gemm{M: 1, N: 1, K: 2, LDA: 2, LDB: 100, LDC: 1, Count: 1}, 100},
		{"c beyond the end", driver.Gemm{M: 2, N: 1, K: 1, LDA: 1, LDB: 1, LDC: 100, Count: 1}, 100},
		{"c beyond the end, added to", driver.Gemm{M: 2, N: 1, K: 1, LDA: 1, LDB: 1, LDC: 100, Beta: 1, Count: 1}, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := opened(t, sim.Config{})
			h := furnished(t, ctx)
			require.NoError(t, ctx.Fill32(h.p, value(1), 16, h.s))
			b, err := ctx.BLAS()
			require.NoError(t, err)
			require.NotEmpty(t, b.Name())
			c.g.A, c.g.B, c.g.C = h.p, h.p, h.p
			require.NoError(t, b.Gemm(h.s, c.g))
			if c.at < 0 {
				require.NoError(t, ctx.Sync(h.s))
			} else {
				refused(t, ctx.Sync(h.s), driver.IllegalAddress, "after cublasSgemm")
			}
			require.NoError(t, b.Close())
		})
	}
	ctx := opened(t, sim.Config{})
	h := furnished(t, ctx)
	b, err := ctx.BLAS()
	require.NoError(t, err)
	for _, g := range []driver.Gemm{{M: 1, N: 1, K: 3, LDA: 2, LDB: 1, LDC: 1}, {M: 3, N: 1, K: 1, TransA: true, LDA: 2, LDB: 1, LDC: 1},
		{M: 1, N: 3, K: 1, LDA: 1, LDB: 2, LDC: 3}, {M: 1, N: 3, K: 1, LDA: 1, LDB: 3, LDC: 2}} {
		refused(t, b.Gemm(h.s, g), driver.InvalidValue, "cublasSgemm of rows of 3 floats, 2 apart")
	}
	out := make([]byte, 4)
	for x, want := range map[uint32]uint32{value(1): value(1), 0x3f801000: 0x3f802000, 0x3f800fff: value(1), 0x7f800000: 0x7f800000, 0xbf803000: 0xbf804000} {
		require.NoError(t, ctx.Fill32(h.p, x, 1, h.s))
		require.NoError(t, ctx.Fill32(h.p+4, value(1), 1, h.s))
		require.NoError(t, b.Gemm(h.s, driver.Gemm{M: 1, N: 1, K: 1, A: h.p, LDA: 1, B: h.p + 4, LDB: 1, C: h.p + 8, LDC: 1, Count: 1, TF32: true}))
		require.NoError(t, ctx.ToHost(out, h.p+8, h.s))
		require.NoError(t, ctx.Sync(h.s))
		require.Equal(t, want, binary.LittleEndian.Uint32(out), "%#x", x)
	}
}

// Events that have not happened have no time between them; devices there are not cannot be opened.
func TestEventsAndDevices(t *testing.T) {
	c := opened(t, sim.Config{})
	h := furnished(t, c)
	refused(t, second(c.Elapsed(h.e, h.e)), driver.InvalidValue, "that have not happened")
	require.NoError(t, c.Record(h.e, h.s))
	refused(t, second(c.Elapsed(h.e, h.e)), driver.InvalidValue, "that have not happened")
	require.NoError(t, c.Sync(h.s))
	ms, err := c.Elapsed(h.e, h.e)
	require.NoError(t, err)
	require.Zero(t, ms)

	// Who waits for an event waits for what came before it, and for itself; not for what came after.
	other, err := c.NewStream()
	require.NoError(t, err)
	late, err := c.NewEvent()
	require.NoError(t, err)
	require.NoError(t, c.Fill32(h.p, 1, 1, h.s))
	require.NoError(t, c.Record(late, h.s))
	require.NoError(t, c.Fill32(h.p, 2, 1, h.s))
	require.NoError(t, c.Wait(other, late))
	require.NoError(t, c.ToHost(h.host, h.p, other))
	require.NoError(t, c.Sync(other))
	require.Equal(t, uint32(1), binary.LittleEndian.Uint32(h.host))
	ms, err = c.Elapsed(h.e, late)
	require.NoError(t, err)
	require.GreaterOrEqual(t, ms, 0.0)

	free, total, err := c.MemInfo()
	require.NoError(t, err)
	require.Equal(t, int64(64), total-free)

	drv := sim.Driver(sim.Config{Devices: 3, Memory: 5 << 20, Version: 11020})
	list, err := drv.Devices()
	require.NoError(t, err)
	require.Len(t, list, 3)
	require.Equal(t, int64(5<<20), list[2].Memory)
	v, err := drv.Version()
	require.NoError(t, err)
	require.Equal(t, 11020, v)
	for _, n := range []int{-1, 3} {
		refused(t, second(drv.Open(n)), 101, "of 3")
	}
	refused(t, second(sim.Driver(sim.Config{Devices: -1}).Open(0)), driver.NoDevice, "cuInit")
}
