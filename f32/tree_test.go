package f32

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// recursive is the same tree from the root down: the left branch is the largest power of two below n.
func recursive(x []float32) float32 {
	if len(x) == 1 {
		return x[0]
	}
	p := 1
	for 2*p < len(x) {
		p *= 2
	}
	return recursive(x[:p]) + recursive(x[p:])
}

func TestTree(t *testing.T) {
	require.Zero(t, Tree[float32](nil))
	require.True(t, math.Signbit(Tree([]float64{math.Copysign(0, -1)})), "one element is returned as it is")
	// 2^24 + 1 rounds down to 2^24: each order of the five has its own result.
	require.Equal(t, float32(0x1p24+4), Tree([]float32{0x1p24, 1, 1, 1, 3})) // ((2^24+1) + 2) + 3, 5 to even
	require.Equal(t, 15.0, Tree([]float64{1, 2, 3, 4, 5}))
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Float32Range(-1e3, 1e3), 1, 300).Draw(t, "x")
		want := recursive(x)
		require.Equal(t, math.Float32bits(want), math.Float32bits(Tree(x)))
	})
}
