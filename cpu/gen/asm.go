// This file is the vocabulary the kernels are written in, on top of avo.

package main

import (
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	op "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

type asm struct{ *build.Context }

// function starts a function; doc is its comment, lines separated by newlines.
func (a *asm) function(name, signature, doc string) {
	a.Function(name)
	a.Attributes(attr.NOSPLIT)
	a.SignatureExpr(signature)
	a.Pragma("noescape")
	a.Doc(strings.Split(doc, "\n")...)
}

// end returns to Go code, which expects the upper halves of the vector registers to be clear.
func (a *asm) end() {
	a.VZEROUPPER()
	a.RET()
}

// arg loads the 8-byte parameter of that name.
func (a *asm) arg(name string) reg.GPVirtual {
	r := a.GP64()
	a.Load(a.Param(name), r)
	return r
}

// field loads the 8 bytes at an offset from p.
func (a *asm) field(p reg.GPVirtual, offset int) reg.GPVirtual {
	r := a.GP64()
	a.MOVQ(op.Mem{Base: p, Disp: offset}, r)
	return r
}

// setField stores the 8 bytes at an offset from p, and addField adds to them.
func (a *asm) setField(p reg.GPVirtual, offset int, r reg.GPVirtual) {
	a.MOVQ(r, op.Mem{Base: p, Disp: offset})
}

func (a *asm) addField(p reg.GPVirtual, offset int, r reg.GPVirtual) {
	a.ADDQ(a.field(p, offset), r)
	a.setField(p, offset, r)
}

// jumpIfZero tests a register (or some of its bits) against zero.
func (a *asm) jumpIfZero(r reg.GPVirtual, label string) {
	a.TESTQ(r, r)
	a.JZ(op.LabelRef(label))
}

func (a *asm) jumpUnless(bits uint32, r reg.GPVirtual, label string) {
	a.TESTQ(op.U32(bits), r)
	a.JZ(op.LabelRef(label))
}

// again counts r down and jumps back while it is not zero.
func (a *asm) again(r reg.GPVirtual, label string) {
	a.DECQ(r)
	a.JNZ(op.LabelRef(label))
}

// matrix addresses rows of one stride. x86 scales an index by 1 or 2 but not by 3, so one base register serves three
// rows.
type matrix struct {
	base   []reg.GPVirtual
	stride reg.GPVirtual
}

func (a *asm) matrix(p, stride reg.GPVirtual, rows int) matrix {
	m := matrix{base: []reg.GPVirtual{p}, stride: stride}
	for i := 3; i < rows; i += 3 {
		next := a.GP64()
		a.LEAQ(op.Mem{Base: m.base[len(m.base)-1], Index: stride, Scale: 2}, next)
		a.ADDQ(stride, next)
		m.base = append(m.base, next)
	}
	return m
}

// at is the memory at a byte offset into row i.
func (m matrix) at(i, offset int) op.Mem {
	mem := op.Mem{Base: m.base[i/3], Disp: offset}
	if i%3 > 0 {
		mem.Index, mem.Scale = m.stride, uint8(i%3)
	}
	return mem
}

// advance moves every row on by a number of bytes.
func (a *asm) advance(m matrix, by reg.GPVirtual) {
	for _, r := range m.base {
		a.ADDQ(by, r)
	}
}
