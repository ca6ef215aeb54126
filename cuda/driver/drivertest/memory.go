package drivertest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/driver"
)

func memory(t *testing.T, b *bench) {
	const size = 32 << 20 // more than drivers take at a time
	before, total, err := b.MemInfo()
	b.ok(err)
	require.LessOrEqual(t, before, total)
	p, q := b.alloc(size), b.alloc(3)
	require.NotZero(t, p)
	require.NotZero(t, q)
	require.Zero(t, p%256)
	require.Zero(t, q%256)
	require.True(t, q+3 <= p || q >= p+size, "allocations overlap")
	during, _, err := b.MemInfo()
	b.ok(err)
	require.LessOrEqual(t, during, before-size)
	b.ok(b.Free(p))
	b.ok(b.Free(q))
	after, _, err := b.MemInfo()
	b.ok(err)
	require.GreaterOrEqual(t, after, during+size)
	refused(t, b.Free(p+64), "freeing what is no allocation")
}

func copies(t *testing.T, b *bench) {
	p, q := b.alloc(1000), b.alloc(1000)
	src := make([]byte, 1000)
	for i := range src {
		src[i] = byte(i * 7)
	}
	b.ok(b.ToDevice(p, src, 0))
	b.ok(b.Fill32(q, 0xa1b2c3d4, 250, 0))
	b.ok(b.Copy(q+4, p+100, 40, 0)) // a part, from the middle to the middle
	b.ok(b.ToDevice(p, nil, 0))     // nothing is no error
	b.ok(b.ToHost(nil, q, 0))
	b.ok(b.Copy(q, p, 0, 0))
	b.ok(b.Fill32(q, 0, 0, 0))
	whole, part := make([]byte, 1000), make([]byte, 48)
	b.ok(b.ToHost(whole, p, 0))
	b.ok(b.ToHost(part, q, 0))
	b.ok(b.Sync(0))
	require.Equal(t, src, whole)
	fill := []byte{0xd4, 0xc3, 0xb2, 0xa1}
	require.Equal(t, append(append(append([]byte{}, fill...), src[100:140]...), fill...), part)
}

func pageLocked(t *testing.T, b *bench) {
	h, err := b.AllocHost(4096)
	b.ok(err)
	require.Len(t, h, 4096)
	for i := range h {
		h[i] = byte(i >> 3)
	}
	p := b.alloc(4096)
	b.ok(b.ToDevice(p, h, 0))
	b.ok(b.Sync(0))
	want := append([]byte{}, h...)
	clear(h)
	b.ok(b.ToHost(h, p, 0))
	b.ok(b.Sync(0))
	require.Equal(t, want, h)
	b.ok(b.FreeHost(h))
}

func outOfMemory(t *testing.T, b *bench) {
	_, total, err := b.MemInfo()
	b.ok(err)
	_, err = b.Alloc(total + 1<<30)
	require.ErrorIs(t, err, driver.ErrOutOfMemory)
	require.Equal(t, driver.OutOfMemory, isError(t, err, "more than there is").Code)
	b.ok(b.Free(b.alloc(1 << 20))) // the device goes on
}

// lazy changes what an asynchronous copy reads, which a program must not do: the copy sees it.
func lazy(t *testing.T, b *bench) {
	p := b.alloc(4)
	s := b.stream()
	src, dst := pack(uint32(1)), pack(uint32(0))
	b.ok(b.ToDevice(p, src, s))
	b.ok(b.ToHost(dst, p, s))
	src[0] = 2
	require.Equal(t, pack(uint32(0)), dst, "the copy ran before it was waited for")
	b.ok(b.Sync(s))
	require.Equal(t, pack(uint32(2)), dst)
	b.ok(b.FreeStream(s))
}
