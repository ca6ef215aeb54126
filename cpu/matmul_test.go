// This file tests that every tier gives the bits of the definition.

package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// shape names the variants of a product.
type shape struct {
	m, n, k         int
	tA, tB          bool
	acc, relu       bool
	bias, gate      bool
	packed, special bool // special: NaN, infinities, -0 and subnormals among the numbers
	pad             int  // columns between rows
}

func (s shape) String() string {
	name := []byte("NN")
	if s.tA {
		name[0] = 'T'
	}
	if s.tB {
		name[1] = 'T'
	}
	text := fmt.Sprintf("%s/m=%d/n=%d/k=%d", name, s.m, s.n, s.k)
	for _, f := range []struct {
		on   bool
		name string
	}{{s.acc, "acc"}, {s.relu, "relu"}, {s.bias, "bias"}, {s.gate, "gate"}, {s.packed, "packed"}, {s.special, "special"},
		{s.pad > 0, "pad"}} {
		if f.on {
			text += "/" + f.name
		}
	}
	return text
}

var specials = []float32{0, float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
	math.SmallestNonzeroFloat32, -3 * math.SmallestNonzeroFloat32, 0x1p-126, math.MaxFloat32, 0x1p-75, -0x1p-74}

// numbers fills a matrix; the values between rows are canaries that no kernel may take for data.
func numbers(r *rand.Rand, rows, cols, ld int, special bool) []float32 {
	x := make([]float32, max(0, (rows-1)*ld+cols))
	for i := range x {
		x[i] = canary
		if i%ld < cols {
			x[i] = float32(r.NormFloat64())
			if special && r.IntN(12) == 0 {
				x[i] = specials[r.IntN(len(specials))]
			}
		}
	}
	return x
}

const canary = 1e30

// build makes a product of the shape with random numbers. It ends every matrix at the end of its slice's memory.
func (s shape) build(seed uint64) *product[float32] {
	r := rand.New(rand.NewPCG(seed, 1))
	p := &product[float32]{tA: s.tA, tB: s.tB, m: s.m, n: s.n, k: s.k, acc: s.acc, relu: s.relu}
	p.lda, p.ldb, p.ldc, p.ldg = s.k+s.pad, s.n+s.pad, s.n+s.pad, s.n+2*s.pad
	aRows, aCols, bRows, bCols := s.m, s.k, s.k, s.n
	if s.tA {
		aRows, aCols, p.lda = s.k, s.m, s.m+s.pad
	}
	if s.tB {
		bRows, bCols, p.ldb = s.n, s.k, s.k+s.pad
	}
	p.a = numbers(r, aRows, aCols, max(1, p.lda), s.special)
	p.b = numbers(r, bRows, bCols, max(1, p.ldb), s.special)
	p.c = numbers(r, s.m, s.n, max(1, p.ldc), s.special)
	if s.bias {
		p.bias = numbers(r, 1, s.n, max(1, s.n), s.special)
	}
	if s.gate {
		p.gate = numbers(r, s.m, s.n, max(1, p.ldg), s.special)
	}
	return p
}

// sameBits requires equal bits, any NaN for a NaN.
func sameBits(t require.TestingT, want, got []float32, what any) {
	require.Len(t, got, len(want))
	for i, w := range want {
		if math.Float32bits(w) != math.Float32bits(got[i]) && (w == w || got[i] == got[i]) {
			require.FailNow(t, "bits differ", "%v: element %d is %x, want %x", what, i, got[i], w)
		}
	}
}

// agree runs a product by the definition and by a tier.
func agree(t require.TestingT, w *packer, on tier, s shape, seed uint64) {
	p := s.build(seed)
	want := *p
	want.c = append([]float32(nil), p.c...)
	matmulDef(&want)
	if s.packed {
		p.packed = make([]float32, packedLen(s.k, s.n))
		for i := range p.packed {
			p.packed[i] = float32(math.NaN())
		}
		packB(on, p.packed, s.tB, s.k, s.n, p.b, p.ldb)
		p.b = nil
	}
	guarded(&p.a, &p.b, &p.c, &p.bias, &p.gate)
	w.matmul(on, p)
	sameBits(t, want.c, p.c, fmt.Sprintf("%v %v", on, s))
}

