package sim

import (
	"math"
	"math/bits"
)

// This file is the scheduler: blocks, warps, and the lanes of a warp that stand at one instruction.
//
// Every lane has its own place in the code. A step takes the lanes at one place (the first in the code, or one the seed picks) and runs
// them to the next branch that parts them or place where others stand, which is a legal order under independent thread scheduling
// and joins what was parted by itself.

type block struct {
	k      *Kernel
	dim    [3]int
	n      int // threads
	grid   [3]int
	params []byte
	count  *Counters
	left   uint64 // warp instructions the launch may still run

	id     [3]int
	number int
	epoch  uint32 // barriers so far
	shared cells
	warps  []*warp
}

type warp struct {
	b      *block
	id     int
	narrow [][32]uint32
	wide   [][32]uint64
	preds  []uint32
	at     [32]int32
	alive  uint32
	atBar  uint32 // wait at the block's barrier
	atSync uint32 // wait at a warp-synchronous instruction
	epoch  uint32 // synchronisations so far
	cur    *instr
}

// block is one of the shape, from the launch before if it had the same.
func (k *Kernel) block(dim [3]int, shared int) *block {
	size := k.tree.SharedSize + shared
	if b := k.blk; b != nil && b.dim == dim && len(b.shared.data) == size {
		return b
	}
	b := &block{k: k, dim: dim, n: dim[0] * dim[1] * dim[2], shared: newCells(size, &k.mod.m.cfg)}
	for i := range (b.n + 31) / 32 {
		w := &warp{b: b, id: i, narrow: make([][32]uint32, k.narrow), wide: make([][32]uint64, k.wide), preds: make([]uint32, k.preds)}
		for _, c := range k.constants {
			for l := range 32 {
				if c.wide {
					w.wide[c.slot][l] = c.value
				} else {
					w.narrow[c.slot][l] = uint32(c.value)
				}
			}
		}
		b.warps = append(b.warps, w)
	}
	k.blk = b
	return b
}

// run runs block number n.
func (b *block) run(n int) {
	b.number = n
	b.id = [3]int{n % b.grid[0], n / b.grid[0] % b.grid[1], n / b.grid[0] / b.grid[1]}
	b.epoch = 0
	clear(b.shared.init)
	clear(b.shared.wrote)
	clear(b.shared.read)
	for _, w := range b.warps {
		w.begin()
	}
	m := b.k.mod.m
	for {
		first, ran, live := m.pick(len(b.warps)), false, false
		for i := range b.warps {
			w := b.warps[(first+i)%len(b.warps)]
			if w.alive&^w.atBar != 0 {
				w.run()
				ran = true
			}
			live = live || w.alive != 0
		}
		if !live {
			return
		}
		if !ran { // everyone alive is at the barrier
			for _, w := range b.warps {
				w.atBar = 0
			}
			b.epoch++
			b.count.Barriers++
		}
	}
}

func (w *warp) begin() {
	w.alive, w.atBar, w.atSync, w.epoch = full, 0, 0, 0
	if n := w.b.n - 32*w.id; n < 32 {
		w.alive = 1<<n - 1
	}
	w.at = [32]int32{}
	for _, s := range w.b.k.specials {
		r := &w.narrow[s.slot]
		for l := range r {
			r[l] = uint32(w.special(s.name, l))
		}
	}
}

// special is the value of a special register, such as "%tid.x", in a lane.
func (w *warp) special(name string, lane int) int {
	b, t := w.b, w.id*32+lane
	switch name {
	case "%laneid":
		return lane
	case "%warpid":
		return w.id
	}
	register, axis := name[:len(name)-2], name[len(name)-1]-'x'
	switch register {
	case "%tid":
		return [3]int{t % b.dim[0], t / b.dim[0] % b.dim[1], t / b.dim[0] / b.dim[1]}[axis]
	case "%ntid":
		return b.dim[axis]
	case "%ctaid":
		return b.id[axis]
	}
	return b.grid[axis] // %nctaid
}

// quantum is how many instructions a seeded schedule runs of a warp before another may have its turn.
const quantum = 64

