// This file is f32.Exp and f32.Log, operation by operation, on vectors.

package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	op "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// table is read-only data: numbers that fill a vector each, as AVX2 has no operand that is broadcast.
type table struct {
	a  *asm
	at op.Mem
	of map[uint32]int // offset of a number's bits
}

func (a *asm) table(name string, numbers ...uint32) *table {
	t := &table{a: a, at: a.StaticGlobal(name), of: map[uint32]int{}}
	a.DataAttributes(attr.RODATA | attr.NOPTR)
	for i, n := range numbers {
		t.of[n] = 64 * i
		for range 16 {
			a.AppendDatum(op.U32(n))
		}
	}
	return t
}

// word is the memory of a vector of an integer; float that of a float32.
func (t *table) word(n uint32) op.Mem {
	offset, ok := t.of[n]
	if !ok {
		panic("gen: a constant is missing in the table")
	}
	return t.at.Offset(offset)
}

func (t *table) float(x float32) op.Mem { return t.word(math.Float32bits(x)) }

const (
	shifter = 0x1.8p23
	log2e   = 1.44269504088896341
	ln2Hi   = 0.693145752
	ln2Lo   = 1.42860677e-6
	ln2     = 0.693147182
	twoOver = 0x3f2aaaab // bits of 2/3
)

var (
	expPolynomial = []float32{1.38427719e-3, 8.36596917e-3, 4.16695364e-2, 1.66664705e-1, 4.99999851e-1, 1, 1}
	logPolynomial = []float32{-0.130310059, 0.140869141, -0.121483602, 0.139814854, -0.166846052, 0.200120345, -0.249996200, 0.333331972, -0.5}
)

// expLogNumbers are the constants of both functions.
func expLogNumbers() []uint32 {
	numbers := []uint32{0x4b400000 - 127, twoOver}
	for _, list := range [][]float32{{shifter, log2e, -ln2Hi, -ln2Lo, ln2, -87}, expPolynomial[:len(expPolynomial)-1], logPolynomial} {
		for _, x := range list {
			numbers = append(numbers, math.Float32bits(x))
		}
	}
	return numbers
}

// exp returns f32.Exp(x) for x <= 88 or NaN: a softmax asks for no more, as nothing is above its maximum.
func (a *asm) exp(s isa, c *table, x reg.VecVirtual) reg.VecVirtual {
	t, k, r, p := s.vec(), s.vec(), s.vec(), s.vec()
	a.VMOVUPS(c.float(log2e), t)
	a.VFMADD213PS(c.float(shifter), x, t)
	a.VSUBPS(c.float(shifter), t, k)
	a.VMOVUPS(c.float(-ln2Hi), r)
	a.VFMADD213PS(x, k, r)
	a.VFMADD231PS(c.float(-ln2Lo), k, r)
	a.VMOVUPS(c.float(expPolynomial[0]), p)
	for _, q := range expPolynomial[1:] {
		a.VFMADD213PS(c.float(q), r, p)
	}
	a.VPSUBD(c.word(0x4b400000-127), t, t)
	a.VPSLLD(op.Imm(23), t, t)
	a.VMULPS(t, p, p)
	s.keep(s.compare(notLessThan, x, c.float(-87)), p, p)
	return p
}

// log returns f32.Log(x) for a finite normal x >= 1, and NaN for NaN.
func (a *asm) log(s isa, c *table, x reg.VecVirtual) reg.VecVirtual {
	e, m, f, p := s.vec(), s.vec(), s.vec(), s.vec()
	a.VPSUBD(c.word(twoOver), x, e)
	a.VPSRAD(op.Imm(23), e, e)
	a.VPSLLD(op.Imm(23), e, m)
	a.VPSUBD(m, x, m)
	a.VSUBPS(c.float(1), m, f)
	a.VMULPS(f, f, m) // s = f*f
	a.VMOVUPS(c.float(logPolynomial[0]), p)
	for _, q := range logPolynomial[1:] {
		a.VFMADD213PS(c.float(q), f, p)
	}
	a.VFMADD213PS(f, m, p)
	a.VCVTDQ2PS(e, e)
	a.VFMADD231PS(c.float(ln2), e, p)
	// x*0 is +0, and the logarithm is not -0, so this only brings in NaN.
	s.zero(m)
	a.VFMADD231PS(x, m, p)
	return p
}
