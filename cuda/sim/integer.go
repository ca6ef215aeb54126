package sim

import (
	"math/bits"

	"github.com/sluice-ml/sluice/cuda/ptx"
)

// This file is arithmetic on integers and bits. Registers of 32 bits hold shorter values in their low bits.

// width is a type's arithmetic.
type width struct {
	bits   uint
	signed bool
}

func widthOf(t ptx.Type) width { return width{uint(t.Bits()), t.Signed()} }

// cut keeps the low bits.
func (w width) cut(v uint64) uint64 { return v << (64 - w.bits) >> (64 - w.bits) }

// number is the value as a signed one, whatever the type says.
func (w width) number(v uint64) int64 { return int64(v<<(64-w.bits)) >> (64 - w.bits) }

// less compares by the type.
func (w width) less(x, y uint64) bool {
	if w.signed {
		return w.number(x) < w.number(y)
	}
	return w.cut(x) < w.cut(y)
}

func (t *translator) integer() run {
	in, w, s := t.in, widthOf(t.in.Type), t.sources()
	d := t.place(in.Args[0])
	if r := hot(in, d, s); r != nil {
		return r
	}
	f := t.whole(w)
	if in.Op == "lop3" {
		table := byte(in.Args[4].Value)
		f = func(v *[4]uint64) uint64 { return lookup(table, v[0], v[1], v[2]) }
		s = s[:3]
	}
	if in.Has("wide") || in.Op == "popc" || in.Op == "clz" {
		return each(d, s, f)
	}
	return each(d, s, func(v *[4]uint64) uint64 { return w.cut(f(v)) })
}

// hot are the operations that address arithmetic is made of.
func hot(in *ptx.Instr, d place, s []place) run {
	switch {
	case in.Op == "add" && in.Type.Bits() == 32:
		d, a, b := d.slot, s[0].slot, s[1].slot
		return func(w *warp, m uint32) {
			D, A, B := &w.narrow[d], &w.narrow[a], &w.narrow[b]
			for ; m != 0; m &= m - 1 {
				l := lane(m)
				D[l] = A[l] + B[l]
			}
		}
	case in.Op == "add" && in.Type.Bits() == 64:
		d, a, b := d.slot, s[0].slot, s[1].slot
		return func(w *warp, m uint32) {
			D, A, B := &w.wide[d], &w.wide[a], &w.wide[b]
			for ; m != 0; m &= m - 1 {
				l := lane(m)
				D[l] = A[l] + B[l]
			}
		}
	case in.Op == "and" && in.Type.Bits() == 32:
		return two(d.slot, s[0].slot, s[1].slot, func(x, y uint32) uint32 { return x & y })
	case in.Op == "or" && in.Type.Bits() == 32:
		return two(d.slot, s[0].slot, s[1].slot, func(x, y uint32) uint32 { return x | y })
	}
	return nil
}

// whole is an operation's function of up to four values; what is above the type's bits is cut off by the caller.
func (t *translator) whole(w width) func(v *[4]uint64) uint64 {
	in := t.in
	switch in.Op {
	case "add":
		return func(v *[4]uint64) uint64 { return v[0] + v[1] }
	case "sub":
		return func(v *[4]uint64) uint64 { return v[0] - v[1] }
	case "mul":
		return t.product(w)
	case "mad":
		f := t.product(w)
		return func(v *[4]uint64) uint64 { return f(v) + v[2] }
	case "div":
		return func(v *[4]uint64) uint64 { q, _ := divide(w, v[0], v[1]); return q }
	case "rem":
		return func(v *[4]uint64) uint64 { _, r := divide(w, v[0], v[1]); return r }
	case "min", "max":
		least := in.Op == "min"
		return func(v *[4]uint64) uint64 {
			if w.less(v[0], v[1]) == least {
				return v[0]
			}
			return v[1]
		}
	case "and":
		return func(v *[4]uint64) uint64 { return v[0] & v[1] }
	case "or":
		return func(v *[4]uint64) uint64 { return v[0] | v[1] }
	case "xor":
		return func(v *[4]uint64) uint64 { return v[0] ^ v[1] }
	case "not":
		return func(v *[4]uint64) uint64 { return ^v[0] }
	case "neg":
		return func(v *[4]uint64) uint64 { return -v[0] }
	case "abs":
		return func(v *[4]uint64) uint64 { return uint64(max(w.number(v[0]), -w.number(v[0]))) }
	}
	return t.shifts(w)
}

