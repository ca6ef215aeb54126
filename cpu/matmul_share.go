//go:build (amd64 || arm64) && !noasm

// This file lets several workers compute one matrix product. Rows of C do not depend on each other, so whoever has nothing else to do
// takes some, and no bit shows who did.

package cpu

import (
	"runtime"
	"sync/atomic"
)

// offer is a block of a product, its rows up for the taking by panels. The owner fills block while left is 0, sets left, takes panels
// like everyone and then waits for those who are still inside.
type offer struct {
	_      [line]byte
	left   atomic.Int32 // panels nobody has taken; they are the last ones
	inside atomic.Int32 // workers but the owner who may be reading block
	_      [line]byte
	block  block
}

// run computes a block while its B stays in the second-level cache, alone or with whoever joins.
func (w *packer) run(b *block) {
	if !w.shares || b.m*b.n*b.k < leastShared {
		w.rows(b, 0, b.panels)
		return
	}
	o := &w.offer
	o.block = *b
	o.left.Store(int32(b.panels))
	defer o.close()
	w.take(o)
}

// close ends an offer, when all that is taken has been computed. Something is left only if a kernel has panicked, as an emulated one may.
func (o *offer) close() {
	o.left.Store(0)
	for tries := 0; o.inside.Load() > 0; tries++ {
		if tries > 1000 {
			runtime.Gosched() // the processor may be what the other waits for
		}
	}
	o.block = block{} // keeps no matrix alive
}

// join computes panels of owner's product and reports whether there were any.
func (w *packer) join(owner *packer) bool {
	o := &owner.offer
	if o.left.Load() == 0 {
		return false
	}
	o.inside.Add(1)
	defer o.inside.Add(-1)
	return o.left.Load() > 0 && w.take(o) // if something is left now, the owner cannot go on before this worker is out
}

// take computes panels until none is left and reports whether there were any.
func (w *packer) take(o *offer) (some bool) {
	b := o.block // a copy, which says where this worker's packed panels of A are
	for {
		from, to := o.next(&b)
		if from == to {
			break
		}
		w.rows(&b, from, to)
		some = true
	}
	w.args = tileArgs{}
	return some
}

// next takes panels [from, to), ever fewer of them, so that all are done at the same time.
func (o *offer) next(b *block) (from, to int) {
	for {
		left := o.left.Load()
		if left == 0 {
			return 0, 0
		}
		n := min(groupA, (left+2)/3)
		if o.left.CompareAndSwap(left, left-n) {
			return b.panels - int(left), b.panels - int(left-n)
		}
	}
}
