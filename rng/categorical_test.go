package rng

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"

	"github.com/sluice-ml/sluice/f32"
)

// warp is the draw as a warp makes it, all lanes at once; guard says that no action was found.
func warp(w1 uint32, logits []float32, mask []uint32) (action int, guard bool) {
	ok := func(j int) bool { return j < len(logits) && mask[j/32]>>(j%32)&1 != 0 }
	top, last := float32(math.Inf(-1)), -1
	for j, x := range logits {
		if ok(j) {
			last = j
			if x > top {
				top = x
			}
		}
	}
	blocks := (len(logits) + 31) / 32
	var e [][32]float32
	prefix := []float32{0}
	for b := range blocks {
		var p [32]float32
		for j := range p {
			if i := 32*b + j; ok(i) {
				p[j] = f32.Exp(logits[i] - top)
			}
		}
		e = append(e, p)
		for _, o := range []int{16, 8, 4, 2, 1} {
			q := p
			for j := range p {
				p[j] = q[j] + q[j^o]
			}
		}
		prefix = append(prefix, prefix[b]+p[31])
	}
	target := Uniform(w1) * prefix[blocks]
	for b := range blocks {
		if !(prefix[b+1] > target) {
			continue
		}
		s := e[b]
		for _, o := range []int{1, 2, 4, 8, 16} {
			q := s
			for j := o; j < 32; j++ {
				s[j] = q[j] + q[j-o]
			}
		}
		for j, v := range s {
			if ok(32*b+j) && prefix[b]+v > target {
				return 32*b + j, false
			}
		}
		break
	}
	return last, true
}

func TestCategoricalIsTheWarps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(rapid.IntRange(1, 100), rapid.SampledFrom([]int{32, 64, 512, 513, 700})).Draw(t, "n")
		k, r := NewKey(rapid.Uint64().Draw(t, "key")), rapid.Float32Range(0, 8).Draw(t, "spread")
		logits, mask := make([]float32, n), make([]uint32, (n+31)/32)
		k.Normal(logits, 0)
		sparse := rapid.Bool().Draw(t, "sparse")
		for j := range logits {
			logits[j] *= r
		}
		for b := range mask {
			w := k.Block([4]uint32{uint32(b)})
			if mask[b] = w[0]; sparse {
				mask[b] &= w[1] & w[2] & w[3]
			}
		}
		for i := range uint32(20) {
			w1 := k.Block([4]uint32{i, 1})[0]
			want, _ := warp(w1, logits, mask)
			require.Equal(t, want, Categorical(0, w1, 0, logits, mask))
		}
	})
}

// The last allowed action is drawn where the scan's sum is rounded below the butterfly's.
func TestGuard(t *testing.T) {
	logits, mask := make([]float32, 64), []uint32{math.MaxUint32, 0x7fffffff}
	k, guards := NewKey(3), 0
	for i := range uint64(4000) {
		k.Normal(logits, 64*i)
		logits[40] = -60 // little in the second block: its sum is the first one's, and the first one is picked from
		for j := 32; j < 64; j++ {
			logits[j] -= 60
		}
		want, guard := warp(math.MaxUint32, logits, mask)
		require.Equal(t, want, Categorical(0, math.MaxUint32, 0, logits, mask))
		if guard {
			require.Equal(t, 62, want)
			guards++
		}
	}
	require.Positive(t, guards)
}

