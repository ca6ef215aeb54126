// This file is what brings A and B into the order the micro-kernel reads them in.

package main

import (
	"fmt"

	op "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const cutDoc = `%s cuts rows into panels: it is

	for p := range rows {
		for t := range panels {
			for j := range %d {
				dst[t][p][j] = src[p][t*width+j] // 0 where lanes[j] is 0
			}
		}
	}

by %s, where dst[t] begins panelStride bytes and dst[t][p] width bytes after the one before. It writes full vectors:
with width < %[4]d bytes each store is overwritten by the next row's, and a panel needs %[4]d bytes more at its end.`

// aheadRows is how many rows ahead cut asks for: pieces of rows that lie a page or a part of it apart are more than the processor foresees.
const aheadRows = 8

// cut is the packing of B, and of A where it is stored transposed.
func (a *asm) cut(s isa, vectors int) {
	size := 4 * s.lanes()
	name := fmt.Sprintf("cut%s_%d", s.name(), vectors*s.lanes())
	a.function(name, "func(dst *float32, panelStride, width int, src *float32, srcStride, rows, panels int, lanes *int32)",
		fmt.Sprintf(cutDoc, name, vectors*s.lanes(), s.title(), vectors*size))
	dst, panelStride, width := a.arg("dst"), a.arg("panelStride"), a.arg("width")
	src, srcStride := a.arg("src"), a.arg("srcStride")
	rows, panels := a.arg("rows"), a.arg("panels")
	s.bind(a.arg("lanes"), vectors)
	a.Label("row")
	from, to, left := a.GP64(), a.GP64(), a.GP64()
	a.MOVQ(src, from)
	a.MOVQ(dst, to)
	a.MOVQ(panels, left)
	a.Label("panel")
	a.PREFETCHT0(op.Mem{Base: from, Index: srcStride, Scale: aheadRows})
	for v := range vectors {
		x := s.vec()
		s.load(op.Mem{Base: from, Disp: size * v}, v, x)
		a.VMOVUPS(x, op.Mem{Base: to, Disp: size * v})
	}
	a.ADDQ(width, from)
	a.ADDQ(panelStride, to)
	a.again(left, "panel")
	a.ADDQ(srcStride, src)
	a.ADDQ(width, dst)
	a.again(rows, "row")
	a.end()
}

const transposeDoc = `transpose%[1]d is

	for p := range %[1]d * blocks {
		for r := range %[1]d {
			dst[p][r] = src[r][p]
		}
	}

by %s, with strides in bytes.`

func (a *asm) transpose(s isa) (dst, dstStride, blocks reg.GPVirtual, r []reg.VecVirtual) {
	n := s.lanes()
	a.function(fmt.Sprintf("transpose%d", n), "func(dst *float32, dstStride int, src *float32, srcStride, blocks int)",
		fmt.Sprintf(transposeDoc, n, s.title()))
	dst, dstStride = a.arg("dst"), a.arg("dstStride")
	src := a.matrix(a.arg("src"), a.arg("srcStride"), n)
	blocks = a.arg("blocks")
	a.Label("block")
	r = make([]reg.VecVirtual, n)
	for i := range r {
		r[i] = s.vec()
		a.VMOVUPS(src.at(i, 0), r[i])
	}
	for _, base := range src.base {
		a.ADDQ(op.Imm(uint64(4*n)), base)
	}
	return dst, dstStride, blocks, r
}

// quads transposes the 4x4 squares inside 128-bit lanes: row 4g+j of the result holds column j of rows 4g..4g+3.
func (a *asm) quads(s isa, r []reg.VecVirtual) []reg.VecVirtual {
	t, u := make([]reg.VecVirtual, len(r)), make([]reg.VecVirtual, len(r))
	for i := 0; i < len(r); i += 2 {
		t[i], t[i+1] = s.vec(), s.vec()
		a.VUNPCKLPS(r[i+1], r[i], t[i])
		a.VUNPCKHPS(r[i+1], r[i], t[i+1])
	}
	for i := 0; i < len(r); i += 4 {
		for j := range 4 {
			u[i+j] = s.vec()
		}
		a.VUNPCKLPD(t[i+2], t[i], u[i])
		a.VUNPCKHPD(t[i+2], t[i], u[i+1])
		a.VUNPCKLPD(t[i+3], t[i+1], u[i+2])
		a.VUNPCKHPD(t[i+3], t[i+1], u[i+3])
	}
	return u
}

func (a *asm) storeRows(rows []reg.VecVirtual, dst, stride reg.GPVirtual) {
	for _, r := range rows {
		a.VMOVUPS(r, op.Mem{Base: dst})
		a.ADDQ(stride, dst)
	}
}

func (a *asm) transpose8() {
	s := &avx2{asm: a}
	dst, stride, blocks, r := a.transpose(s)
	u := a.quads(s, r)
	out := make([]reg.VecVirtual, 8)
	for j := range 4 {
		out[j], out[4+j] = s.vec(), s.vec()
		a.VPERM2F128(op.Imm(0x20), u[4+j], u[j], out[j])
		a.VPERM2F128(op.Imm(0x31), u[4+j], u[j], out[4+j])
	}
	a.storeRows(out, dst, stride)
	a.again(blocks, "block")
	a.end()
}

func (a *asm) transpose16() {
	s := &avx512{asm: a}
	dst, stride, blocks, r := a.transpose(s)
	u := a.quads(s, r)
	w, out := make([]reg.VecVirtual, 16), make([]reg.VecVirtual, 16)
	// even picks the 128-bit lanes 0 and 2 of two registers, odd lanes 1 and 3.
	const even, odd = 0x88, 0xdd
	for j := range 4 {
		for i := 0; i < 16; i += 4 {
			w[i+j], out[i+j] = s.vec(), s.vec()
		}
		a.VSHUFF32X4(op.Imm(even), u[4+j], u[j], w[j])
		a.VSHUFF32X4(op.Imm(odd), u[4+j], u[j], w[4+j])
		a.VSHUFF32X4(op.Imm(even), u[12+j], u[8+j], w[8+j])
		a.VSHUFF32X4(op.Imm(odd), u[12+j], u[8+j], w[12+j])
	}
	for j := range 4 {
		a.VSHUFF32X4(op.Imm(even), w[8+j], w[j], out[j])
		a.VSHUFF32X4(op.Imm(even), w[12+j], w[4+j], out[4+j])
		a.VSHUFF32X4(op.Imm(odd), w[8+j], w[j], out[8+j])
		a.VSHUFF32X4(op.Imm(odd), w[12+j], w[4+j], out[12+j])
	}
	a.storeRows(out, dst, stride)
	a.again(blocks, "block")
	a.end()
}