// run steps the warp until every live lane is at the block's barrier or has left, or its turn is over.
func (w *warp) run() {
	m := w.b.k.mod.m
	for turns := 1 + m.pick(quantum); ; {
		ready := w.alive &^ (w.atBar | w.atSync)
		if ready == 0 {
			if w.atSync != 0 {
				l := bits.TrailingZeros32(w.atSync)
				w.cur = &w.b.k.code[w.at[l]]
				w.fault(Divergence, l, "lanes %08x wait for lanes that never come: %08x are alive, %08x at the block's barrier", w.atSync, w.alive, w.atBar)
			}
			return
		}
		at, lanes, other := w.group(ready)
		w.step(at, lanes, other)
		if m.cfg.Seed != 0 {
			if turns--; turns == 0 {
				return
			}
		}
	}
}

// group is the lanes to run and the next place where others stand.
func (w *warp) group(ready uint32) (at int32, lanes uint32, other int32) {
	l := bits.TrailingZeros32(ready)
	at, other = w.at[l], math.MaxInt32
	parted := false
	for k := ready; k != 0; k &= k - 1 {
		if a := w.at[bits.TrailingZeros32(k)]; a != at {
			at, parted = min(at, a), true
		}
	}
	if !parted {
		return at, ready, other
	}
	if n := bits.OnesCount32(ready); w.b.k.mod.m.cfg.Seed != 0 {
		k := ready
		for range w.b.k.mod.m.pick(n) {
			k &= k - 1
		}
		at = w.at[bits.TrailingZeros32(k)]
	}
	for k := ready; k != 0; k &= k - 1 {
		l := bits.TrailingZeros32(k)
		if a := w.at[l]; a == at {
			lanes |= 1 << l
		} else if a > at {
			other = min(other, a)
		}
	}
	return at, lanes, other
}

// step runs lanes from a place on until they part, wait, leave, or reach a place where others stand.
func (w *warp) step(at int32, lanes uint32, other int32) {
	b, c := w.b, w.b.count
	code := b.k.code
	active := uint64(bits.OnesCount32(lanes))
	for begin := true; begin || at < other; begin = false {
		in := &code[at]
		w.cur = in
		on := lanes
		if b.left--; b.left == 0 {
			w.fault(Endless, bits.TrailingZeros32(on), "more instructions than Config.Limit")
		}
		c.Instructions++
		if in.guard >= 0 {
			p := w.preds[in.guard]
			if in.not {
				p = ^p
			}
			on &= p
			c.Lanes += uint64(bits.OnesCount32(on))
		} else {
			c.Lanes += active
		}
		switch in.class {
		case plain:
			if in.ffma {
				c.FFMA += uint64(bits.OnesCount32(on))
			}
			if on != 0 {
				in.run(w, on)
			}
			at++
		case branch:
			switch on {
			case lanes:
				at = in.target
			case 0:
				at++
			default:
				c.Diverged++
				w.place(on, in.target)
				w.place(lanes&^on, at+1)
				return
			}
		case leave:
			w.alive &^= on
			w.place(lanes&^on, at+1)
			return
		case barrier:
			w.place(lanes, at+1)
			w.atBar |= on
			return
		default:
			w.place(lanes&^on, at+1)
			w.place(on, at)
			if on != 0 {
				w.meet(in, at, on)
			}
			return
		}
	}
	w.place(lanes, at)
}

// meet runs a warp-synchronous instruction once all lanes of its member mask stand at it.
func (w *warp) meet(in *instr, at int32, lanes uint32) {
	here := lanes
	for k := w.atSync; k != 0; k &= k - 1 {
		if l := bits.TrailingZeros32(k); w.at[l] == at {
			here |= 1 << l
		}
	}
	masks := &w.narrow[in.mask]
	need := masks[bits.TrailingZeros32(lanes)]
	for k := here; k != 0; k &= k - 1 {
		l := bits.TrailingZeros32(k)
		if masks[l]>>l&1 == 0 {
			w.fault(Divergence, l, "the lane is not in its own member mask %08x", masks[l])
		} else if masks[l] != need {
			w.fault(Divergence, l, "member masks differ: %08x and %08x", masks[l], need)
		}
	}
	if need&w.alive&^here != 0 {
		w.atSync |= here
		return
	}
	if gone := need &^ w.alive; gone != 0 && w.b.n-32*w.id >= 32 {
		w.fault(Divergence, bits.TrailingZeros32(here), "member mask %08x names lanes that have left: %08x are alive", need, w.alive)
	}
	w.atSync &^= here
	in.run(w, here)
	w.epoch++
	w.place(here, at+1)
}

func (w *warp) place(lanes uint32, at int32) {
	for ; lanes != 0; lanes &= lanes - 1 {
		w.at[bits.TrailingZeros32(lanes)] = at
	}
}
