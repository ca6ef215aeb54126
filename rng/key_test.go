package rng

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKnownAnswers(t *testing.T) {
	text, err := os.ReadFile("testdata/philox4x32-10.txt")
	require.NoError(t, err)
	n := 0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var k Key
		var c, want [4]uint32
		_, err := fmt.Sscanf(line, "%x %x %x %x %x %x %x %x %x %x", &c[0], &c[1], &c[2], &c[3], &k.K0, &k.K1,
			&want[0], &want[1], &want[2], &want[3])
		require.NoError(t, err)
		require.Equal(t, want, k.Block(c))
		n++
	}
	require.Equal(t, 3, n)
}

func TestNewKey(t *testing.T) {
	require.Equal(t, Key{K0: 0x89abcdef, K1: 0x01234567}, NewKey(0x0123456789abcdef))
}

func TestFold(t *testing.T) {
	k := NewKey(1)
	b := k.Block([4]uint32{7, 9, 0, 0xff000000})
	require.Equal(t, Key{b[0], b[1]}, k.Fold(9<<32|7))
	seen := map[Key]bool{k: true}
	for n := range uint64(50_000) {
		seen[k.Fold(n)] = true
		seen[k.Fold(n<<32|1<<31)] = true
	}
	require.Len(t, seen, 100_001)
	require.NotEqual(t, k.Fold(1).Fold(2), k.Fold(2).Fold(1))
}

func TestCounter(t *testing.T) {
	require.Equal(t, [4]uint32{7, 3, 100, 0}, Counter(7, 3, 100, Sample, 0))
	require.Equal(t, [4]uint32{1, 2, 3, 0x04abcdef}, Counter(1, 2, 3, Eval, 0xabcdef))
	require.Equal(t, []uint8{0, 1, 2, 3, 4, 253, 254, 255},
		[]uint8{Sample, Init, Reset, Data, Eval, purposeNormal, purposeUniform, purposeFold}, "recorded runs hold these")
	require.PanicsWithValue(t, badBlock, func() { Counter(0, 0, 0, Sample, 1<<24) })
}

func BenchmarkBlock(b *testing.B) {
	k, c := NewKey(1), [4]uint32{}
	for b.Loop() {
		c = k.Block(c)
	}
	b.ReportMetric(4e3*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "Mword/s")
}