func (t *translator) shifts(w width) func(v *[4]uint64) uint64 {
	in := t.in
	switch in.Op {
	case "shl":
		return func(v *[4]uint64) uint64 { return v[0] << uint32(v[1]) }
	case "shr":
		return func(v *[4]uint64) uint64 {
			n := min(uint32(v[1]), 64)
			if w.signed {
				return uint64(w.number(v[0]) >> n)
			}
			return w.cut(v[0]) >> n
		}
	case "shf":
		left, wrap := in.Has("l"), in.Has("wrap")
		return func(v *[4]uint64) uint64 {
			x, n := v[1]<<32|v[0], uint32(v[2])
			if wrap {
				n &= 31
			}
			if n = min(n, 32); left {
				return x << n >> 32
			}
			return x >> n
		}
	case "popc":
		return func(v *[4]uint64) uint64 { return uint64(bits.OnesCount64(w.cut(v[0]))) }
	case "clz":
		return func(v *[4]uint64) uint64 { return uint64(bits.LeadingZeros64(w.cut(v[0]))) - uint64(64-w.bits) }
	case "brev":
		return func(v *[4]uint64) uint64 { return bits.Reverse64(v[0]) >> (64 - w.bits) }
	case "bfe":
		return func(v *[4]uint64) uint64 { return field(w, v[0], uint(v[1]&0xff), uint(v[2]&0xff)) }
	case "bfi":
		return func(v *[4]uint64) uint64 {
			at, n := uint(v[2]&0xff), uint(v[3]&0xff)
			ones := uint64(1)<<n - 1 // all of them for n >= 64, since the shift gives 0
			return v[1]&^(ones<<at) | v[0]&ones<<at
		}
	case "prmt":
		return func(v *[4]uint64) uint64 { return permute(v[1]<<32|v[0], v[2]) }
	case "lop3":
		return nil
	}
	t.refuse("no integer form")
	return nil
}

// product is the wanted part of x·y.
func (t *translator) product(w width) func(v *[4]uint64) uint64 {
	switch {
	case t.in.Has("lo"):
		return func(v *[4]uint64) uint64 { return v[0] * v[1] }
	case t.in.Has("wide") && w.signed:
		return func(v *[4]uint64) uint64 { return uint64(w.number(v[0]) * w.number(v[1])) }
	case t.in.Has("wide"):
		return func(v *[4]uint64) uint64 { return w.cut(v[0]) * w.cut(v[1]) }
	case w.bits == 64 && !w.signed:
		return func(v *[4]uint64) uint64 { h, _ := bits.Mul64(v[0], v[1]); return h }
	case w.bits == 64:
		return func(v *[4]uint64) uint64 {
			h, _ := bits.Mul64(v[0], v[1])
			return h - uint64(int64(v[0])>>63)&v[1] - uint64(int64(v[1])>>63)&v[0]
		}
	case w.signed:
		return func(v *[4]uint64) uint64 { return uint64(w.number(v[0])*w.number(v[1])) >> w.bits }
	}
	return func(v *[4]uint64) uint64 { return w.cut(v[0]) * w.cut(v[1]) >> w.bits }
}

// divide is x/y and x mod y, toward 0. By 0 the quotient is all ones and the remainder x, as GPUs have it.
func divide(w width, x, y uint64) (q, r uint64) {
	if w.cut(y) == 0 {
		return ^uint64(0), x
	}
	if !w.signed {
		return w.cut(x) / w.cut(y), w.cut(x) % w.cut(y)
	}
	a, b := w.number(x), w.number(y)
	return uint64(a / b), uint64(a % b)
}

// field is n bits of x from bit at on; a signed one is extended by its top bit, or by x's where it reaches beyond.
func field(w width, x uint64, at, n uint) uint64 {
	if n == 0 {
		return 0
	}
	if !w.signed {
		return w.cut(x) >> at & (1<<n - 1)
	}
	top := min(at+n, w.bits) - 1
	v := uint64(w.number(x) >> min(at, w.bits-1))
	if at >= w.bits {
		return v
	}
	keep := 64 - (top - at + 1)
	return uint64(int64(v<<keep) >> keep)
}

// permute picks four of eight bytes; bit 3 of a selector spreads the byte's sign.
func permute(x, selector uint64) (out uint64) {
	for i := range 4 {
		s := selector >> (4 * i) & 15
		b := x >> (8 * (s & 7)) & 0xff
		if s&8 != 0 {
			b = uint64(int8(b)>>7) & 0xff
		}
		out |= b << (8 * i)
	}
	return out
}

// lookup is the bitwise function of three bits whose truth table is given, a the top bit of its index.
func lookup(table byte, a, b, c uint64) (out uint64) {
	for i := range 8 {
		if table>>i&1 == 0 {
			continue
		}
		x, y, z := a, b, c
		if i&4 == 0 {
			x = ^x
		}
		if i&2 == 0 {
			y = ^y
		}
		if i&1 == 0 {
			z = ^z
		}
		out |= x & y & z
	}
	return out
}
