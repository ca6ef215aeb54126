package sim_test

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// Floats by math/big: the exact result, rounded once to 24 bits. What has no exact result (NaN, infinities, signs of zero, subnormals) is
// left to float64, which holds it: the sum, product, quotient and root of float32s rounded twice are those rounded once (2·24 + 2 bits).

const nan = 0x7fffffff

func f32of(v uint64) float32 { return math.Float32frombits(uint32(v)) }

func bitsOf(x float32) uint64 {
	if x != x {
		return nan
	}
	return uint64(math.Float32bits(x))
}

// fused is x·y + z, rounded once.
func fused(x, y, z float32) float32 {
	exact := float64(x) * float64(y) // of 48 bits
	sum := exact + float64(z)
	if sum-sum != 0 || exact == 0 || z == 0 || sum == 0 {
		return float32(sum)
	}
	r := new(big.Float).SetPrec(600).SetFloat64(exact)
	f, _ := r.Add(r, new(big.Float).SetFloat64(float64(z))).Float32()
	return f
}

func TestFloats(t *testing.T) {
	root := func(x float32) float32 { return float32(math.Sqrt(float64(x))) }
	for text, f := range map[string]func(x, y, z float32) float32{
		"add.rn.f32 d, a, b;":    func(x, y, _ float32) float32 { return float32(float64(x) + float64(y)) },
		"sub.rn.f32 d, a, b;":    func(x, y, _ float32) float32 { return float32(float64(x) - float64(y)) },
		"mul.rn.f32 d, a, b;":    func(x, y, _ float32) float32 { return float32(float64(x) * float64(y)) },
		"div.rn.f32 d, a, b;":    func(x, y, _ float32) float32 { return float32(float64(x) / float64(y)) },
		"sqrt.rn.f32 d, a;":      func(x, _, _ float32) float32 { return root(x) },
		"fma.rn.f32 d, a, b, c;": fused,
	} {
		snippet{text: text, widths: "32 32 32 32", draw: floatBits, want: func(v [4]uint64) uint64 {
			return bitsOf(f(f32of(v[0]), f32of(v[1]), f32of(v[2])))
		}}.holds(t)
	}
	// Signs are bits, of a NaN too.
	snippet{text: "neg.f32 d, a;", widths: "32 32", draw: floatBits, want: func(v [4]uint64) uint64 { return v[0] ^ 1<<31 }}.holds(t)
	snippet{text: "abs.f32 d, a;", widths: "32 32", draw: floatBits, want: func(v [4]uint64) uint64 { return v[0] &^ (1 << 31) }}.holds(t)
}

// A number is preferred to a NaN, and -0 lies below 0.
func TestExtremes(t *testing.T) {
	order := func(v uint64) int64 { // of the numbers, as integers
		if v>>31&1 == 1 {
			return -int64(v&0x7fffffff) - 1
		}
		return int64(v)
	}
	for _, op := range []string{"min", "max"} {
		snippet{text: op + ".f32 d, a, b;", widths: "32 32 32", draw: floatBits, want: func(v [4]uint64) uint64 {
			x, y := v[0], v[1]
			switch xNaN, yNaN := f32of(x) != f32of(x), f32of(y) != f32of(y); {
			case xNaN && yNaN:
				return nan
			case xNaN:
				return y
			case yNaN:
				return x
			}
			if (order(x) < order(y)) == (op == "min") {
				return x
			}
			return y
		}}.holds(t)
	}
}

// A value keeps what its new type has room for; a register wider than the type gets its sign.
func TestConvertedIntegers(t *testing.T) {
	all := append([]kind{{"u8", 8, false}, {"s8", 8, true}}, kinds...)
	for _, from := range all {
		for _, to := range all {
			wide := max(16, to.bits)
			s := snippet{text: fmt.Sprintf("cvt.%s.%s d, a;", to.name, from.name), widths: fmt.Sprint(wide, max(16, from.bits)), want: func(v [4]uint64) uint64 {
				return cut(to.number(cut(from.number(v[0]), to.bits)), wide)
			}}
			s.holds(t)
		}
	}
	snippet{text: "cvt.s16.s8 d, a;", widths: "64 32", want: func(v [4]uint64) uint64 { return uint64(int64(int8(v[0]))) }}.holds(t)
	snippet{text: "cvt.u16.s8 d, a;", widths: "64 32", want: func(v [4]uint64) uint64 { return uint64(uint16(int8(v[0]))) }}.holds(t)
}

// To a float: to the nearest, ties to even. To an integer: rounded as asked, held within the type; a NaN is 0, of 64 bits the top bit.
func TestConvertedFloats(t *testing.T) {
	round := map[string]func(float64) float64{"rni": math.RoundToEven, "rzi": math.Trunc, "rmi": math.Floor, "rpi": math.Ceil}
	for _, k := range append([]kind{{"u8", 8, false}, {"s8", 8, true}}, kinds...) {
		wide := max(16, k.bits)
		snippet{text: "cvt.rn.f32." + k.name + " d, a;", widths: fmt.Sprint(32, wide), want: func(v [4]uint64) uint64 {
			f, _ := new(big.Float).SetInt(k.number(v[0])).Float32()
			return bitsOf(f)
		}}.holds(t)
		lowest, most := new(big.Int), new(big.Int).SetUint64(ones(k.bits))
		if k.signed {
			most.Rsh(most, 1)
			lowest.Sub(lowest.Neg(most), big.NewInt(1))
		}
		for mode, f := range round {
			snippet{text: "cvt." + mode + "." + k.name + ".f32 d, a;", widths: fmt.Sprint(wide, 32), draw: nearIntegers, want: func(v [4]uint64) uint64 {
				x := float64(f32of(v[0]))
				switch {
				case x != x && k.bits == 64:
					return 1 << 63
				case x != x:
					return 0
				case math.IsInf(x, 1):
					return cut(most, wide)
				case math.IsInf(x, -1):
					return cut(lowest, wide)
				}
				n, _ := big.NewFloat(f(x)).Int(nil)
				if n.Cmp(most) > 0 {
					n = most
				} else if n.Cmp(lowest) < 0 {
					n = lowest
				}
				return cut(n, wide)
			}}.holds(t)
		}
	}
}

// nearIntegers are floats, many of them halves.
func nearIntegers() *rapid.Generator[uint64] {
	halves := rapid.Map(rapid.IntRange(-600, 600), func(n int) uint64 { return uint64(math.Float32bits(float32(n) / 4)) })
	limits := rapid.Map(rapid.IntRange(-66, 66), func(n int) uint64 {
		return uint64(math.Float32bits(float32(math.Copysign(math.Ldexp(1, max(n, -n)), float64(n)))))
	})
	return rapid.OneOf(halves, limits, floatBits())
}
