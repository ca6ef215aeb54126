//go:build linux && !cu && !cuda && (amd64 || arm64)

package driver_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/driver"
)

func second[T any](_ T, err error) error { return err }

// calls are all of a context's, each with something of its own that an error of it must say.
func calls(c driver.Context) map[string]func() error {
	return map[string]func() error{
		"cuMemGetInfo":                                func() error { _, _, err := c.MemInfo(); return err },
		"cuMemAlloc of 77 bytes":                      func() error { return second(c.Alloc(77)) },
		"cuMemFree of 0x100":                          func() error { return c.Free(0x100) },
		"cuMemAllocHost of 78 bytes":                  func() error { return second(c.AllocHost(78)) },
		"cuMemFreeHost of 3 bytes":                    func() error { return c.FreeHost(make([]byte, 3)) },
		"cuMemcpyHtoDAsync of 4 bytes to 0x200":       func() error { return c.ToDevice(0x200, make([]byte, 4), 0) },
		"cuMemcpyDtoHAsync of 5 bytes from 0x300":     func() error { return c.ToHost(make([]byte, 5), 0x300, 0) },
		"cuMemcpyDtoDAsync of 6 bytes from 0x5 to":    func() error { return c.Copy(4, 5, 6, 0) },
		"cuMemsetD32Async of 7 words at 0x400":        func() error { return c.Fill32(0x400, 1, 7, 0) },
		"cuModuleLoadDataEx of 8 bytes of PTX":        func() error { return second(c.Load(make([]byte, 8))) },
		"cuModuleUnload":                              func() error { return c.Unload(1) },
		"cuModuleGetFunction of other":                func() error { return second(c.Function(1, "other")) },
		"cuFuncGetAttribute 0 of kernel":              func() error { return second(c.Attributes('k')) },
		"cuLaunchKernel of kernel, grid {3 1 1}, blo": func() error { return c.Launch('k', driver.Dim{X: 3}, driver.Dim{}, 0, 0, nil) },
		"cuStreamCreate":                              func() error { return second(c.NewStream()) },
		"cuStreamDestroy":                             func() error { return c.FreeStream(1) },
		"cuStreamSynchronize":                         func() error { return c.Sync(1) },
		"cuEventCreate":                               func() error { return second(c.NewEvent()) },
		"cuEventDestroy":                              func() error { return c.FreeEvent(1) },
		"cuEventRecord":                               func() error { return c.Record(1, 1) },
		"cuStreamWaitEvent":                           func() error { return c.Wait(1, 1) },
		"cuEventElapsedTime":                          func() error { return second(c.Elapsed(1, 2)) },
		"cuStreamBeginCapture":                        func() error { return c.BeginCapture(1) },
		"cuStreamEndCapture":                          func() error { return second(c.EndCapture(1)) },
		"cuGraphInstantiate":                          func() error { return second(c.Instantiate(1)) },
		"cuGraphDestroy":                              func() error { return c.FreeGraph(1) },
		"cuGraphExecDestroy":                          func() error { return c.FreeExec(1) },
		"cuGraphLaunch":                               func() error { return c.Replay(1, 1) },
		"cuCtxSetCurrent of no context":               c.Close,
	}
}

// Every call returns what the driver answers, as an error that says the call.
func TestEveryCallCanFail(t *testing.T) {
	drv, c := working().open(t)
	require.NoError(t, second(c.Function(1, "kernel")))
	for _, code := range []int{0, 42} {
		driver.Set(drv, "fake_code", int32(code))
		for says, call := range calls(c) {
			err := call()
			if code == 0 {
				require.NoError(t, err, says)
				continue
			}
			var e *driver.Error
			require.ErrorAs(t, err, &e, says)
			require.Equal(t, code, e.Code, says)
			require.Contains(t, e.Call, says)
			require.Equal(t, "an error without a name", e.Name)
		}
	}
	require.ErrorContains(t, second(drv.Version()), "cuDriverGetVersion")
}

// Finding and opening a device may fail at each call.
func TestDevicesAtEachCall(t *testing.T) {
	drv, err := driver.OpenLibrary(working().build(t))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		call  func() error
		steps []string
	}{
		"Devices": {func() error { return second(drv.Devices()) }, []string{"cuDeviceGetCount", "cuDeviceGet of device 0",
			"cuDeviceGetName of device 0", "cuDeviceTotalMem of device 0", "cuDeviceGetAttribute 75 of device 0", "cuDeviceGetAttribute 76"}},
		"Open": {func() error { return second(drv.Open(3)) }, []string{"cuDeviceGet of device 3",
			"cuDevicePrimaryCtxRetain of device 3", "cuCtxSetCurrent of device 3"}},
	} {
		for after, says := range c.steps {
			driver.Set(drv, "fake_after", int32(after))
			driver.Set(drv, "fake_code", 42)
			require.ErrorContains(t, c.call(), says, name)
			driver.Set(drv, "fake_code", 0)
		}
		require.NoError(t, c.call())
	}
	require.EqualValues(t, 1, driver.Read(drv, "fake_held"), "an Open that failed keeps the context")
}

