package drivertest

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/driver"
)

func module(t *testing.T, b *bench) {
	_, err := b.Function(b.module, "axpi")
	e := isError(t, err, "a kernel that is not there")
	require.Equal(t, driver.NotFound, e.Code)
	require.Contains(t, e.Error(), "axpi")
	m, err := b.Load(kernels) // a second time: handles of its own
	b.ok(err)
	require.NotEqual(t, b.module, m)
	b.ok(b.Unload(m))
	b.function("axpy") // the first is untouched
}

func badModules(t *testing.T, b *bench) {
	broken := bytes.Replace(kernels, []byte("add.rn.f32"), []byte("odd.rn.f32"), 1)
	require.NotEqual(t, kernels, broken)
	_, err := b.Load(broken)
	e := isError(t, err, "an instruction there is not")
	require.Equal(t, driver.InvalidPTX, e.Code)
	require.Contains(t, e.Detail, "odd", "the compiler's log")
	_, err = b.Load(bytes.Replace(kernels, []byte(".version 6.3"), []byte(".version 99.0"), 1))
	require.Contains(t, []int{driver.InvalidPTX, driver.UnsupportedPTX}, isError(t, err, "PTX of the future").Code)
}

func attributes(t *testing.T, b *bench) {
	a, err := b.Attributes(b.function("reverse"))
	b.ok(err)
	require.Equal(t, 512, a.Shared)
	require.Positive(t, a.Registers)
	require.Zero(t, a.LocalBytes)
	require.GreaterOrEqual(t, a.MaxThreads, 128)
	a, err = b.Attributes(b.function("axpy"))
	b.ok(err)
	require.Zero(t, a.Shared)
	require.Equal(t, 1024, a.MaxThreads)
}

// axpy enqueues y += a*x on n floats, with its arguments in a buffer that is then overwritten.
func (b *bench) axpy(s driver.Stream, x, y driver.Ptr, a float32, n int) {
	b.t.Helper()
	args := pack(x, y, a, int32(n))
	b.ok(b.Launch(b.function("axpy"), driver.Dim{X: (n + 63) / 64}, driver.Dim{X: 64}, 0, s, args))
	for i := range args {
		args[i] = 0xff
	}
}

func (b *bench) twice(s driver.Stream, x driver.Ptr, n int) {
	b.t.Helper()
	b.ok(b.Launch(b.function("twice"), driver.Dim{X: (n + 127) / 128, Y: 1}, driver.Dim{X: 128, Z: 1}, 0, s, pack(x, int32(n), int32(0))))
}

func launch(t *testing.T, b *bench) {
	const n = 1000
	x, y := b.upload(ramp(n, 1)), b.upload(ramp(n+24, -8))
	b.axpy(0, x, y, 0.5, n)
	want := ramp(n+24, -8) // the last 24 threads of the last block have nothing to do
	for i := range n {
		want[i] += 0.5 * float32(i+1)
	}
	require.Equal(t, want, b.download(y, n+24, 0))

	z := b.upload(ramp(256, 0))
	b.ok(b.Launch(b.function("reverse"), driver.Dim{X: 2}, driver.Dim{X: 128}, 0, 0, pack(z)))
	got := b.download(z, 256, 0)
	require.Equal(t, []float32{127, 126, 0, 255, 128}, []float32{got[0], got[1], got[127], got[128], got[255]})
}

func badLaunches(t *testing.T, b *bench) {
	x := b.upload(ramp(4, 0))
	args := pack(x, int32(4), int32(0))
	for _, bad := range []struct {
		why    string
		block  driver.Dim
		shared int
		args   []byte
	}{
		{"2,048 threads a block", driver.Dim{X: 2048}, 0, args},
		{"a gigabyte of shared memory", driver.Dim{X: 4}, 1 << 30, args},
		{"more arguments than there can be", driver.Dim{X: 4}, 0, make([]byte, 1<<16)},
	} {
		err := b.Launch(b.function("twice"), driver.Dim{X: 1}, bad.block, bad.shared, 0, bad.args)
		require.Contains(t, isError(t, err, bad.why).Error(), "twice", bad.why)
	}
	require.Equal(t, ramp(4, 0), b.download(x, 4, 0), "a refused launch ran")
}

func fault(t *testing.T, b *bench) {
	x := b.upload(ramp(4, 0))
	b.twice(0, x, 4)
	b.ok(b.Sync(0))
	b.broken = true
	err := b.Launch(b.function("poke"), driver.Dim{X: 1}, driver.Dim{X: 32}, 0, 0, pack(uint64(0x40), uint32(1), uint32(0)))
	if err == nil {
		err = b.Sync(0)
	}
	e := isError(t, err, "a write where no allocation is")
	require.Equal(t, driver.IllegalAddress, e.Code)
	require.Equal(t, "poke", e.Kernel)
	require.Contains(t, e.Error(), "kernel poke")
}
