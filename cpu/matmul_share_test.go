//go:build (amd64 || arm64) && !noasm

package cpu

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// helpers are packers that join whatever owner offers until stop; taken counts what they took.
func helpers(n int, owner *packer) (taken *atomic.Int64, stop func()) {
	var over atomic.Bool
	var all sync.WaitGroup
	taken = new(atomic.Int64)
	for range n {
		all.Go(func() {
			w := new(packer)
			for !over.Load() {
				if w.join(owner) {
					taken.Add(1)
				}
			}
		})
	}
	return taken, func() { over.Store(true); all.Wait() }
}

// A product has its bits whoever computes which rows, in every way that a block can be cut.
func TestSharedProduct(t *testing.T) {
	for _, on := range tiers() {
		if on == tierGo {
			continue
		}
		t.Run(on.String(), func(t *testing.T) {
			owner := &packer{shares: true}
			taken, stop := helpers(2, owner)
			defer stop()
			for seed, s := range []shape{
				{m: 256, n: 128, k: 80, tA: true, acc: true},                // a weight's gradient: A and B are packed
				{m: 65, n: 256, k: 128, tB: true, gate: true, packed: true}, // the gradient by a layer's input
				{m: 65, n: 256, k: 128, bias: true, relu: true, packed: true},
				{m: 40, n: 300, k: 200},                      // B where it is, its last panel padded
				{m: 112, n: 100, k: 600, bias: true, pad: 3}, // three blocks along k
				{m: 180, n: 60, k: 400, tA: true},            // A where it is though transposed
			} {
				agree(t, owner, on, s, uint64(seed))
			}
			for end := time.Now().Add(10 * time.Second); taken.Load() == 0 && time.Now().Before(end); { // on a busy machine nobody came
				agree(t, owner, on, shape{m: 256, n: 128, k: 128}, 1)
			}
			require.NotZero(t, taken.Load(), "nobody ever joined")
			require.Zero(t, owner.offer.left.Load())
			require.Nil(t, owner.offer.block.product, "an offer that is over keeps its matrices alive")
		})
	}
}

// The same for drawn shapes.
func TestSharedMatmul(t *testing.T) {
	on := detectTier()
	if on == tierGo {
		t.Skip("no kernels on this processor")
	}
	owner := &packer{shares: true}
	_, stop := helpers(2, owner)
	defer stop()
	rapid.Check(t, func(t *rapid.T) {
		s := shape{m: rapid.IntRange(1, 100).Draw(t, "m"), n: rapid.IntRange(1, 200).Draw(t, "n"), tA: rapid.Bool().Draw(t, "tA"),
			tB: rapid.Bool().Draw(t, "tB"), acc: rapid.Bool().Draw(t, "acc"), relu: rapid.Bool().Draw(t, "relu"),
			bias: rapid.Bool().Draw(t, "bias"), gate: rapid.Bool().Draw(t, "gate"), packed: rapid.Bool().Draw(t, "packed")}
		s.k = min(leastShared/(s.m*s.n)+rapid.IntRange(1, 100).Draw(t, "k"), 600)
		agree(t, owner, on, s, rapid.Uint64().Draw(t, "seed"))
	})
}

// Whoever waits for panels that another worker has taken leaves the processor to it.
func TestAnOwnerWaitsForThoseInside(t *testing.T) {
	on := detectTier()
	if on == tierGo {
		t.Skip("no kernels on this processor")
	}
	owner := &packer{shares: true}
	owner.offer.inside.Add(1) // somebody who is slow
	done := make(chan struct{})
	go func() {
		defer close(done)
		owner.matmul(on, shape{m: 256, n: 256, k: 64}.build(1))
	}()
	select {
	case <-done:
		require.Fail(t, "the product was over while somebody was at it")
	case <-time.After(20 * time.Millisecond):
	}
	owner.offer.inside.Add(-1)
	<-done
}

// A worker without a job of its own helps with another's products.
func TestWorkersWithoutAJobHelp(t *testing.T) {
	on := detectTier()
	if on == tierGo {
		t.Skip("no kernels on this processor")
	}
	p := newPool[float32](2)
	defer p.stop()
	for _, w := range p.workers {
		w.pack.shares = true // also on one processor
	}
	q := shape{m: 256, n: 256, k: 256, tA: true}.build(1)
	want := *q
	want.c = append([]float32(nil), q.c...)
	matmulDef(&want)
	packed := func(i int) bool { return len(p.workers[i].pack.panelsA) > 0 } // panels of A: then it took some
	both := false
	for end := time.Now().Add(10 * time.Second); !both && time.Now().Before(end); {
		p.workers[0].pack.panelsA, p.workers[1].pack.panelsA = nil, nil
		p.share(1, func(w *worker[float32], _ int) {
			w.pack.matmul(on, q)
		})
		sameBits(t, want.c, q.c, "")
		both = packed(0) && packed(1)
	}
	require.True(t, both, "one worker was always alone")
}
