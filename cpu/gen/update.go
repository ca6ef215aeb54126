// This file is the optimiser's pass over the parameters, the squares of the gradient's norm, and the sum of two buffers.

package main

import (
	"fmt"

	op "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func update(a *asm) {
	for _, s := range []isa{&avx2{asm: a}, &avx512{asm: a}} {
		a.adam(s)
		a.sgd(s)
		a.squares(s)
		a.addTo(s)
	}
}

const (
	sgdDoc     = "%s is w[j] = fma(rate, scale*grad[j], w[j]) for j < %d*vectors, with c = {scale, rate}, by %s."
	squaresDoc = "%s is part[j%%32] = fma(x[j], x[j], part[j%%32]) for j < 32*groups, by %s."
	addDoc     = "%s is dst[j] += src[j] for j < 32*groups, by %s."
)

const adamDoc = `%s is, for j < %d*vectors,

	x := scale * grad[j]
	m[j] = fma(b1, m[j], c1*x)
	v[j] = fma(b2, v[j], (c2*x)*x)
	w[j] = fma(rate, (m[j]*f1)/(sqrt(v[j]*f2)+eps), w[j]*keep)

with c = {scale, b1, c1, b2, c2, f1, f2, eps, rate, keep}, by %s. The square root and the division are exact.`

func (a *asm) adam(s isa) {
	name := "adam" + s.name()
	a.function(name, "func(w, grad, m, v *float32, vectors int, c *float32)", fmt.Sprintf(adamDoc, name, s.lanes(), s.title()))
	w, g, m, v := a.arg("w"), a.arg("grad"), a.arg("m"), a.arg("v")
	vectors := a.arg("vectors")
	c := a.constants(s, a.arg("c"), 10)
	scale, b1, c1, b2, c2, f1, f2, eps, rate, keep := c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9]
	a.Label("next")
	x, t, mj, vj := s.vec(), s.vec(), s.vec(), s.vec()
	a.VMULPS(op.Mem{Base: g}, scale, x)
	a.VMULPS(x, c1, mj)
	a.VFMADD231PS(op.Mem{Base: m}, b1, mj)
	a.VMOVUPS(mj, op.Mem{Base: m})
	a.VMULPS(x, c2, vj)
	a.VMULPS(x, vj, vj)
	a.VFMADD231PS(op.Mem{Base: v}, b2, vj)
	a.VMOVUPS(vj, op.Mem{Base: v})
	a.VMULPS(f2, vj, vj)
	a.VSQRTPS(vj, vj)
	a.VADDPS(eps, vj, vj)
	a.VMULPS(f1, mj, mj)
	a.VDIVPS(vj, mj, mj)
	a.VMULPS(op.Mem{Base: w}, keep, t)
	a.VFMADD231PS(mj, rate, t)
	a.VMOVUPS(t, op.Mem{Base: w})
	a.onward(s, 1, w, g, m, v)
	a.again(vectors, "next")
	a.end()
}

// constants broadcasts n floats at p, each to a register.
func (a *asm) constants(s isa, p reg.GPVirtual, n int) []reg.VecVirtual {
	c := make([]reg.VecVirtual, n)
	for i := range c {
		c[i] = s.vec()
		a.VBROADCASTSS(op.Mem{Base: p, Disp: 4 * i}, c[i])
	}
	return c
}

// onward moves pointers by a number of vectors.
func (a *asm) onward(s isa, vectors int, pointers ...reg.GPVirtual) {
	for _, p := range pointers {
		a.ADDQ(op.I32(4*s.lanes()*vectors), p)
	}
}

func (a *asm) sgd(s isa) {
	name := "sgd" + s.name()
	a.function(name, "func(w, grad *float32, vectors int, c *float32)", fmt.Sprintf(sgdDoc, name, s.lanes(), s.title()))
	w, g, vectors := a.arg("w"), a.arg("grad"), a.arg("vectors")
	c := a.constants(s, a.arg("c"), 2)
	a.Label("next")
	x, t := s.vec(), s.vec()
	a.VMULPS(op.Mem{Base: g}, c[0], x)
	a.VMOVUPS(op.Mem{Base: w}, t)
	a.VFMADD231PS(x, c[1], t)
	a.VMOVUPS(t, op.Mem{Base: w})
	a.onward(s, 1, w, g)
	a.again(vectors, "next")
	a.end()
}

func (a *asm) squares(s isa) {
	name := "squares" + s.name()
	a.function(name, "func(part, x *float32, groups int)", fmt.Sprintf(squaresDoc, name, s.title()))
	part, x, groups := a.arg("part"), a.arg("x"), a.arg("groups")
	size := 4 * s.lanes()
	acc := make([]reg.VecVirtual, 32/s.lanes())
	for i := range acc {
		acc[i] = s.vec()
		a.VMOVUPS(op.Mem{Base: part, Disp: size * i}, acc[i])
	}
	a.Label("next")
	for i := range acc {
		t := s.vec()
		a.VMOVUPS(op.Mem{Base: x, Disp: size * i}, t)
		a.VFMADD231PS(t, t, acc[i])
	}
	a.onward(s, len(acc), x)
	a.again(groups, "next")
	for i := range acc {
		a.VMOVUPS(acc[i], op.Mem{Base: part, Disp: size * i})
	}
	a.end()
}

func (a *asm) addTo(s isa) {
	name := "add" + s.name()
	a.function(name, "func(dst, src *float32, groups int)", fmt.Sprintf(addDoc, name, s.title()))
	dst, src, groups := a.arg("dst"), a.arg("src"), a.arg("groups")
	size := 4 * s.lanes()
	a.Label("next")
	for i := range 32 / s.lanes() {
		t := s.vec()
		a.VMOVUPS(op.Mem{Base: dst, Disp: size * i}, t)
		a.VADDPS(op.Mem{Base: src, Disp: size * i}, t, t)
		a.VMOVUPS(t, op.Mem{Base: dst, Disp: size * i})
	}
	a.onward(s, 32/s.lanes(), dst, src)
	a.again(groups, "next")
	a.end()
}