// What the driver would be asked for nothing, it is not asked.
func TestNothingIsNoCall(t *testing.T) {
	drv, c := working().open(t)
	driver.Set(drv, "fake_code", 42)
	require.NoError(t, c.ToDevice(1, nil, 0))
	require.NoError(t, c.ToHost(nil, 1, 0))
	require.NoError(t, c.Copy(1, 2, 0, 0))
	require.NoError(t, c.Fill32(1, 2, 0, 0))
}

// A kernel's failure comes back from a later call. The driver does not say whose it is: the error says what was launched.
func TestWhoFailed(t *testing.T) {
	drv, c := working().open(t)
	a, err := c.Function(1, "adam")
	require.NoError(t, err)
	b, err := c.Function(1, "bias")
	require.NoError(t, err)
	one := driver.Dim{}
	launch := func(f driver.Func, s driver.Stream) { require.NoError(t, c.Launch(f, one, one, 0, s, nil)) }
	fails := func(code int32, call func() error) *driver.Error {
		driver.Set(drv, "fake_code", code)
		defer driver.Set(drv, "fake_code", 0)
		var e *driver.Error
		require.ErrorAs(t, call(), &e)
		return e
	}
	sync := func() error { return c.Sync(1) }

	require.Empty(t, fails(719, sync).Kernel, "nothing was launched")
	launch(a, 1)
	e := fails(719, sync)
	require.Equal(t, "adam", e.Kernel)
	require.Empty(t, e.Detail)
	require.Equal(t, "cuda: cuStreamSynchronize: CUDA_ERROR_LAUNCH_FAILED (719): kernel adam", e.Error())

	launch(a, 1)
	launch(b, 1)
	e = fails(700, func() error { return second(c.Alloc(1)) })
	require.Equal(t, "bias", e.Kernel, "the last of them")
	require.Contains(t, e.Detail, "one of the 2 launched before it")

	e = fails(719, func() error { return c.Launch(a, one, one, 0, 1, nil) })
	require.Equal(t, "bias", e.Kernel, "the one being launched has not run")
	e = fails(1, func() error { return c.Launch(a, one, one, 0, 1, nil) })
	require.Equal(t, "adam", e.Kernel, "a refused launch is its own fault")
	require.Empty(t, fails(1, sync).Kernel, "not a kernel's")
	require.Empty(t, fails(712, sync).Kernel, "about host memory")
	require.Equal(t, "bias", fails(716, sync).Kernel, "a misaligned address")

	require.NoError(t, sync())
	e = fails(719, sync)
	require.Empty(t, e.Kernel+e.Detail, "the stream was idle")

	launch(a, 1)
	launch(b, 2)
	require.NoError(t, sync())
	require.Equal(t, "bias", fails(719, sync).Kernel, "the other stream still runs")
	require.NoError(t, c.Sync(2))
	require.Empty(t, fails(719, sync).Kernel, "both were idle")

	require.NoError(t, c.Replay(1, 1))
	e = fails(719, sync)
	require.Empty(t, e.Kernel)
	require.Contains(t, e.Detail, "captured graph")
}

func TestTooManyArguments(t *testing.T) {
	_, c := working().open(t)
	require.NoError(t, c.Launch(1, driver.Dim{}, driver.Dim{}, 0, 0, make([]byte, driver.MaxParamBytes)))
	err := c.Launch(1, driver.Dim{}, driver.Dim{}, 0, 0, make([]byte, driver.MaxParamBytes+1))
	require.ErrorContains(t, err, "4097 bytes of arguments")
}

// What an iteration calls allocates nothing.
func TestCallsAllocateNothing(t *testing.T) {
	_, c := working().open(t)
	args, host := make([]byte, 64), make([]byte, 1024)
	for name, call := range map[string]func() error{
		"Launch":   func() error { return c.Launch(1, driver.Dim{X: 9}, driver.Dim{X: 128}, 0, 1, args) },
		"Replay":   func() error { return c.Replay(1, 1) },
		"ToDevice": func() error { return c.ToDevice(256, host, 1) },
		"ToHost":   func() error { return c.ToHost(host, 256, 1) },
		"Copy":     func() error { return c.Copy(256, 512, 4, 1) },
		"Fill32":   func() error { return c.Fill32(256, 0, 4, 1) },
		"Sync":     func() error { return c.Sync(1) },
		"Record":   func() error { return c.Record(1, 1) },
		"Wait":     func() error { return c.Wait(1, 1) },
	} {
		var err error
		require.Zero(t, testing.AllocsPerRun(100, func() { err = call() }), name)
		require.NoError(t, err)
	}
}

// What the binding adds to a launch, the driver doing nothing.
func BenchmarkLaunch(b *testing.B) {
	_, c := working().open(b)
	args := make([]byte, 64)
	for b.Loop() {
		if err := c.Launch(1, driver.Dim{X: 9}, driver.Dim{X: 128}, 0, 1, args); err != nil {
			b.Fatal(err)
		}
	}
}
