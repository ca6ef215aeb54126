package sim

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/sluice-ml/sluice/cuda/ptx"
)

// This file is loads, stores and atomics.

// access is how an instruction reaches memory.
type reach struct {
	space  ptx.Space
	base   place // register of the address
	fixed  bool  // no register: the address is offset
	offset uint64
	each   int // bytes of one value
	bytes  int // of all
}

func (t *translator) reach(o ptx.Operand, values int) reach {
	r := reach{space: t.in.Space(), offset: o.Value, each: t.in.Type.Bytes()}
	r.bytes = r.each * values
	switch {
	case o.Reg >= 0:
		r.base = t.place(o)
	case o.Name != "":
		r.fixed, r.offset = true, t.symbol(o)
	default:
		r.fixed = true
	}
	return r
}

func (r *reach) address(w *warp, l int) uint64 {
	if r.fixed {
		return r.offset
	}
	if a := r.base.get(w, l) + r.offset; r.base.wide || r.space != ptx.Shared {
		return a
	} else {
		return uint64(uint32(a))
	}
}

// where is the memory of one lane's access, checked and recorded: its cells and the first byte in them.
func (w *warp) where(r *reach, l int, write, atomic bool) (*cells, uint64) {
	addr, n := r.address(w, l), uint64(r.bytes)
	if addr%n != 0 {
		w.fault(Misaligned, l, "%d bytes at %#x", n, addr)
	}
	space := r.space
	if space == ptx.Generic && addr >= sharedBase && addr < sharedEnd {
		space, addr = ptx.Shared, addr-sharedBase
	}
	c, at := &w.b.shared, addr
	if space == ptx.Shared {
		if size := uint64(len(c.data)); n > size || addr > size-n {
			w.fault(OutOfBounds, l, "byte %d of %d of shared memory", addr, size)
		}
	} else {
		a := w.cur.last
		if a == nil || !a.holds(addr, n) {
			mem := &w.b.k.mod.m.mem
			if a = mem.find(addr); a == nil || !a.holds(addr, n) {
				kind, text := mem.where(addr, n)
				w.fault(kind, l, "%s", text)
			}
			w.cur.last = a
		}
		c, at = &a.cells, addr-a.base
	}
	if c.wrote != nil {
		w.touch(c, at, n, l, write, atomic, space == ptx.Shared)
	}
	if !write || atomic {
		if i := c.unwritten(at, n); i >= 0 {
			w.fault(Uninitialised, l, "byte %d at %#x", i, addr)
		}
	}
	if write {
		c.mark(at, n)
	}
	return c, at
}

// values are the registers of a load's or store's data; a sink is a nil place.
func (t *translator) values(o ptx.Operand) (list []place, sink []bool) {
	elems := []ptx.Operand{o}
	if o.Kind == ptx.Vector {
		elems = o.Elems
	}
	for _, e := range elems {
		if e.Kind == ptx.Sink {
			list, sink = append(list, place{}), append(sink, true)
			continue
		}
		list, sink = append(list, t.operand(e, t.in.Type.Bits() == 64)), append(sink, false)
	}
	return list, sink
}

func (t *translator) load() run {
	in := t.in
	dst, sink := t.values(in.Args[0])
	r := t.reach(in.Args[1], len(dst))
	signed := in.Type.Signed()
	if r.space == ptx.Parameter {
		return t.parameter(r, dst, signed)
	}
	return func(w *warp, m uint32) {
		w.traffic(&r, m, false)
		for k := m; k != 0; k &= k - 1 {
			l := lane(k)
			c, at := w.where(&r, l, false, false)
			for i, d := range dst {
				if !sink[i] {
					d.set(w, l, fetch(c.data[at+uint64(i*r.each):], r.each, signed))
				}
			}
		}
	}
}

// parameter loads from the kernel's arguments, at a name or at an address taken of one.
func (t *translator) parameter(r reach, dst []place, signed bool) run {
	return func(w *warp, m uint32) {
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			at := r.address(w, l) - paramBase
			if at > uint64(len(w.b.params)) || at+uint64(r.bytes) > uint64(len(w.b.params)) {
				w.fault(OutOfBounds, l, "byte %d of %d of arguments", int64(at), len(w.b.params))
			}
			for i, d := range dst {
				d.set(w, l, fetch(w.b.params[at+uint64(i*r.each):], r.each, signed))
			}
		}
	}
}

func (t *translator) store() run {
	src, _ := t.values(t.in.Args[1])
	r := t.reach(t.in.Args[0], len(src))
	return func(w *warp, m uint32) {
		w.traffic(&r, m, true)
		for k := m; k != 0; k &= k - 1 {
			l := lane(k)
			c, at := w.where(&r, l, true, false)
			for i, s := range src {
				put(c.data[at+uint64(i*r.each):], r.each, s.get(w, l))
			}
		}
	}
}

