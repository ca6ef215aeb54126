package sim_test

import (
	"fmt"
	"math/big"
	"testing"
)

// Integers by math/big: a number is what its bits mean under a type, a result is cut to its bits.

// kind is an integer type.
type kind struct {
	name   string // "s32"
	bits   uint
	signed bool
}

var kinds = []kind{{"u16", 16, false}, {"s16", 16, true}, {"u32", 32, false}, {"s32", 32, true}, {"u64", 64, false}, {"s64", 64, true}}

func ones(n uint) uint64 { return uint64(1)<<(n&63)*b2u(n < 64) - 1 }

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// number is what bits mean.
func (k kind) number(v uint64) *big.Int {
	x := new(big.Int).SetUint64(v & ones(k.bits))
	if k.signed && x.Bit(int(k.bits)-1) == 1 {
		x.Sub(x, new(big.Int).Lsh(big.NewInt(1), k.bits))
	}
	return x
}

// cut is the low n bits of a number in two's complement.
func cut(x *big.Int, n uint) uint64 {
	return new(big.Int).And(x, new(big.Int).SetUint64(ones(n))).Uint64()
}

func TestSums(t *testing.T) {
	for _, k := range kinds {
		w := fmt.Sprint(k.bits, k.bits, k.bits)
		for op, f := range map[string]func(x, y *big.Int) *big.Int{
			"add": func(x, y *big.Int) *big.Int { return x.Add(x, y) },
			"sub": func(x, y *big.Int) *big.Int { return x.Sub(x, y) },
			"min": func(x, y *big.Int) *big.Int {
				if x.Cmp(y) < 0 {
					return x
				}
				return y
			},
			"max": func(x, y *big.Int) *big.Int {
				if x.Cmp(y) > 0 {
					return x
				}
				return y
			},
		} {
			snippet{text: op + "." + k.name + " d, a, b;", widths: w, want: func(v [4]uint64) uint64 {
				return cut(f(k.number(v[0]), k.number(v[1])), k.bits)
			}}.holds(t)
		}
		if !k.signed {
			continue
		}
		snippet{text: "neg." + k.name + " d, a;", widths: w, want: func(v [4]uint64) uint64 {
			return cut(new(big.Int).Neg(k.number(v[0])), k.bits)
		}}.holds(t)
		snippet{text: "abs." + k.name + " d, a;", widths: w, want: func(v [4]uint64) uint64 {
			return cut(new(big.Int).Abs(k.number(v[0])), k.bits)
		}}.holds(t)
	}
}

// A product has a low half, a high half, and both.
func TestProducts(t *testing.T) {
	for _, k := range kinds {
		product := func(v [4]uint64) *big.Int { return new(big.Int).Mul(k.number(v[0]), k.number(v[1])) }
		plus := func(x *big.Int, v [4]uint64) *big.Int { return x.Add(x, new(big.Int).SetUint64(v[2])) }
		high := func(v [4]uint64) *big.Int { x := product(v); return x.Rsh(x, k.bits) }
		n := fmt.Sprint(k.bits, k.bits, k.bits, k.bits)
		snippet{text: "mul.lo." + k.name + " d, a, b;", widths: n, want: func(v [4]uint64) uint64 { return cut(product(v), k.bits) }}.holds(t)
		snippet{text: "mad.lo." + k.name + " d, a, b, c;", widths: n, want: func(v [4]uint64) uint64 { return cut(plus(product(v), v), k.bits) }}.holds(t)
		snippet{text: "mul.hi." + k.name + " d, a, b;", widths: n, want: func(v [4]uint64) uint64 { return cut(high(v), k.bits) }}.holds(t)
		snippet{text: "mad.hi." + k.name + " d, a, b, c;", widths: n, want: func(v [4]uint64) uint64 { return cut(plus(high(v), v), k.bits) }}.holds(t)
		if k.bits <= 32 {
			n = fmt.Sprint(2*k.bits, k.bits, k.bits, 2*k.bits)
			snippet{text: "mul.wide." + k.name + " d, a, b;", widths: n, want: func(v [4]uint64) uint64 { return cut(product(v), 2*k.bits) }}.holds(t)
			snippet{text: "mad.wide." + k.name + " d, a, b, c;", widths: n, want: func(v [4]uint64) uint64 { return cut(plus(product(v), v), 2*k.bits) }}.holds(t)
		}
	}
}

// Toward zero; by zero the quotient is all ones and the remainder what was divided.
func TestQuotients(t *testing.T) {
	for _, k := range kinds {
		w := fmt.Sprint(k.bits, k.bits, k.bits)
		snippet{text: "div." + k.name + " d, a, b;", widths: w, want: func(v [4]uint64) uint64 {
			if y := k.number(v[1]); y.Sign() != 0 {
				return cut(y.Quo(k.number(v[0]), y), k.bits)
			}
			return ones(k.bits)
		}}.holds(t)
		snippet{text: "rem." + k.name + " d, a, b;", widths: w, want: func(v [4]uint64) uint64 {
			if y := k.number(v[1]); y.Sign() != 0 {
				return cut(y.Rem(k.number(v[0]), y), k.bits)
			}
			return v[0] & ones(k.bits)
		}}.holds(t)
	}
}