// The definition is the formula in its comment, step by step, for float64 too.
func TestMatmulDef(t *testing.T) {
	formula := func(p *product[float32], c []float32, i, j int) float32 {
		s := float32(0)
		if p.acc {
			s = c[i*p.ldc+j]
		}
		for q := range p.k {
			x, y := i*p.lda+q, q*p.ldb+j
			if p.tA {
				x = q*p.lda + i
			}
			if p.tB {
				y = j*p.ldb + q
			}
			s = fma(p.a[x], p.b[y], s)
		}
		if p.bias != nil {
			s += p.bias[j]
		}
		if p.relu && s < 0 {
			s = 0
		}
		if p.gate != nil && !(p.gate[i*p.ldg+j] > 0) {
			s = 0
		}
		return s
	}
	for flags := range 64 {
		s := shape{m: 3, n: 7, k: 5, pad: 2, special: true}.with(flags)
		p := s.build(uint64(flags))
		want := append([]float32(nil), p.c...)
		for i := range s.m {
			for j := range s.n {
				want[i*p.ldc+j] = formula(p, p.c, i, j)
			}
		}
		matmulDef(p)
		sameBits(t, want, p.c, s)
	}
	wide := &product[float64]{m: 1, n: 1, k: 2, a: []float64{3, 1e-9}, lda: 2, b: []float64{1, 1}, ldb: 1, c: make([]float64, 1), ldc: 1}
	matmulDef(wide)
	require.Equal(t, 3+1e-9, wide.c[0])
}

// with sets the variants by the bits of a number below 64.
func (s shape) with(flags int) shape {
	on := func(bit int) bool { return flags>>bit&1 != 0 }
	s.tA, s.tB, s.acc, s.relu, s.bias, s.gate = on(0), on(1), on(2), on(3), on(4), on(5)
	return s
}

// ReLU keeps -0 and NaN, and the gate is closed by NaN and opens for the least positive number, on every tier.
func TestMatmulEpilogueEdges(t *testing.T) {
	nan, negZero := float32(math.NaN()), float32(math.Copysign(0, -1))
	for _, on := range tiers() {
		var w packer
		c := []float32{negZero, nan, -1, 2, 2, 2, 2, 2}
		gate := []float32{1, 1, 1, nan, math.SmallestNonzeroFloat32, negZero, -1, float32(math.Inf(1))}
		w.matmul(on, &product[float32]{m: 1, n: 8, k: 0, lda: 0, ldb: 8, c: c, ldc: 8, acc: true, relu: true, gate: gate, ldg: 8})
		sameBits(t, []float32{negZero, nan, 0, 0, 2, 0, 0, 2}, c, on)
	}
}

// Shapes around every edge of tiles, panels and blocks, with all 64 variants.
func TestMatmulShapes(t *testing.T) {
	shapes := [][3]int{{1, 1, 1}, {2, 3, 0}, {5, 8, 9}, {6, 16, 8}, {7, 17, 16}, {9, 33, 17}, {13, 9, 5}, {25, 65, 31}, {26, 31, 33},
		{49, 70, 12}}
	for _, on := range tiers() {
		t.Run(on.String(), func(t *testing.T) {
			var w packer
			for i, dim := range shapes {
				for flags := range 64 {
					s := shape{m: dim[0], n: dim[1], k: dim[2], special: flags%3 == 0, packed: flags%5 == 0, pad: i % 3}.with(flags)
					agree(t, &w, on, s, uint64(flags))
				}
			}
		})
	}
}

