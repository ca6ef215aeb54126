// This file is the matrix product: what it is, in plain Go, and the way to its fast twins.

package cpu

import "github.com/sluice-ml/sluice/f32"

// product is C = gate(relu(op(A) op(B) + C + bias)), all row-major. Every element is one chain of fused multiply-adds
// over k in index order,
//
//	s := 0                                // c[i][j] if acc
//	for p := range k {
//		s = fma(op(a)[i][p], op(b)[p][j], s)
//	}
//	if bias != nil { s += bias[j] }
//	if relu && s < 0 { s = 0 }            // keeps -0 and NaN
//	if gate != nil && !(gate[i][j] > 0) { s = 0 }
//	c[i][j] = s
//
// so a product whose k is cut into pieces, each going on from C, has the bits of the whole. C overlaps none of the
// others.
type product[T f32.Float] struct {
	tA, tB    bool // op is the transpose
	m, n, k   int
	a         []T // m x k, or k x m if tA
	lda       int // elements from row to row; so for all
	b         []T // k x n, or n x k if tB; not read if packed
	ldb       int
	c         []T // m x n; columns beyond n are left alone
	ldc       int
	acc, relu bool
	bias      []T // n, or nil
	gate      []T // m x n, or nil
	ldg       int
	packed    []T // nil, or op(B) by packB for the tier that runs the product
}

const (
	badProduct = "cpu: a slice of a matrix product is shorter than its shape"
	badPacked  = "cpu: a packed matrix is shorter than packedLen"
)

// check panics where a kernel would read or write outside a slice.
func (p *product[T]) check() {
	holds := func(x []T, rows, cols, ld int) bool {
		return rows == 0 || cols == 0 || ld >= cols && len(x) >= (rows-1)*ld+cols
	}
	flip := func(t bool, rows, cols int) (int, int) {
		if t {
			return cols, rows
		}
		return rows, cols
	}
	aRows, aCols := flip(p.tA, p.m, p.k)
	bRows, bCols := flip(p.tB, p.k, p.n)
	if p.m < 0 || p.n < 0 || p.k < 0 ||
		!holds(p.a, aRows, aCols, p.lda) || p.packed == nil && !holds(p.b, bRows, bCols, p.ldb) ||
		!holds(p.c, p.m, p.n, p.ldc) || p.bias != nil && len(p.bias) < p.n ||
		p.gate != nil && !holds(p.gate, p.m, p.n, p.ldg) {
		panic(badProduct)
	}
	if p.packed != nil && len(p.packed) < packedLen(p.k, p.n) {
		panic(badPacked)
	}
}

// matmulDef is the definition. It takes four columns at a time: four independent chains keep the multiplier busy.
func matmulDef[T f32.Float](p *product[T]) {
	p.check()
	rowA, stepA := p.lda, 1
	if p.tA {
		rowA, stepA = 1, p.lda
	}
	colB, stepB := 1, p.ldb
	if p.tB {
		colB, stepB = p.ldb, 1
	}
	for i := range p.m {
		c := p.c[i*p.ldc:][:p.n]
		if !p.acc {
			clear(c)
		}
		j := 0
		for ; j+4 <= p.n; j += 4 {
			s := (*[4]T)(c[j:])
			s0, s1, s2, s3 := s[0], s[1], s[2], s[3]
			for q, x, y := 0, i*rowA, j*colB; q < p.k; q, x, y = q+1, x+stepA, y+stepB {
				a := p.a[x]
				s0 = fma(a, p.b[y], s0)
				s1 = fma(a, p.b[y+colB], s1)
				s2 = fma(a, p.b[y+2*colB], s2)
				s3 = fma(a, p.b[y+3*colB], s3)
			}
			*s = [4]T{s0, s1, s2, s3}
		}
		for ; j < p.n; j++ {
			s := c[j]
			for q, x, y := 0, i*rowA, j*colB; q < p.k; q, x, y = q+1, x+stepA, y+stepB {
				s = fma(p.a[x], p.b[y], s)
			}
			c[j] = s
		}
		p.finish(i, c)
	}
}

// finish adds the bias to row i of C, then applies ReLU, then the gate.
func (p *product[T]) finish(i int, c []T) {
	for j, v := range c {
		if p.bias != nil {
			v += p.bias[j]
		}
		if p.relu && v < 0 {
			v = 0
		}
		if p.gate != nil && !(p.gate[i*p.ldg+j] > 0) {
			v = 0
		}
		c[j] = v
	}
}

// matmul is matmulDef by the kernels of a tier.
func (w *packer) matmul(t tier, p *product[float32]) {
	switch {
	case t != tierGo:
		w.blocked(t, p)
	case p.packed != nil: // packB for tierGo stores op(B) row by row
		p.check()
		plain := *p
		plain.b, plain.ldb, plain.tB, plain.packed = p.packed, p.n, false, nil
		matmulDef(&plain)
	default:
		matmulDef(p)
	}
}

// leastShared is the multiply-adds of the smallest piece of a product that is offered to other workers, some tens of microseconds of them:
// below, taking a share costs more than it saves.
const leastShared = 1 << 21

const (
	panelWidth  = 32 // the widest panel of B of any tier
	narrowWidth = 16 // products up to this wide use narrower panels
)

// packedLen is the length of op(B) in packed form, k x n rounded up to whole panels; it is the same for all tiers.
func packedLen(k, n int) int {
	if n <= narrowWidth {
		return k * narrowWidth
	}
	return k * ((n + panelWidth - 1) / panelWidth * panelWidth)
}

// packB stores op(B), k x n, in the order in which the kernels of a tier read it. A matrix that takes part in many
// products (weights) is packed once.
func packB(t tier, dst []float32, tB bool, k, n int, b []float32, ldb int) {
	(&product[float32]{tB: tB, k: k, n: n, b: b, ldb: ldb}).check()
	if len(dst) < packedLen(k, n) {
		panic(badPacked)
	}
	if t != tierGo {
		packPanels(t, dst, tB, k, n, b, ldb)
		return
	}
	for p := range k {
		row := dst[p*n:][:n]
		if !tB {
			copy(row, b[p*ldb:])
			continue
		}
		for j := range row {
			row[j] = b[j*ldb+p]
		}
	}
}