// Shifts by the width or more leave zeros, or signs.
func TestShifts(t *testing.T) {
	for _, k := range kinds {
		w := fmt.Sprint(k.bits, k.bits, 32)
		snippet{text: "shr." + k.name + " d, a, b;", widths: w, want: func(v [4]uint64) uint64 {
			x := k.number(v[0])
			return cut(x.Rsh(x, uint(min(v[1]&ones(32), 64))), k.bits)
		}}.holds(t)
		if k.signed {
			continue
		}
		for _, op := range []string{"shl", "shr"} {
			snippet{text: fmt.Sprintf("%s.b%d d, a, b;", op, k.bits), widths: w, want: func(v [4]uint64) uint64 {
				x, n := k.number(v[0]), uint(min(v[1]&ones(32), 64))
				if op == "shl" {
					return cut(x.Lsh(x, n), k.bits)
				}
				return cut(x.Rsh(x, n), k.bits)
			}}.holds(t)
		}
	}
	for _, mode := range []string{"clamp", "wrap"} {
		for _, side := range []string{"l", "r"} {
			snippet{text: "shf." + side + "." + mode + ".b32 d, a, b, c;", widths: "32 32 32 32", want: func(v [4]uint64) uint64 {
				x := new(big.Int).SetUint64(v[1]<<32 | v[0]&ones(32))
				n := uint(min(v[2]&ones(32), 32))
				if mode == "wrap" {
					n = uint(v[2] % 32)
				}
				if side == "l" {
					return cut(x.Rsh(x.Lsh(x, n), 32), 32)
				}
				return cut(x.Rsh(x, n), 32)
			}}.holds(t)
		}
	}
}

func TestLogic(t *testing.T) {
	for _, n := range []uint{16, 32, 64} {
		w := fmt.Sprint(n, n, n)
		for op, f := range map[string]func(x, y uint64) uint64{"and": func(x, y uint64) uint64 { return x & y },
			"or": func(x, y uint64) uint64 { return x | y }, "xor": func(x, y uint64) uint64 { return x ^ y }} {
			snippet{text: fmt.Sprintf("%s.b%d d, a, b;", op, n), widths: w, want: func(v [4]uint64) uint64 { return f(v[0], v[1]) & ones(n) }}.holds(t)
		}
		snippet{text: fmt.Sprintf("not.b%d d, a;", n), widths: w, want: func(v [4]uint64) uint64 { return ^v[0] & ones(n) }}.holds(t)
	}
	for _, table := range []uint{0x00, 0x6a, 0x96, 0xca, 0xe8, 0xfe} {
		snippet{text: fmt.Sprintf("lop3.b32 d, a, b, c, %d;", table), widths: "32 32 32 32", want: func(v [4]uint64) (d uint64) {
			for i := range 32 {
				d |= uint64(table>>(v[0]>>i&1<<2|v[1]>>i&1<<1|v[2]>>i&1)&1) << i
			}
			return d
		}}.holds(t)
	}
}

// Bits that are counted, turned round, taken out, put in: by the loops of the PTX manual.
func TestBits(t *testing.T) {
	for _, k := range kinds[2:] {
		w := fmt.Sprint(k.bits, k.bits, 32, 32)
		bit := func(v uint64, i uint) uint64 { return v >> i & 1 }
		snippet{text: "bfe." + k.name + " d, a, b, c;", widths: w, want: func(v [4]uint64) (d uint64) {
			at, n := uint(v[1]&255), uint(v[2]&255)
			sign := uint64(0)
			if k.signed && n > 0 {
				sign = bit(v[0], min(at+n-1, k.bits-1))
			}
			for i := range k.bits {
				b := sign
				if i < n && at+i < k.bits {
					b = bit(v[0], at+i)
				}
				d |= b << i
			}
			return d
		}}.holds(t)
		if k.signed {
			continue
		}
		snippet{text: fmt.Sprintf("bfi.b%d d, a, b, c, e;", k.bits), widths: fmt.Sprint(k.bits, k.bits, k.bits, 32, 32), want: func(v [4]uint64) uint64 {
			at, n := uint(v[2]&255), uint(v[3]&255)
			d := v[1] & ones(k.bits)
			for i := uint(0); i < n && at+i < k.bits; i++ {
				d = d&^(1<<(at+i)) | bit(v[0], i)<<(at+i)
			}
			return d
		}}.holds(t)
		snippet{text: fmt.Sprintf("popc.b%d d, a;", k.bits), widths: fmt.Sprint(32, k.bits), want: func(v [4]uint64) (n uint64) {
			for i := range k.bits {
				n += bit(v[0], i)
			}
			return n
		}}.holds(t)
		snippet{text: fmt.Sprintf("clz.b%d d, a;", k.bits), widths: fmt.Sprint(32, k.bits), want: func(v [4]uint64) uint64 {
			return uint64(k.bits) - uint64(k.number(v[0]).BitLen())
		}}.holds(t)
		snippet{text: fmt.Sprintf("brev.b%d d, a;", k.bits), widths: fmt.Sprint(k.bits, k.bits), want: func(v [4]uint64) (d uint64) {
			for i := range k.bits {
				d |= bit(v[0], i) << (k.bits - 1 - i)
			}
			return d
		}}.holds(t)
	}
	snippet{text: "prmt.b32 d, a, b, c;", widths: "32 32 32 32", want: func(v [4]uint64) (d uint64) {
		for i := range 4 {
			s := v[2] >> (4 * i) & 15
			b := (v[1]<<32 | v[0]&ones(32)) >> (8 * (s & 7)) & 255
			if s >= 8 {
				b = b >> 7 * 255
			}
			d |= b << (8 * i)
		}
		return d
	}}.holds(t)
}
