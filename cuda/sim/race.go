package sim

// This file finds data races: two accesses to a word, one of them a write and not both atomic, that no barrier orders. Within a block
// bar.sync orders everything before it before everything after; within a warp so do the warp-synchronous instructions; different
// blocks of a launch are never ordered.

// access is who touched a word last.
type access struct {
	launch uint32 // 0: nobody
	thread int32  // within the grid; several: threads of more than one warp read it
	epoch  uint32 // barriers of the block so far, and synchronisations of the warp in the low bits
	atomic bool
	many   bool // thread is one of its warp's that read it
}

const (
	anywhere  = -1 // threads of more than one block
	several   = -2 // several - b: threads of block b
	epochBits = 12
)

func (w *warp) orderless(a access, me int32, epoch uint32, atomic, shared bool) bool {
	if a.launch != w.b.k.mod.m.launches || a.thread == me && !a.many || atomic && a.atomic {
		return false
	}
	number := int32(w.b.number)
	block := number * maxThreads
	sameBar := a.epoch>>epochBits == epoch>>epochBits
	switch {
	case a.thread == anywhere:
		return true
	case a.thread < 0:
		return several-a.thread != number || sameBar
	case a.thread < block || a.thread >= block+maxThreads:
		return true
	case !sameBar:
		return false
	}
	return a.thread/32 != me/32 || a.epoch == epoch
}

// touch checks an access of n bytes, a multiple of words, against those before and records it.
func (w *warp) touch(c *cells, at, n uint64, lane int, write, atomic, shared bool) {
	me := int32(w.b.number*maxThreads + w.id*32 + lane)
	epoch := w.b.epoch<<epochBits | w.epoch&(1<<epochBits-1)
	launch := w.b.k.mod.m.launches
	for word := at / 4; word <= (at+n-1)/4; word++ {
		if a := c.wrote[word]; w.orderless(a, me, epoch, atomic, shared) {
			w.fault(Race, lane, "word %d was written by thread %d of block %d, and nothing lies between", word, a.thread%maxThreads, a.thread/maxThreads)
		}
		r := &c.read[word]
		if !write {
			*r = r.reader(launch, me, epoch)
			continue
		}
		if w.orderless(*r, me, epoch, false, shared) {
			w.fault(Race, lane, "word %d was read by another thread (%d), and nothing lies between", word, r.thread%maxThreads)
		}
		c.wrote[word] = access{launch: launch, thread: me, epoch: epoch, atomic: atomic}
	}
}

// reader is who has read a word once thread me of this launch has read it too. Readers before a barrier are ordered before what comes
// after it, so within a block only those since the last one count.
func (r *access) reader(launch uint32, me int32, epoch uint32) access {
	now := access{launch: launch, thread: me, epoch: epoch}
	number := me / maxThreads
	before := r.thread / maxThreads
	if r.thread < 0 {
		before = several - r.thread
	}
	switch {
	case r.launch != launch || r.thread == me && !r.many:
	case r.thread == anywhere || before != number:
		now.thread = anywhere
	case r.epoch>>epochBits != epoch>>epochBits:
	case r.thread >= 0 && r.thread/32 == me/32:
		now.many = true
	default:
		now.thread = several - number
	}
	return now
}