func TestExtremeLogits(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	all := []uint32{math.MaxUint32}
	for _, c := range []struct {
		logits []float32
		mask   []uint32
		want   []int // the actions drawn
	}{
		{[]float32{-1e30, 0, -1e30}, all, []int{1}},
		{[]float32{88, -88}, all, []int{0}},
		{[]float32{-88, 88, 88, -88}, all, []int{1, 2}},
		{[]float32{-1e30, -1e30}, all, []int{0, 1}},
		{[]float32{1e30, -1e30, 1e30}, all, []int{0, 2}},
		{[]float32{math.MaxFloat32, -math.MaxFloat32}, all, []int{0}},
		{[]float32{1e30, -1e30, 1e30}, []uint32{2}, []int{1}}, // the largest logit is not allowed
		{[]float32{nan, -5, inf}, []uint32{2}, []int{1}},
		{[]float32{-inf, 0, -inf}, all, []int{1}},
		{[]float32{-inf, -inf, 0}, []uint32{3}, []int{1}}, // no finite one: the last allowed
		{[]float32{0, nan, 0, 0}, []uint32{7}, []int{2}},
		{[]float32{nan, nan}, all, []int{1}},
		{[]float32{inf, 0, 0}, all, []int{2}},
		{[]float32{0, 0}, []uint32{0}, []int{-1}},
		{[]float32{0, 0}, []uint32{4}, []int{-1}}, // a bit beyond the logits
		{nil, nil, []int{-1}},
	} {
		seen, wide := map[int]bool{}, make([]float64, len(c.logits))
		for i, x := range c.logits {
			wide[i] = float64(x)
		}
		for i := range uint32(1000) {
			w := NewKey(9).Block([4]uint32{i})
			a := Categorical(w[0], w[1], 0, c.logits, c.mask)
			require.Equal(t, a, Categorical(w[0], w[1], 0, wide, c.mask))
			seen[a] = true
		}
		require.Len(t, seen, len(c.want), "%v: %v", c.logits, seen)
		for _, a := range c.want {
			require.True(t, seen[a], "%v: %v", c.logits, seen)
		}
	}
	require.PanicsWithValue(t, badMask, func() { Categorical(0, 0, 0, make([]float32, 33), all) })
}

// A running sum that equals the target is not above it: u = 0.8 + 1.2e-8 times 40 or 5 rounds to 32 or 4.
func TestTies(t *testing.T) {
	const w1 = 6710886 << 9
	mask := []uint32{math.MaxUint32, math.MaxUint32}
	require.Equal(t, float32(32), 40*Uniform(w1))
	require.Equal(t, 32, Categorical(0, w1, 0, make([]float32, 40), mask), "between blocks")
	require.Equal(t, float32(4), 5*Uniform(w1))
	require.Equal(t, 4, Categorical(0, w1, 0, make([]float32, 5), mask), "within a block")
}

func TestEpsilonBranch(t *testing.T) {
	logits, mask := make([]float32, 70), []uint32{1 << 5, 0, 1<<1 | 1<<3 | 1<<31} // 5, 65, 67; 95 is no action
	logits[65] = 50
	for _, c := range []struct {
		w1   uint32
		want int
	}{
		{0, 5}, {math.MaxUint32 / 3, 5}, {math.MaxUint32/3 + 1024, 65}, {math.MaxUint32/3*2 - 1024, 65},
		{math.MaxUint32/3*2 + 1024, 67}, {math.MaxUint32, 67},
	} {
		require.Equal(t, c.want, Categorical(math.MaxUint32, c.w1, 1, logits, mask))
		require.Equal(t, c.want, Categorical(0, c.w1, 0x1.000002p-24, logits, mask), "the least u is below epsilon")
		require.Equal(t, 65, Categorical(0, c.w1, 0x1p-24, logits, mask), "the least u is not below epsilon")
		require.Equal(t, 65, Categorical(0, c.w1, float32(math.NaN()), logits, mask))
	}
	require.Equal(t, -1, Categorical(0, 0, 1, logits, make([]uint32, 3)))
	for n := 1; n < 3000; n += 7 { // the largest u gives the last action, whatever n
		full := make([]uint32, (n+31)/32)
		for b := range full {
			full[b] = math.MaxUint32
		}
		require.Equal(t, n-1, Categorical(0, math.MaxUint32, 1, make([]float32, n), full))
	}
}

// frequencies tests draws against exact probabilities by chi-square; the key is fixed, so it passes or fails for good.
func frequencies[T f32.Float](t *testing.T, n int, spread T, mask uint32, epsilon float32) {
	const draws = 20_000
	logits, words := make([]T, n), make([]uint32, (n+31)/32)
	for b := range words {
		words[b] = mask
	}
	p, sum, allowed := make([]float64, n), 0.0, 0
	for j := range logits {
		logits[j] = spread * T(math.Sin(float64(3*j+1)))
		if words[j/32]>>(j%32)&1 != 0 {
			p[j] = math.Exp(float64(logits[j]))
			sum += p[j]
			allowed++
		}
	}
	count := make([]int, n)
	for i := range uint32(draws) {
		w := NewKey(uint64(n)).Block(Counter(i, 0, 0, Sample, 0))
		count[Categorical(w[0], w[1], epsilon, logits, words)]++
	}
	var chi2, restP float64
	cells, rest := 0, 0
	add := func(p float64, c int) { chi2 += (float64(c) - draws*p) * (float64(c) - draws*p) / (draws * p); cells++ }
	for j := range p {
		if words[j/32]>>(j%32)&1 == 0 {
			require.Zero(t, count[j])
			continue
		}
		q := (1-float64(epsilon))*p[j]/sum + float64(epsilon)/float64(allowed)
		if draws*q < 8 { // too few for the approximation: one cell for all of them
			restP, rest = restP+q, rest+count[j]
		} else {
			add(q, count[j])
		}
	}
	if draws*restP >= 8 {
		add(restP, rest)
	}
	if cells > 1 {
		require.Greater(t, distuv.ChiSquared{K: float64(cells - 1)}.Survival(chi2), 1e-4,
			"n=%d spread=%v mask=%x epsilon=%v: chi2 %.1f in %d cells", n, spread, mask, epsilon, chi2, cells)
	}
}