// Shapes of real networks: heads, hidden layers, weight gradients; more than one block of k and of columns. The
// definition takes most of the time.
func TestMatmulLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("0.1 GFLOP by the software multiply-add")
	}
	for _, s := range []shape{
		{m: 16, n: 256, k: 256, bias: true, relu: true},
		{m: 123, n: 256, k: 700, acc: true, bias: true},
		{m: 77, n: 5, k: 256, bias: true, packed: true},
		{m: 256, n: 77, k: 256, tA: true, acc: true},
		{m: 100, n: 64, k: 256, tA: true, acc: true},
		{m: 30, n: 512, k: 300, tB: true, gate: true},
		{m: 30, n: 300, k: 512, special: true},
		{m: 8, n: 600, k: 260, tB: true, packed: true, relu: true},
		{m: 33, n: 9, k: 512, tA: true, tB: true},
	} {
		p := s.build(7)
		want := *p
		want.c = append([]float32(nil), p.c...)
		matmulDef(&want)
		for _, on := range tiers()[1:] {
			var w packer
			got := *p
			got.c = append([]float32(nil), p.c...)
			if s.packed {
				got.packed = make([]float32, packedLen(s.k, s.n))
				packB(on, got.packed, s.tB, s.k, s.n, p.b, p.ldb)
			}
			w.matmul(on, &got)
			sameBits(t, want.c, got.c, fmt.Sprintf("%v %v", on, s))
		}
	}
}

func drawShape(t *rapid.T) shape {
	size, flag := rapid.IntRange(1, 40), rapid.Bool()
	return shape{m: size.Draw(t, "m"), n: size.Draw(t, "n"), k: size.Draw(t, "k"), packed: flag.Draw(t, "packed"),
		special: flag.Draw(t, "special"), pad: rapid.IntRange(0, 3).Draw(t, "pad")}.with(rapid.IntRange(0, 63).Draw(t, "flags"))
}

func TestMatmulAnyShape(t *testing.T) {
	for _, on := range tiers() {
		t.Run(on.String(), func(t *testing.T) {
			var w packer
			rapid.Check(t, func(t *rapid.T) {
				s := drawShape(t)
				for flags := range 64 {
					agree(t, &w, on, s.with(flags), uint64(flags))
				}
			})
		})
	}
}

// A product whose k is cut anywhere, the second part going on from C, has the bits of the whole; so has one whose rows
// are cut.
func TestMatmulIsOneChain(t *testing.T) {
	for _, on := range tiers() {
		rapid.Check(t, func(t *rapid.T) {
			var w packer
			s := drawShape(t)
			s.packed, s.relu, s.gate, s.bias = false, false, false, false
			cutK, cutM := rapid.IntRange(0, s.k).Draw(t, "cutK"), rapid.IntRange(0, s.m).Draw(t, "cutM")
			whole := s.build(3)
			first, second := *whole, *whole
			parts := append([]float32(nil), whole.c...)
			w.matmul(on, whole)

			offset := func(flip bool, x []float32, by, ld int) []float32 {
				if flip {
					return x[min(len(x), by):]
				}
				return x[min(len(x), by*ld):]
			}
			first.c, second.c = parts, parts
			first.k, second.k, second.acc = cutK, s.k-cutK, true
			second.a = offset(!s.tA, whole.a, cutK, whole.lda)
			second.b = offset(s.tB, whole.b, cutK, whole.ldb)
			for _, half := range []product[float32]{first, second} {
				top, bottom := half, half
				top.m, bottom.m = cutM, s.m-cutM
				bottom.a = offset(s.tA, half.a, cutM, half.lda)
				bottom.c = offset(false, half.c, cutM, half.ldc)
				w.matmul(on, &top)
				w.matmul(on, &bottom)
			}
			sameBits(t, whole.c, parts, s)
		})
	}
}

