// This file is the first layer of one-hot features, and its gradient: sums of rows of the weights at the active features.

package main

import (
	"fmt"

	op "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// wideBytes is the columns one call covers at a time, in bytes of a row: sixty-four floats, eight ymm or four zmm. Eight sums in
// flight hide an addition's latency, and eighty rows of weights of this width fit the first-level cache.
const wideBytes = 256

func gather(a *asm) {
	for _, s := range []isa{&avx2{asm: a}, &avx512{asm: a}} {
		for _, vectors := range []int{wideBytes / 4 / s.lanes(), 1} {
			a.gatherRows(s, vectors)
			a.scatterRows(s, vectors)
		}
	}
}

// columns is a group of columns: whole vectors, or one with lanes switched off.
type columns struct {
	isa
	vectors int
	whole   bool
}

func (a *asm) columns(s isa, vectors int) columns {
	return columns{isa: s, vectors: vectors, whole: vectors > 1}
}

func (c columns) width() int { return c.vectors * c.lanes() }

func (c columns) get(a *asm, m op.Mem, dst reg.VecVirtual) {
	if c.whole {
		a.VMOVUPS(m, dst)
	} else {
		c.load(m, 0, dst)
	}
}

// add is acc += m.
func (c columns) add(a *asm, m op.Mem, acc reg.VecVirtual) {
	if c.whole {
		a.VADDPS(m, acc, acc)
		return
	}
	t := c.vec()
	c.load(m, 0, t)
	a.VADDPS(t, acc, acc)
}

func (c columns) put(a *asm, x reg.VecVirtual, m op.Mem) {
	if c.whole {
		a.VMOVUPS(x, m)
	} else {
		c.store(x, 0, m)
	}
}

const gatherDoc = `%s is, for r < rows and the columns j < %d whose lane is on,

	s := 0
	for f := range active {
		s += w[feat[r][f]][j]
	}
	s += bias[j]
	if relu != 0 && s < 0 {
		s = 0
	}
	out[r][j] = s

by %s. Strides are in bytes; rows and active are not 0.%s`

// lanesNote says what a kernel of whole vectors does not look at.
func (c columns) lanesNote() string {
	if c.whole {
		return " All lanes are on; the pointer is not read."
	}
	return ""
}

func (a *asm) gatherRows(s isa, vectors int) {
	c := a.columns(s, vectors)
	name := fmt.Sprintf("gather%s_%d", s.name(), c.width())
	a.function(name, "func(out *float32, outStride int, w *float32, wStride int, bias *float32, feat *int32, active, rows int, lanes *int32, relu int)",
		fmt.Sprintf(gatherDoc, name, c.width(), s.title(), c.lanesNote()))
	out, outStride, w, wStride := a.arg("out"), a.arg("outStride"), a.arg("w"), a.arg("wStride")
	bias, feat, active, rows := a.arg("bias"), a.arg("feat"), a.arg("active"), a.arg("rows")
	if !c.whole {
		s.bind(a.arg("lanes"), 1)
	}
	relu := a.arg("relu")
	zero := s.vec()
	s.zero(zero)
	size := 4 * s.lanes()
	acc := make([]reg.VecVirtual, vectors)
	for v := range acc {
		acc[v] = s.vec()
	}
	a.Label("row")
	for v := range acc {
		s.zero(acc[v]) // and not a copy of the first row: 0 + -0 is +0
	}
	left := a.GP64()
	a.MOVQ(active, left)
	a.Label("feature")
	at := a.feature(feat, wStride, w)
	for v := range acc {
		c.add(a, op.Mem{Base: at, Disp: size * v}, acc[v])
	}
	a.again(left, "feature")
	for v := range acc {
		c.add(a, op.Mem{Base: bias, Disp: size * v}, acc[v])
	}
	a.jumpIfZero(relu, "linear")
	for v := range acc {
		a.VMAXPS(acc[v], zero, acc[v]) // keeps -0 and NaN
	}
	a.Label("linear")
	for v := range acc {
		c.put(a, acc[v], op.Mem{Base: out, Disp: size * v})
	}
	a.ADDQ(outStride, out)
	a.again(rows, "row")
	a.end()
}

// feature is the address of the row of w that the next of feat names.
func (a *asm) feature(feat, stride, w reg.GPVirtual) reg.GPVirtual {
	at := a.GP64()
	a.MOVLQSX(op.Mem{Base: feat}, at)
	a.ADDQ(op.Imm(4), feat)
	a.IMULQ(stride, at)
	a.ADDQ(w, at)
	return at
}

const scatterDoc = `%s is, for r < rows in order and the columns j < %d whose lane is on,

	for f := range active {
		w[feat[r][f]][j] += d[r][j]
	}
	bias[j] += d[r][j]

by %s. Strides are in bytes; rows and active are not 0.%s`

func (a *asm) scatterRows(s isa, vectors int) {
	c := a.columns(s, vectors)
	name := fmt.Sprintf("scatter%s_%d", s.name(), c.width())
	a.function(name, "func(w *float32, wStride int, bias, d *float32, dStride int, feat *int32, active, rows int, lanes *int32)",
		fmt.Sprintf(scatterDoc, name, c.width(), s.title(), c.lanesNote()))
	w, wStride, bias, d := a.arg("w"), a.arg("wStride"), a.arg("bias"), a.arg("d")
	dStride, feat, active, rows := a.arg("dStride"), a.arg("feat"), a.arg("active"), a.arg("rows")
	if !c.whole {
		s.bind(a.arg("lanes"), 1)
	}
	size := 4 * s.lanes()
	acc := make([]reg.VecVirtual, vectors)
	for v := range acc {
		acc[v] = s.vec()
		c.get(a, op.Mem{Base: bias, Disp: size * v}, acc[v])
	}
	a.Label("row")
	for v := range acc {
		c.add(a, op.Mem{Base: d, Disp: size * v}, acc[v])
	}
	left := a.GP64()
	a.MOVQ(active, left)
	a.Label("feature")
	at := a.feature(feat, wStride, w)
	for v := range acc {
		t := s.vec()
		c.get(a, op.Mem{Base: at, Disp: size * v}, t)
		c.add(a, op.Mem{Base: d, Disp: size * v}, t)
		c.put(a, t, op.Mem{Base: at, Disp: size * v})
	}
	a.again(left, "feature")
	a.ADDQ(dStride, d)
	a.again(rows, "row")
	for v := range acc {
		c.put(a, acc[v], op.Mem{Base: bias, Disp: size * v})
	}
	a.end()
}
