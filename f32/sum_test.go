package f32

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestTwoSumIsExact(t *testing.T) {
	wide := func(v float32) *big.Float { return new(big.Float).SetPrec(400).SetFloat64(float64(v)) }
	term := rapid.Float32Range(-math.MaxFloat32/2, math.MaxFloat32/2)
	rapid.Check(t, func(t *rapid.T) {
		a, b := term.Draw(t, "a"), term.Draw(t, "b")
		s, e := TwoSum(a, b)
		require.Equal(t, float32(float64(a)+float64(b)), s) // 24-bit terms: the float64 step cannot spoil the rounding
		exact, parts := wide(a), wide(s)
		exact.Add(exact, wide(b))
		parts.Add(parts, wide(e))
		require.Zero(t, exact.Cmp(parts), "%x + %x = %x + %x", a, b, s, e)
	})
}

func TestSumKeepsWhatPlainSumsLose(t *testing.T) {
	var s Sum[float32]
	require.Zero(t, s.Value())
	s.Add(1)
	for range 1 << 20 {
		s.Add(0x1p-30)
	}
	require.Equal(t, float32(1+0x1p-10), s.Value())

	var c Sum[float32] // the large terms cancel, the small one is in lo
	for _, x := range []float32{1e30, 1, -1e30} {
		c.Add(x)
	}
	require.Equal(t, float32(1), c.Value())

	var d Sum[float64]
	for _, x := range []float64{1e300, 1, -1e300} {
		d.Add(x)
	}
	require.Equal(t, 1.0, d.Value())

	var i Sum[float32]
	i.Add(float32(math.Inf(-1)))
	require.True(t, math.IsNaN(float64(i.Value())))
}

// TestSumSteps spells out the recurrence: the order of the terms and the plain addition of the errors are part of it.
func TestSumSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Sum[float32]
		var hi, lo float32
		for _, x := range rapid.SliceOf(rapid.Float32Range(-1e6, 1e6)).Draw(t, "x") {
			s.Add(x)
			next := hi + x
			// The exact error of one float32 addition is a float32, and float64 holds it on the way.
			lo += float32(float64(hi) - float64(next) + float64(x))
			hi = next
		}
		require.Equal(t, math.Float32bits(hi+lo), math.Float32bits(s.Value()))
	})
}

func BenchmarkSum(b *testing.B) {
	var s Sum[float32]
	for b.Loop() {
		s.Add(0.1)
	}
	sink = s.Value()
}
