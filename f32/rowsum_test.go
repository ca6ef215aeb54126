package f32

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// warp is the sum as 32 threads take it, every lane to the end; the row is padded in memory.
func warp(x []float32) (p [32]float32) {
	padded := append(append([]float32(nil), x...), make([]float32, (32-len(x)%32)%32)...)
	for i, v := range padded {
		p[i%32] += v
	}
	for _, o := range []int{16, 8, 4, 2, 1} {
		q := p
		for j := range p {
			p[j] = q[j] + q[j^o]
		}
	}
	return p
}

func TestRowSumIsTheWarps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Float32Range(-1e3, 1e3), 0, 200).Draw(t, "x")
		got := math.Float32bits(RowSum(x))
		for j, v := range warp(x) {
			require.Equal(t, math.Float32bits(v), got, "lane %d", j)
		}
	})
}

func TestRowSumValues(t *testing.T) {
	require.Zero(t, RowSum[float32](nil))
	require.False(t, math.Signbit(RowSum([]float64{math.Copysign(0, -1)})), "partials start at +0")
	x := make([]float64, 1000)
	for i := range x {
		x[i] = float64(i)
	}
	require.Equal(t, 499_500.0, RowSum(x))
	require.Zero(t, testing.AllocsPerRun(10, func() { RowSum(x) }))

	// Partial 0 takes elements 0, 32, 64 in this order: 1 is lost in 2^24, and stays lost when 2^24 leaves.
	y := make([]float32, 65)
	y[0], y[32], y[64] = 0x1p24, 1, -0x1p24
	require.Zero(t, RowSum(y))
	// Elements 0 and 16 meet first, then 8.
	z := make([]float32, 32)
	z[0], z[16], z[8] = 0x1p24, -0x1p24, 1
	require.Equal(t, float32(1), RowSum(z))
	z[16], z[8] = 1, -0x1p24
	require.Zero(t, RowSum(z))
}

func BenchmarkRowSum(b *testing.B) {
	x := make([]float32, 256)
	b.Run("n=256", func(b *testing.B) {
		for b.Loop() {
			sink = RowSum(x)
		}
	})
}
