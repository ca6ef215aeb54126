// This file is what the two instruction sets do differently, so that each kernel is written once.

package main

import (
	op "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// isa is an instruction set with vectors of a number of lanes. Lanes beyond the width of a tile are switched off by
// a mask per vector, made from int32 lanes in memory (-1 on, 0 off) that bind points to.
type isa interface {
	name() string // as it ends the names of functions: 256 or 512 bits
	title() string
	lanes() int
	vec() reg.VecVirtual
	zero(dst reg.VecVirtual)
	bind(lanes reg.GPVirtual, vectors int)             // makes the masks; vector v of what follows uses mask v
	load(m op.Mem, v int, dst reg.VecVirtual)          // dst = m, and 0 in the lanes that are off
	loadPadded(m op.Mem, v int, dst reg.VecVirtual)    // the same where memory is known to be padded to full vectors
	store(src reg.VecVirtual, v int, m op.Mem)         // m = src in the lanes that are on
	gate(m op.Mem, v int, zero, x, tmp reg.VecVirtual) // x = 0 unless m > 0

	// What follows works on whole vectors. A predicate is one bit a lane, wherever the set keeps it.
	signs(x reg.VecVirtual) predicate                        // the lanes whose sign bit is set
	compare(imm uint64, a reg.VecVirtual, b op.Op) predicate // a ? b, for the relation imm
	equal(a, b reg.VecVirtual) predicate                     // of integers
	keep(p predicate, x op.Op, dst reg.VecVirtual)           // dst = p ? x : +0
	choose(p predicate, yes, no, dst reg.VecVirtual)         // dst = p ? yes : no
}

// predicate is a register: a vector of all ones and all zeros, or a mask.
type predicate interface{ op.Op }

// avx2 has sixteen registers of eight lanes and masks that occupy vector registers: they are bound anew after the
// inner loop, which needs all registers.
type avx2 struct {
	*asm
	masks []reg.VecVirtual
}

func (s *avx2) name() string        { return "256" }
func (s *avx2) title() string       { return "AVX2" }
func (s *avx2) lanes() int          { return 8 }
func (s *avx2) vec() reg.VecVirtual { return s.YMM() }

func (s *avx2) zero(dst reg.VecVirtual) { s.VXORPS(dst, dst, dst) }

func (s *avx2) bind(lanes reg.GPVirtual, vectors int) {
	s.masks = make([]reg.VecVirtual, vectors)
	for v := range s.masks {
		s.masks[v] = s.YMM()
		s.VMOVUPS(op.Mem{Base: lanes, Disp: 32 * v}, s.masks[v])
	}
}

func (s *avx2) load(m op.Mem, v int, dst reg.VecVirtual)       { s.VMASKMOVPS(m, s.masks[v], dst) }
func (s *avx2) loadPadded(m op.Mem, _ int, dst reg.VecVirtual) { s.VMOVUPS(m, dst) }
func (s *avx2) store(src reg.VecVirtual, v int, m op.Mem)      { s.VMASKMOVPS(src, s.masks[v], m) }

func (s *avx2) gate(m op.Mem, v int, zero, x, tmp reg.VecVirtual) {
	s.load(m, v, tmp)
	s.VCMPPS(op.Imm(lessThan), tmp, zero, tmp)
	s.VANDPS(tmp, x, x)
}

func (s *avx2) signs(x reg.VecVirtual) predicate {
	p := s.vec()
	s.VPSRAD(op.Imm(31), x, p)
	return p
}

func (s *avx2) compare(imm uint64, a reg.VecVirtual, b op.Op) predicate {
	p := s.vec()
	s.VCMPPS(op.Imm(imm), b, a, p)
	return p
}

func (s *avx2) equal(a, b reg.VecVirtual) predicate {
	p := s.vec()
	s.VPCMPEQD(a, b, p)
	return p
}

func (s *avx2) keep(p predicate, x op.Op, dst reg.VecVirtual) {
	s.VANDPS(x, p, dst)
}

func (s *avx2) choose(p predicate, yes, no, dst reg.VecVirtual) {
	s.VBLENDVPS(p, yes, no, dst)
}

// avx512 has thirty-two registers of sixteen lanes and mask registers beside them.
type avx512 struct {
	*asm
	masks []reg.OpmaskVirtual
}

func (s *avx512) name() string        { return "512" }
func (s *avx512) title() string       { return "AVX-512" }
func (s *avx512) lanes() int          { return 16 }
func (s *avx512) vec() reg.VecVirtual { return s.ZMM() }

func (s *avx512) zero(dst reg.VecVirtual) { s.VPXORD(dst, dst, dst) }

func (s *avx512) bind(lanes reg.GPVirtual, vectors int) {
	s.masks = make([]reg.OpmaskVirtual, vectors)
	for v := range s.masks {
		z := s.ZMM()
		s.masks[v] = s.K()
		s.VMOVUPS(op.Mem{Base: lanes, Disp: 64 * v}, z)
		s.VPMOVD2M(z, s.masks[v])
	}
}

func (s *avx512) load(m op.Mem, v int, dst reg.VecVirtual)       { s.VMOVUPS_Z(m, s.masks[v], dst) }
func (s *avx512) loadPadded(m op.Mem, v int, dst reg.VecVirtual) { s.load(m, v, dst) }
func (s *avx512) store(src reg.VecVirtual, v int, m op.Mem)      { s.VMOVUPS(src, s.masks[v], m) }

func (s *avx512) gate(m op.Mem, v int, zero, x, _ reg.VecVirtual) {
	on := s.K()
	s.VCMPPS(op.Imm(lessThan), m, zero, s.masks[v], on)
	s.VMOVAPS_Z(x, on, x)
}

func (s *avx512) signs(x reg.VecVirtual) predicate {
	k := s.K()
	s.VPMOVD2M(x, k)
	return k
}

func (s *avx512) compare(imm uint64, a reg.VecVirtual, b op.Op) predicate {
	k := s.K()
	s.VCMPPS(op.Imm(imm), b, a, k)
	return k
}

func (s *avx512) equal(a, b reg.VecVirtual) predicate {
	k := s.K()
	s.VPCMPD(op.Imm(0), a, b, k)
	return k
}

func (s *avx512) keep(p predicate, x op.Op, dst reg.VecVirtual) { s.VMOVUPS_Z(x, p, dst) }

func (s *avx512) choose(p predicate, yes, no, dst reg.VecVirtual) {
	s.VBLENDMPS(yes, no, p, dst)
}

// Relations of VCMPPS, quiet. Those that are not "not" are false for NaN.
const (
	lessThan    = 0x11 // zero < m is m > 0
	notLessThan = 0x15 // true for NaN
	greaterThan = 0x1e
)
