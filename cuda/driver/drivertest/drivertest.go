package drivertest

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/driver"
)

//go:embed kernels.ptx
var kernels []byte

// laws are Test's parts, in an order that lets the first failure explain the rest.
var laws = []struct {
	name string
	law  func(t *testing.T, d *bench)
}{
	{"memory", memory}, {"copies", copies}, {"page-locked memory", pageLocked}, {"out of memory", outOfMemory},
	{"module", module}, {"bad modules", badModules}, {"launch", launch}, {"bad launches", badLaunches}, {"attributes", attributes},
	{"stream order", streamOrder}, {"two streams", twoStreams}, {"elapsed", elapsed},
	{"capture", capture}, {"misused capture", misusedCapture}, {"another thread", anotherThread}, {"product", product},
}

// Test checks that a driver keeps the promises of driver.Context.
func Test(t *testing.T, drv driver.Driver) {
	t.Run("devices", func(t *testing.T) { devices(t, drv) })
	for _, l := range laws {
		t.Run(l.name, func(t *testing.T) { on(t, drv, l.law) })
	}
}

// Lazy checks that a driver runs work only when something waits for it, so that a host slice that changes too early shows.
func Lazy(t *testing.T, drv driver.Driver) { on(t, drv, lazy) }

// Fault checks that a kernel's failure comes back from the call that waits for it, and names the kernel. It may break the device.
func Fault(t *testing.T, drv driver.Driver) { on(t, drv, fault) }

// bench is an open device with the test's module on it.
type bench struct {
	driver.Context
	t      *testing.T
	module driver.Module
	funcs  map[string]driver.Func // asked for once: within a capture a driver may refuse
	broken bool                   // the device is expected to refuse everything from now on
}

// on runs a law on the first device, on a locked thread.
func on(t *testing.T, drv driver.Driver, law func(*testing.T, *bench)) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c, err := drv.Open(0)
	require.NoError(t, err)
	b := &bench{Context: c, t: t, funcs: map[string]driver.Func{}}
	defer func() { require.True(t, c.Close() == nil || b.broken) }()
	b.module, err = c.Load(kernels)
	require.NoError(t, err)
	law(t, b)
}

func devices(t *testing.T, drv driver.Driver) {
	require.NotEmpty(t, drv.Name())
	v, err := drv.Version()
	require.NoError(t, err)
	require.GreaterOrEqual(t, v, 10000, "PTX 6.3 needs CUDA 10.0")
	list, err := drv.Devices()
	require.NoError(t, err)
	require.NotEmpty(t, list)
	for _, d := range list {
		require.NotEmpty(t, d.Name)
		require.GreaterOrEqual(t, d.Major, 7, "the kernels are for sm_70")
		require.Less(t, d.Minor, 10)
		require.Positive(t, d.Memory)
		require.Positive(t, d.Multiprocessors)
		require.GreaterOrEqual(t, d.ThreadsPerBlock, 1024)
		require.GreaterOrEqual(t, d.SharedPerBlock, 48<<10)
	}
	_, err = drv.Open(len(list))
	refused(t, err, "a device that is not there")
}

// isError is the driver's error in err.
func isError(t *testing.T, err error, why string) *driver.Error {
	t.Helper()
	var e *driver.Error
	require.ErrorAs(t, err, &e, why)
	require.NotZero(t, e.Code, why)
	require.NotEmpty(t, e.Name, why)
	require.NotEmpty(t, e.Call, why)
	return e
}

// refused is isError where the code is the driver's own choice.
func refused(t *testing.T, err error, why string) {
	t.Helper()
	require.NotNil(t, isError(t, err, why))
}

// The rest are calls that must succeed.

func (b *bench) ok(err error) { b.t.Helper(); require.NoError(b.t, err) }

func (b *bench) alloc(bytes int64) driver.Ptr {
	b.t.Helper()
	p, err := b.Alloc(bytes)
	b.ok(err)
	return p
}

func (b *bench) function(name string) driver.Func {
	b.t.Helper()
	f, known := b.funcs[name]
	if !known {
		var err error
		f, err = b.Function(b.module, name)
		b.ok(err)
		b.funcs[name] = f
	}
	return f
}

func (b *bench) stream() driver.Stream {
	b.t.Helper()
	s, err := b.NewStream()
	b.ok(err)
	return s
}

// upload is device memory that holds x.
func (b *bench) upload(x []float32) driver.Ptr {
	b.t.Helper()
	p := b.alloc(int64(4 * len(x)))
	b.ok(b.ToDevice(p, pack(x), 0))
	b.ok(b.Sync(0))
	return p
}

// download waits for the stream and reads n floats.
func (b *bench) download(p driver.Ptr, n int, s driver.Stream) []float32 {
	b.t.Helper()
	raw := make([]byte, 4*n)
	b.ok(b.ToHost(raw, p, s))
	b.ok(b.Sync(s))
	x := make([]float32, n)
	_, err := binary.Decode(raw, binary.LittleEndian, x)
	b.ok(err)
	return x
}

// pack is the bytes of fields in order: a kernel's struct, or an array.
func pack(fields ...any) []byte {
	var buf bytes.Buffer
	for _, f := range fields {
		if err := binary.Write(&buf, binary.LittleEndian, f); err != nil {
			panic(err)
		}
	}
	return buf.Bytes()
}

// ramp is first, first+1, ...
func ramp(n int, first float32) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = first + float32(i)
	}
	return x
}
