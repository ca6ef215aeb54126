package f32

import (
	"fmt"
	"hash/fnv"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// ulps is the error of got in units of the last place of a float32 near want.
func ulps(got float32, want float64) float64 {
	_, e := math.Frexp(want)
	return math.Abs(float64(got)-want) / math.Ldexp(1, max(e, -125)-24)
}

// functions are the elementary functions with their reference and documented errors; abs is NaN where none is stated.
// The intervals are in order, so a sweep walks the bits of the magnitudes.
var functions = []struct {
	name      string
	f         func(float32) float32
	ref       func(float64) float64
	lo, hi    float32 // magnitudes
	signs     []float32
	ulp, abs  float64
	monotonic bool
}{
	{"exp", Exp, math.Exp, 0, 88, []float32{1}, 1.65, math.NaN(), true},
	{"exp of negative", Exp, math.Exp, 0, 87, []float32{-1}, 1.65, math.NaN(), false},
	{"log", Log, math.Log, 0x1p-126, math.MaxFloat32, []float32{1}, 0.86, math.NaN(), true},
	{"sin", Sin, math.Sin, 0, TrigLimit, []float32{1, -1}, 1.55, 7.5e-8, false},
	{"cos", Cos, math.Cos, 0, TrigLimit, []float32{1, -1}, 1.55, 7.5e-8, false},
	{"tanh", Tanh, math.Tanh, 0, 12, []float32{1, -1}, 1.37, math.NaN(), true},
}

// The documented bounds hold for all inputs; here a few hundred thousand of them stand for the rest.
func TestErrors(t *testing.T) {
	for _, c := range functions {
		t.Run(c.name, func(t *testing.T) {
			worst, worstAbs := 0.0, 0.0
			for _, sign := range c.signs {
				last, back := c.f(sign*c.lo), 0
				for b := math.Float32bits(c.lo); b <= math.Float32bits(c.hi); b += 3001 {
					x := sign * math.Float32frombits(b)
					y, want := c.f(x), c.ref(float64(x))
					worst = max(worst, ulps(y, want))
					worstAbs = max(worstAbs, math.Abs(float64(y)-want))
					if sign*(y-last) < 0 {
						back++
					}
					last = y
				}
				if c.monotonic {
					require.Zero(t, back, "steps against the direction")
				}
			}
			require.Less(t, worst, c.ulp)
			require.Greater(t, worst, c.ulp-0.3, "the stated bound is loose")
			if c.abs == c.abs {
				require.Less(t, worstAbs, c.abs)
			}
		})
	}
}

// Neighbours are where a function that is monotonic from afar would step back.
func TestMonotonicNeighbours(t *testing.T) {
	for _, c := range functions {
		if !c.monotonic {
			continue
		}
		for _, at := range []float32{0.01, 0.34, 0.625, 0.6666667, 1, 1.04, 1.3333333, 2, 8, 9.01} {
			last := c.f(c.signs[0] * at)
			for b := math.Float32bits(at); b < math.Float32bits(at)+20000; b++ {
				y := c.f(c.signs[0] * math.Float32frombits(b))
				require.False(t, c.signs[0]*(y-last) < 0, "%s at %x", c.name, b)
				last = y
			}
		}
	}
}

func TestSpecialValues(t *testing.T) {
	inf, nan, neg := float32(math.Inf(1)), float32(math.NaN()), float32(math.Copysign(0, -1))
	above := func(x float32) float32 { return math.Nextafter32(x, inf) }
	for _, c := range []struct {
		name    string
		f       func(float32) float32
		x, want float32
	}{
		{"exp", Exp, 0, 1}, {"exp", Exp, neg, 1}, {"exp", Exp, inf, inf}, {"exp", Exp, -inf, 0}, {"exp", Exp, nan, nan},
		{"exp", Exp, above(88), inf}, {"exp", Exp, -above(87), 0}, {"exp", Exp, -1e30, 0}, {"exp", Exp, 1e-45, 1},
		{"exp", Exp, 88, 0x1.f1056ep+126}, {"exp", Exp, -87, 0x1.666d0ep-126},
		{"log", Log, 1, 0}, {"log", Log, 0, -inf}, {"log", Log, neg, -inf}, {"log", Log, -1, nan},
		{"log", Log, -inf, nan}, {"log", Log, nan, nan}, {"log", Log, 2, math.Ln2}, {"log", Log, 0x1p-126, -126 * math.Ln2},
		{"log", Log, inf, 128 * math.Ln2}, {"log", Log, 1e-45, -127 * math.Ln2},
		{"sin", Sin, 0, 0}, {"sin", Sin, neg, neg}, {"sin", Sin, 1e-45, 1e-45}, {"sin", Sin, inf, nan},
		{"sin", Sin, -inf, nan}, {"sin", Sin, nan, nan}, {"sin", Sin, above(TrigLimit), nan},
		{"sin", Sin, math.Pi / 2, 1}, {"sin", Sin, math.Pi, -8.7422777e-08}, {"sin", Sin, -math.Pi, 8.7422777e-08},
		{"cos", Cos, 0, 1}, {"cos", Cos, neg, 1}, {"cos", Cos, inf, nan}, {"cos", Cos, nan, nan},
		{"cos", Cos, -above(TrigLimit), nan}, {"cos", Cos, math.Pi, -1}, {"cos", Cos, math.Pi / 2, -4.371139e-08},
		{"tanh", Tanh, 0, 0}, {"tanh", Tanh, neg, neg}, {"tanh", Tanh, 1e-45, 1e-45}, {"tanh", Tanh, inf, 1},
		{"tanh", Tanh, -inf, -1}, {"tanh", Tanh, nan, nan}, {"tanh", Tanh, 9.0109139, 1}, {"tanh", Tanh, 1e30, 1},
		{"tanh", Tanh, math.Nextafter32(9.0109139, 0), 1 - 0x1p-24},
	} {
		y := c.f(c.x)
		if c.want != c.want {
			require.True(t, y != y, "%s(%v) = %v", c.name, c.x, y)
			continue
		}
		require.Equal(t, math.Float32bits(c.want), math.Float32bits(y), "%s(%v) = %v", c.name, c.x, y)
	}
}

func TestSymmetry(t *testing.T) {
	for b := uint32(0); b <= 0x7f800000; b += 9973 {
		x := math.Float32frombits(b)
		for _, c := range []struct {
			f    func(float32) float32
			flip uint32
		}{{Sin, signBit}, {Tanh, signBit}, {Cos, 0}} {
			y, z := c.f(x), c.f(-x)
			require.True(t, math.Float32bits(y)^c.flip == math.Float32bits(z) || y != y && z != z, "at %x", x)
		}
	}
}

// golden is the FNV-1a hash of a function's bits (little endian, NaN as 7fc00000) over 100,000 inputs.
func golden(f, input func(float32) float32) string {
	h := fnv.New64a()
	for i := range 100_000 {
		b := uint32(0x7fc00000)
		if y := f(input(float32(i - 50_000))); y == y {
			b = math.Float32bits(y)
		}
		h.Write([]byte{byte(b), byte(b >> 8), byte(b >> 16), byte(b >> 24)})
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// The hashes are the definition: assembly, GPU kernels and committed parameter hashes rest on them. They must not
// change. A C text of the same formulas, compiled to hardware FMA instructions, gave the same hashes.
func TestGolden(t *testing.T) {
	times := func(s float32) func(float32) float32 { return func(i float32) float32 { return i * s } }
	for _, c := range []struct {
		name     string
		f, input func(float32) float32
		hash     string
	}{
		{"exp", Exp, times(0x1p-9), "6f963b4b37a3ad01"},
		{"log", Log, func(i float32) float32 { return math.Float32frombits(uint32(i+50_000) * 21389) }, "9bee49068541e2b4"},
		{"sin", Sin, times(0x1.8p-10), "e1780c07d611fc8f"},
		{"sin, wide", Sin, times(1.3125), "7130db37f3921880"},
		{"cos", Cos, times(0x1.8p-10), "3ee2fe78bff2ada5"},
		{"cos, wide", Cos, times(1.3125), "fd4af51429c88cd1"},
		{"tanh", Tanh, times(0x1.8p-13), "4562dc46bf27ead0"},
	} {
		require.Equal(t, c.hash, golden(c.f, c.input), c.name)
	}
}

func BenchmarkFunctions(b *testing.B) {
	for _, c := range functions {
		b.Run(c.name, func(b *testing.B) {
			x := c.signs[0] * 1.7
			for b.Loop() {
				sink = c.f(x)
			}
		})
	}
}