func TestMatmulRefusesShortSlices(t *testing.T) {
	good := shape{m: 3, n: 4, k: 5, bias: true, gate: true, pad: 1}
	for name, spoil := range map[string]func(p *product[float32]){
		"a":      func(p *product[float32]) { p.a = p.a[1:] },
		"b":      func(p *product[float32]) { p.b = p.b[1:] },
		"c":      func(p *product[float32]) { p.c = p.c[1:] },
		"bias":   func(p *product[float32]) { p.bias = p.bias[1:] },
		"gate":   func(p *product[float32]) { p.gate = p.gate[1:] },
		"lda":    func(p *product[float32]) { p.lda = 4 },
		"m":      func(p *product[float32]) { p.m = -1 },
		"packed": func(p *product[float32]) { p.packed = make([]float32, packedLen(5, 4)-1) },
	} {
		for _, on := range tiers() {
			p := good.build(1)
			spoil(p)
			require.Panics(t, func() { new(packer).matmul(on, p) }, "%v: %s", on, name)
		}
	}
	require.Panics(t, func() { packB(tierGo, make([]float32, 10), false, 5, 4, make([]float32, 20), 4) })
}

func TestMatmulAllocatesNothing(t *testing.T) {
	for _, on := range tiers()[1:] {
		var w packer
		list := []*product[float32]{
			shape{m: 16, n: 64, k: 300}.build(1),
			shape{m: 60, n: 70, k: 30, tB: true, bias: true, relu: true}.build(1),
			shape{m: 60, n: 70, k: 30, tA: true, acc: true}.build(1),
			shape{m: 16, n: 5, k: 30, gate: true}.build(1),
		}
		require.Zero(t, testing.AllocsPerRun(5, func() {
			for _, p := range list {
				w.matmul(on, p)
			}
		}), on)
	}
}

func BenchmarkMatmul(b *testing.B) {
	for _, s := range []shape{
		{m: 1232, n: 256, k: 256}, {m: 1232, n: 256, k: 256, bias: true, relu: true}, {m: 1232, n: 256, k: 256, tB: true},
		{m: 1232, n: 256, k: 256, tB: true, gate: true}, {m: 1232, n: 256, k: 256, packed: true}, {m: 1232, n: 256, k: 80},
		{m: 256, n: 256, k: 1232, tA: true, acc: true}, {m: 256, n: 256, k: 256, tA: true, acc: true},
		{m: 256, n: 256, k: 64, tA: true, acc: true}, {m: 256, n: 256, k: 16, tA: true, acc: true},
		{m: 256, n: 5, k: 256, tA: true, acc: true},
		{m: 8, n: 256, k: 256}, {m: 16, n: 256, k: 256}, {m: 16, n: 256, k: 256, packed: true}, {m: 16, n: 256, k: 256, tB: true},
		{m: 1, n: 256, k: 256}, {m: 256, n: 256, k: 256, packed: true},
		{m: 1232, n: 5, k: 256}, {m: 1232, n: 5, k: 256, packed: true}, {m: 256, n: 256, k: 5, tB: true}, {m: 16, n: 5, k: 256},
		{m: 1024, n: 1024, k: 1024},
	} {
		for _, on := range tiers()[1:] {
			b.Run(fmt.Sprintf("%v/%v", s, on), func(b *testing.B) {
				var w packer
				p := s.build(1)
				if s.packed {
					p.packed = make([]float32, packedLen(s.k, s.n))
					packB(on, p.packed, s.tB, s.k, s.n, p.b, p.ldb)
				}
				peak := peakFLOPs(on, 50*time.Millisecond)
				for b.Loop() {
					w.matmul(on, p)
				}
				rate := 2 * float64(s.m) * float64(s.n) * float64(s.k) * float64(b.N) / b.Elapsed().Seconds()
				b.ReportMetric(rate/1e9, "GFLOP/s")
				b.ReportMetric(rate/peak, "of-peak")
			})
		}
	}
}