func TestFrequencies(t *testing.T) {
	for _, n := range []int{1, 5, 32, 33, 100} {
		for _, mask := range []uint32{math.MaxUint32, 0x5a5a5a5b} {
			frequencies[float32](t, n, 0, mask, 0)
			frequencies[float32](t, n, 2, mask, 0)
			frequencies[float32](t, n, 2, mask, 0.25)
			frequencies(t, n, 2.0, mask, 0.25)
		}
	}
	frequencies[float32](t, 100, 5, 0x00010001, 0.01)
}

func TestNeverAMaskedAction(t *testing.T) {
	draws := uint32(1_000_000)
	if testing.Short() {
		draws = 100_000
	}
	logits, mask := make([]float32, 70), make([]uint32, 3)
	k := NewKey(21)
	k.Normal(logits, 0)
	for j := range logits {
		logits[j] *= 10
	}
	for i := range draws {
		w := k.Block(Counter(i, 0, 0, Eval, 0))
		mask[0], mask[1], mask[2] = w[2]&w[3], w[2]&(w[3]>>7)&(w[3]<<9), w[3]&(w[2]<<16)
		a := Categorical(w[0], w[1], 0.3, logits, mask)
		if none := mask[0]|mask[1]|mask[2]&(1<<6-1) == 0; none != (a < 0) || a >= len(logits) || a >= 0 && mask[a/32]>>(a%32)&1 == 0 {
			require.Failf(t, "not allowed", "action %d, mask %x", a, mask)
		}
	}
}

// Recorded runs rest on these draws. They must not change. They were also computed by a C program that knows nothing
// of this package but the formulas in its comments.
func TestGoldenDraws(t *testing.T) {
	want := [64]int{57, 74, 15, 19, 64, 27, 27, 19, 19, 73, 35, 9, 19, 13, 15, 19, 50, 65, 32, 10, 46, 13, 32, 73, 65, 67, 30, 13, 18, 31, 6, 32, 13, 15, 31, 6, 15, 19, 19, 64, 50, 19, 31, 31, 15, 15, 27, 6, 65, 27, 6, 70, 55, 76, 68, 15, 27, 23, 34, 76, 65, 72, 12, 71}
	logits := make([]float32, 77)
	for j := range logits {
		logits[j] = float32(j*j%23) * 0.25
	}
	mask := []uint32{0xdeadbeef, 0x0badf00d, 0xffffffff}
	for i, a := range want {
		w := NewKey(42).Block(Counter(uint32(i), 3, 100, Sample, 0))
		require.Equal(t, a, Categorical(w[0], w[1], 0.25, logits, mask), "draw %d", i)
	}
}

func TestCategoricalAllocatesNothing(t *testing.T) {
	logits, wide, mask := make([]float32, 700), make([]float64, 700), make([]uint32, 22)
	for b := range mask {
		mask[b] = math.MaxUint32
	}
	require.Zero(t, testing.AllocsPerRun(10, func() {
		Categorical(5, 1<<31, 0, logits, mask)
		Categorical(5, 1<<31, 0, wide, mask)
	}))
}

func BenchmarkCategorical(b *testing.B) {
	for _, c := range []struct {
		name string
		n    int
	}{{"n=3", 3}, {"n=32", 32}, {"n=300", 300}} {
		b.Run(c.name, func(b *testing.B) {
			logits, mask := make([]float32, c.n), make([]uint32, (c.n+31)/32)
			for i := range mask {
				mask[i] = math.MaxUint32
			}
			b.ReportAllocs()
			w := uint32(0)
			for b.Loop() {
				w += 0x9E3779B9
				Categorical(w, w, 0.01, logits, mask)
			}
		})
	}
}