// fetch is n bytes as a value; a signed one is extended to the register.
func fetch(b []byte, n int, signed bool) uint64 {
	v := uint64(0)
	switch n {
	case 4:
		v = uint64(binary.LittleEndian.Uint32(b))
	case 8:
		return binary.LittleEndian.Uint64(b)
	case 2:
		v = uint64(binary.LittleEndian.Uint16(b))
	default:
		v = uint64(b[0])
	}
	if signed {
		v = uint64(width{uint(8 * n), true}.number(v))
	}
	return v
}

func put(b []byte, n int, v uint64) {
	switch n {
	case 4:
		binary.LittleEndian.PutUint32(b, uint32(v))
	case 8:
		binary.LittleEndian.PutUint64(b, v)
	case 2:
		binary.LittleEndian.PutUint16(b, uint16(v))
	default:
		b[0] = byte(v)
	}
}

// traffic counts what the access costs: sectors of global memory, turns of shared memory.
func (w *warp) traffic(r *reach, m uint32, write bool) {
	c, n := w.b.count, bits.OnesCount32(m)
	if r.space == ptx.Shared {
		turns, fewest := w.turns(r, m)
		c.Banks += turns
		c.FewestBanks += fewest
		return
	}
	if bytes := uint64(n * r.bytes); write {
		c.Stored += bytes
	} else {
		c.Loaded += bytes
	}
	var seen, lines [128]uint64 // at most four sectors a lane
	count, last := 0, ^uint64(0)
	distinct := 0
	for k := m; k != 0; k &= k - 1 {
		addr := r.address(w, lane(k))
		if !slices.Contains(lines[:distinct], addr) { // lanes that ask for the same bytes need them once
			lines[distinct] = addr
			distinct++
		}
		if s := addr / 32; s != last && !slices.Contains(seen[:count], s) {
			seen[count] = s
			count++
			last = s
		}
	}
	c.Sectors += uint64(count)
	c.FewestSector += uint64((distinct*r.bytes + 31) / 32)
}

// turns is how often shared memory has to be asked: 32 banks give a word each, one word may go to many lanes; a wide access is made in
// parts of 128 bytes.
func (w *warp) turns(r *reach, m uint32) (turns, fewest uint64) {
	together := 32
	if r.bytes > 4 {
		together = max(128/r.bytes, 1)
	}
	for m != 0 {
		var words [32][8]uint64 // by bank, the distinct words asked
		var count [32]int
		most := 0
		part := 0
		for ; m != 0 && part < together; m &= m - 1 {
			addr := r.address(w, lane(m))
			for i := 0; i < max(r.bytes, 4); i += 4 {
				word := (addr + uint64(i)) / 4
				bank := word % 32
				n := count[bank]
				if n < 8 && !slices.Contains(words[bank][:n], word) {
					words[bank][n] = word
					count[bank]++
					most = max(most, n+1)
				}
			}
			part++
		}
		turns += uint64(most)
		fewest++
	}
	return turns, fewest
}

// atomic is atom and red: lane after lane.
func (t *translator) atomic() run {
	in := t.in
	args := in.Args
	var d *place
	if in.Op == "atom" {
		p := t.place(args[0])
		d, args = &p, args[1:]
	}
	wide := in.Type.Bits() == 64
	r, v := t.reach(args[0], 1), t.operand(args[1], wide)
	swap := v
	if len(args) > 2 {
		swap = t.operand(args[2], wide)
	}
	f := t.update(in.Mod("add", "min", "max", "and", "or", "xor", "exch", "cas"), widthOf(in.Type))
	return func(w *warp, m uint32) {
		w.traffic(&r, m, true)
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			c, at := w.where(&r, l, true, true)
			old := fetch(c.data[at:], r.each, false)
			put(c.data[at:], r.each, f(old, v.get(w, l), swap.get(w, l)))
			if d != nil {
				d.set(w, l, old)
			}
		}
	}
}

// update is the new value of an atomic from the old one, the operand and, for cas, the second operand.
func (t *translator) update(op string, w width) func(old, x, y uint64) uint64 {
	float := t.in.Type == ptx.F32
	switch {
	case op == "exch":
		return func(_, x, _ uint64) uint64 { return x }
	case op == "add" && float:
		return func(old, x, _ uint64) uint64 { return uint64(bitsOf(value(uint32(old)) + value(uint32(x)))) }
	case float:
		t.refuse("no form for float32")
	case op == "add":
		return func(old, x, _ uint64) uint64 { return old + x }
	case op == "min", op == "max":
		least := op == "min"
		return func(old, x, _ uint64) uint64 {
			if w.less(old, x) == least {
				return old
			}
			return x
		}
	case op == "and":
		return func(old, x, _ uint64) uint64 { return old & x }
	case op == "or":
		return func(old, x, _ uint64) uint64 { return old | x }
	case op == "xor":
		return func(old, x, _ uint64) uint64 { return old ^ x }
	}
	return func(old, x, y uint64) uint64 {
		if old == w.cut(x) {
			return y
		}
		return old
	}
}
