package f32

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// exactFMA is x*y + z by way of arithmetic without rounding; ok is false for an exact zero, whose sign is not big's.
func exactFMA(x, y, z float32) (v float32, ok bool) {
	wide := func(v float32) *big.Float { return new(big.Float).SetPrec(1000).SetFloat64(float64(v)) }
	s := wide(x)
	s.Mul(s, wide(y)).Add(s, wide(z))
	v, _ = s.Float32()
	return v, s.Sign() != 0
}

// hard draws arguments from the places where a fused multiply-add goes wrong.
func hard(r *rand.Rand) (x, y, z float32) {
	sign := func() float32 { return float32(1 - 2*int(r.Uint32()&1)) }
	scale := func(v float64, e int) float32 { return sign() * float32(math.Ldexp(v, e)) }
	odd := func() float64 { return float64(1<<23 | r.Uint32()>>9) } // 24 bits
	switch r.IntN(6) {
	case 0: // any finite bits
		return finite(r), finite(r), finite(r)
	case 1: // few bits, so sums are exact or ties
		v := func() float32 { return scale(float64(r.IntN(8)), r.IntN(30)-15) }
		return v(), v(), v()
	case 2: // cancellation: z is the rounded product, negated
		x, y = scale(odd(), r.IntN(60)-80), scale(odd(), r.IntN(60)-80)
		return x, y, -float32(x * y)
	case 3: // just beside a midpoint: z plus half an ulp of z times 1 - i² 2^-46, or times 1
		i, e := float64(r.IntN(3)), r.IntN(40)-20
		return scale(1+i*0x1p-23, -1-e), scale(1-i*0x1p-23, e), scale(odd(), 0)
	case 4: // the same among subnormals, whose ulp is 2^-149; 361² 2^-46 = 0.994 2^-29 is nearly one ulp of float64
		i := []float64{0, 1, 2, 361}[r.IntN(4)]
		return scale(1+i*0x1p-23, -75), scale(1-i*0x1p-23, -75), scale(float64(r.IntN(1<<r.IntN(24))), -149)
	default: // about the largest finite number
		return scale(odd(), 40), scale(odd(), 40+r.IntN(3)), scale(odd(), 103+r.IntN(2))
	}
}

func finite(r *rand.Rand) float32 {
	for {
		if v := math.Float32frombits(r.Uint32()); v-v == 0 {
			return v
		}
	}
}

// It runs a few seconds, as each case is also done in 1,000-bit arithmetic.
func TestFMAExact(t *testing.T) {
	n := 2_000_000
	if testing.Short() {
		n = 200_000
	}
	r := rand.New(rand.NewPCG(1, 2))
	twice := 0 // cases in which rounding to float64 first gives another result
	for range n {
		x, y, z := hard(r)
		got := FMA(x, y, z)
		want, ok := exactFMA(x, y, z)
		if got != want || ok && math.Signbit(float64(got)) != math.Signbit(float64(want)) {
			require.Failf(t, "not exact", "FMA(%x, %x, %x) = %x, want %x", x, y, z, got, want)
		}
		if float32(math.FMA(float64(x), float64(y), float64(z))) != want {
			twice++
		}
	}
	require.Greater(t, twice, n/50, "the cases are too easy to tell one rounding from two")
}

func TestFMASpecial(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	zero, neg := float32(0), float32(math.Copysign(0, -1))
	const big, tiny = math.MaxFloat32, math.SmallestNonzeroFloat32
	for _, c := range []struct{ x, y, z, want float32 }{
		{zero, 1, zero, zero}, {zero, 1, neg, zero}, {neg, 1, neg, neg}, {neg, -1, neg, zero}, {1, -1, 1, zero},
		{tiny, tiny, zero, zero}, {-tiny, tiny, zero, neg}, {tiny, 0.5, zero, zero}, {tiny, 0.75, zero, tiny},
		{tiny, 0.5, tiny, 2 * tiny}, {tiny, -0.5, tiny, zero}, {tiny, tiny, tiny, tiny},
		{0x1p-126, 1, -tiny, 0x1.fffffcp-127}, {0x1.fffffep-127, 1, zero, 0x1p-126},
		{big, 1, 0x1p102, big}, {big, 1, 0x1p103, inf}, {-big, 1, -0x1p103, -inf}, {big, big, -big, inf},
		{big, 2, -big, big}, {big, -big, inf, inf},
		{inf, 1, 1, inf}, {inf, -1, 1, -inf}, {1, 1, -inf, -inf}, {-inf, -inf, inf, inf},
		{inf, zero, 1, nan}, {inf, 1, -inf, nan}, {nan, 1, 1, nan}, {1, nan, 1, nan}, {1, 1, nan, nan},
	} {
		for _, got := range []float32{FMA(c.x, c.y, c.z), FMA(c.y, c.x, c.z)} {
			if c.want != c.want {
				require.True(t, got != got, "%x * %x + %x = %x", c.x, c.y, c.z, got)
				continue
			}
			require.Equal(t, math.Float32bits(c.want), math.Float32bits(got), "%x * %x + %x = %x", c.x, c.y, c.z, got)
		}
	}
}

func BenchmarkFMA(b *testing.B) {
	var x, y [256]float32
	r := rand.New(rand.NewPCG(1, 2))
	for i := range x {
		x[i], y[i] = r.Float32()-0.5, r.Float32()-0.5
	}
	b.Run("chain/n=256", func(b *testing.B) {
		var s float32
		for b.Loop() {
			for i, v := range x {
				s = FMA(v, y[i], s)
			}
		}
		sink = s
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/256, "ns/fma")
	})
	b.Run("independent/n=256", func(b *testing.B) {
		for b.Loop() {
			for i, v := range x {
				y[i] = FMA(v, 1e-6, y[i])
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/256, "ns/fma")
	})
}

var sink float32
