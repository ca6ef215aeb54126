package sim

import (
	"math"

	"github.com/sluice-ml/sluice/cuda/ptx"
)

// This file is what moves values and changes their types.

// paramBase is where the parameters' addresses begin: a kernel may take one and load from it, and do nothing else with it.
const paramBase = 0x0200_0000_0000

func (t *translator) move() run {
	in := t.in
	if in.Type == ptx.Pred {
		return t.logic()
	}
	wide := in.Type.Bits() == 64
	d, s := in.Args[0], in.Args[1]
	switch {
	case d.Kind == ptx.Vector:
		return t.unpack(d.Elems, t.operand(s, wide), uint(in.Type.Bits()/len(d.Elems)))
	case s.Kind == ptx.Vector:
		return t.pack(t.place(d), s.Elems, uint(in.Type.Bits()/len(s.Elems)))
	}
	from, to := t.operand(s, wide), t.place(d)
	if from.wide != to.wide {
		t.refuse("registers of two widths")
	}
	return copyLanes(to, from)
}

func copyLanes(to, from place) run {
	d, a := to.slot, from.slot
	if to.wide {
		return func(w *warp, m uint32) {
			D, A := &w.wide[d], &w.wide[a]
			if m == full {
				*D = *A
				return
			}
			for ; m != 0; m &= m - 1 {
				l := lane(m)
				D[l] = A[l]
			}
		}
	}
	return func(w *warp, m uint32) {
		D, A := &w.narrow[d], &w.narrow[a]
		if m == full {
			*D = *A
			return
		}
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			D[l] = A[l]
		}
	}
}

func (t *translator) unpack(parts []ptx.Operand, from place, bits uint) run {
	type part struct {
		place
		shift uint
	}
	var to []part
	for i, e := range parts {
		if e.Kind == ptx.Register {
			to = append(to, part{t.place(e), uint(i) * bits})
		}
	}
	return func(w *warp, m uint32) {
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			v := from.get(w, l)
			for _, p := range to {
				p.set(w, l, v>>p.shift&(1<<bits-1))
			}
		}
	}
}

func (t *translator) pack(d place, parts []ptx.Operand, bits uint) run {
	var from []place
	for _, e := range parts {
		from = append(from, t.operand(e, bits == 64))
	}
	return func(w *warp, m uint32) {
		for ; m != 0; m &= m - 1 {
			l, v := lane(m), uint64(0)
			for i, p := range from {
				v |= p.get(w, l) & (1<<bits - 1) << (uint(i) * bits)
			}
			d.set(w, l, v)
		}
	}
}

// address is cvta: between the addresses of a space and generic ones. Global and generic addresses are the same.
func (t *translator) address() run {
	d, s := t.place(t.in.Args[0]), t.operand(t.in.Args[1], true)
	if !t.in.Has("shared") {
		return copyLanes(d, s)
	}
	offset := uint64(sharedBase)
	if t.in.Has("to") {
		offset = -offset
	}
	return each(d, []place{s}, func(v *[4]uint64) uint64 { return v[0] + offset })
}

// choose is selp: d = p ? a : b.
func (t *translator) choose() run {
	in := t.in
	wide := in.Type.Bits() == 64
	d, a, b := t.place(in.Args[0]), t.operand(in.Args[1], wide), t.operand(in.Args[2], wide)
	p := t.predicate(in.Args[3])
	if wide {
		return func(w *warp, m uint32) {
			on := p(w)
			for ; m != 0; m &= m - 1 {
				l := lane(m)
				from := b
				if on>>l&1 != 0 {
					from = a
				}
				w.wide[d.slot][l] = w.wide[from.slot][l]
			}
		}
	}
	return func(w *warp, m uint32) {
		D, A, B, on := &w.narrow[d.slot], &w.narrow[a.slot], &w.narrow[b.slot], p(w)
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			if on>>l&1 != 0 {
				D[l] = A[l]
			} else {
				D[l] = B[l]
			}
		}
	}
}

// convert is cvt.
func (t *translator) convert() run {
	in := t.in
	from, to := widthOf(in.From), widthOf(in.Type)
	d, s := t.place(in.Args[0]), t.operand(in.Args[1], in.From.Bits() == 64)
	var f func(v uint64) uint64
	switch {
	case !in.From.Float() && !in.Type.Float():
		f = func(v uint64) uint64 {
			if from.signed {
				v = uint64(from.number(v))
			} else {
				v = from.cut(v)
			}
			if to.signed { // a register wider than the type gets its sign
				return uint64(to.number(v))
			}
			return to.cut(v)
		}
	case in.Type.Float() && from.signed:
		f = func(v uint64) uint64 { return uint64(math.Float32bits(float32(from.number(v)))) }
	case in.Type.Float():
		f = func(v uint64) uint64 { return uint64(math.Float32bits(float32(from.cut(v)))) }
	default:
		round := map[string]func(float64) float64{"rni": math.RoundToEven, "rzi": math.Trunc, "rmi": math.Floor, "rpi": math.Ceil}[in.Mod("rni", "rzi", "rmi", "rpi")]
		f = func(v uint64) uint64 { return to.clamp(round(float64(value(uint32(v))))) }
	}
	return each(d, []place{s}, func(v *[4]uint64) uint64 { return f(v[0]) })
}

// clamp is the integer nearest to x that the type has, a signed one with its sign to the register's end. A NaN is 0, of 64 bits the top
// bit alone (PTX ISA, cvt).
func (w width) clamp(x float64) uint64 {
	top := uint64(1) << (w.bits - 1)
	switch limit := math.Ldexp(1, int(w.bits)); {
	case x != x:
		return top &^ (1<<63 - 1)
	case w.signed && x >= limit/2:
		return top - 1
	case w.signed && x < -limit/2:
		return uint64(w.number(top))
	case w.signed:
		return uint64(int64(x))
	case x < 0:
		return 0
	case x >= limit:
		return w.cut(^uint64(0))
	}
	return uint64(x)
}
