package drivertest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/driver"
)

func capture(t *testing.T, b *bench) {
	const n = 200
	s := b.stream()
	x, y := b.upload(ramp(n, 1)), b.upload(make([]float32, n))
	src, err := b.AllocHost(4)
	b.ok(err)
	copy(src, pack(float32(100)))

	b.twice(s, x, 0) // a driver that loads a kernel at its first launch may not do that within a capture
	b.axpy(s, x, y, 1, 0)
	b.ok(b.Sync(s))
	b.ok(b.BeginCapture(s))
	b.twice(s, x, n)
	b.axpy(s, x, y, 1, n)
	b.ok(b.Copy(x+4*(n-1), y, 4, s))
	b.ok(b.ToDevice(x, src, s)) // read when it is replayed
	g, err := b.EndCapture(s)
	b.ok(err)
	require.Equal(t, ramp(n, 1), b.download(x, n, s), "captured work ran")
	run, err := b.Instantiate(g)
	b.ok(err)
	b.ok(b.FreeGraph(g)) // an instance stands alone

	wantX, wantY := ramp(n, 1), make([]float32, n)
	for replay := range 3 {
		copy(src, pack(float32(replay)))
		b.ok(b.Replay(run, s))
		for i := range wantX {
			wantX[i] = 2*wantX[i] + 1
			wantY[i] += wantX[i]
		}
		wantX[n-1], wantX[0] = wantY[0], float32(replay)
		require.Equal(t, wantX, b.download(x, n, s), "replay %d", replay)
	}
	require.Equal(t, wantY, b.download(y, n, s))
	b.ok(b.FreeExec(run))
	b.twice(s, y, n) // and the stream runs again
	require.Equal(t, 2*wantY[5]+1, b.download(y, n, s)[5])
	b.ok(b.FreeStream(s))
	b.ok(b.FreeHost(src))
}

// A stream that captures cannot be waited for; the capture is lost, the stream is not.
func misusedCapture(t *testing.T, b *bench) {
	s := b.stream()
	x := b.upload(ramp(8, 1))
	refused(t, second(b.EndCapture(s)), "ending what was not begun")
	b.twice(s, x, 0)
	b.ok(b.BeginCapture(s))
	b.twice(s, x, 8)
	require.Equal(t, driver.StreamCapture, isError(t, b.Sync(s), "waiting for a capture").Code)
	refused(t, second(b.EndCapture(s)), "ending a capture that was broken")
	require.Equal(t, ramp(8, 1), b.download(x, 8, s))
	b.ok(b.FreeStream(s))
}

func second[T any](_ T, err error) error { return err }
