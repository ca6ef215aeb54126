package drivertest

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/driver"
)

// A stream's work runs in the order it was asked for, without waiting in between.
func streamOrder(t *testing.T, b *bench) {
	const n = 300
	x, y := b.alloc(4*n), b.alloc(4*n)
	s := b.stream()
	host, back := pack(ramp(n, 1)), make([]byte, 4*n)
	b.ok(b.ToDevice(x, host, s))
	b.ok(b.Fill32(y, 0, n, s))
	b.twice(s, x, n)       // x = 2i+1
	b.axpy(s, x, y, 1, n)  // y = x
	b.twice(s, x, n)       // x = 4i+3
	b.axpy(s, x, y, 10, n) // y = x' + 10 x
	b.ok(b.ToHost(back, y, s))
	b.ok(b.Sync(s))
	want := make([]float32, n)
	for i := range want {
		v := float32(i + 1)
		want[i] = 2*v + 1 + 10*(4*v+3)
	}
	require.Equal(t, pack(want), back)
	b.ok(b.FreeStream(s))
}

// An event makes one stream wait for another: each hands x to the other and back.
func twoStreams(t *testing.T, b *bench) {
	const n, rounds = 64, 5
	s := []driver.Stream{b.stream(), b.stream()}
	require.NotEqual(t, s[0], s[1])
	x := b.alloc(4 * n)
	host := pack(ramp(n, 0))
	b.ok(b.ToDevice(x, host, s[0]))
	want := ramp(n, 0)
	for r := range rounds {
		e, err := b.NewEvent()
		b.ok(err)
		b.ok(b.Record(e, s[r%2]))
		b.ok(b.Wait(s[(r+1)%2], e))
		b.twice(s[(r+1)%2], x, n)
		b.ok(b.FreeEvent(e)) // what was recorded stays
		for i := range want {
			want[i] = 2*want[i] + 1
		}
	}
	require.Equal(t, want, b.download(x, n, s[rounds%2]))
	b.ok(b.FreeStream(s[0]))
	b.ok(b.FreeStream(s[1]))
}

func elapsed(t *testing.T, b *bench) {
	from, err := b.NewEvent()
	b.ok(err)
	to, err := b.NewEvent()
	b.ok(err)
	x := b.upload(ramp(1000, 0))
	b.ok(b.Record(from, 0))
	b.twice(0, x, 1000)
	b.ok(b.Record(to, 0))
	b.ok(b.Sync(0))
	ms, err := b.Elapsed(from, to)
	b.ok(err)
	require.GreaterOrEqual(t, ms, 0.0)
	require.Less(t, ms, 10e3)
	b.ok(b.FreeEvent(from))
	b.ok(b.FreeEvent(to))
}

// A context is current on the thread that opened it alone: the mistake of a goroutine that moved.
func anotherThread(t *testing.T, b *bench) {
	errs := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends here
		_, err := b.Alloc(16)
		errs <- err
	}()
	require.Equal(t, driver.InvalidContext, isError(t, <-errs, "a call from another thread").Code)
}
