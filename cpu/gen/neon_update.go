// This file is the arm64 kernels of the optimiser; update.go has their formulas.

package main

import "fmt"

func neonUpdate(a *neon) {
	a.adam()
	a.sgd()
	a.squares()
	a.addTo()
}

// constants fills a register with each of the n floats at p.
func (a *neon) constants(p gp, n int) []vec {
	c := a.vectors(n)
	for _, v := range c {
		a.op("VLD1R.P", mem(p, 4), list([]vec{v}))
	}
	return c
}

func (a *neon) adam() {
	name := "adamNEON"
	a.function(name, "func(w, grad, m, v *float32, vectors int, c *float32)", fmt.Sprintf(adamDoc, name, neonLanes, neonTitle), 0)
	w, g, m, v, vectors := a.arg("w"), a.arg("grad"), a.arg("m"), a.arg("v"), a.arg("vectors")
	c := a.constants(a.arg("c"), 10)
	scale, b1, c1, b2, c2, f1, f2, eps, rate, keep := c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9]
	x, t, mj, vj := a.vec(), a.vec(), a.vec(), a.vec()
	next := func(p gp, x vec) { a.op("FMOVQ.P", x.float(), mem(p, neonSize)) }
	a.label("next")
	a.op("FMOVQ.P", mem(g, neonSize), x.float())
	a.mul(scale, x, x)
	a.load(m, 0, t)
	a.mul(c1, x, mj)
	a.fma(b1, t, mj)
	next(m, mj)
	a.load(v, 0, t)
	a.mul(c2, x, vj)
	a.mul(vj, x, vj)
	a.fma(b2, t, vj)
	next(v, vj)
	a.mul(vj, f2, vj)
	a.sqrt(vj, vj)
	a.add(vj, eps, vj)
	a.mul(mj, f1, mj)
	a.div(mj, vj, mj)
	a.load(w, 0, t)
	a.mul(t, keep, t)
	a.fma(rate, mj, t)
	next(w, t)
	a.again(vectors, "next")
	a.end()
}

func (a *neon) sgd() {
	name := "sgdNEON"
	a.function(name, "func(w, grad *float32, vectors int, c *float32)", fmt.Sprintf(sgdDoc, name, neonLanes, neonTitle), 0)
	w, g, vectors := a.arg("w"), a.arg("grad"), a.arg("vectors")
	c := a.constants(a.arg("c"), 2)
	x, t := a.vec(), a.vec()
	a.label("next")
	a.op("FMOVQ.P", mem(g, neonSize), x.float())
	a.mul(c[0], x, x)
	a.load(w, 0, t)
	a.fma(c[1], x, t)
	a.op("FMOVQ.P", t.float(), mem(w, neonSize))
	a.again(vectors, "next")
	a.end()
}

func (a *neon) squares() {
	name := "squaresNEON"
	a.function(name, "func(part, x *float32, groups int)", fmt.Sprintf(squaresDoc, name, neonTitle), 0)
	part, from, groups := a.arg("part"), a.arg("x"), a.arg("groups")
	acc, x := a.vectors(32/neonLanes), a.vectors(32/neonLanes)
	a.loads(part, 0, acc)
	a.label("next")
	a.loads(from, 0, x)
	for i := range acc {
		a.fma(x[i], x[i], acc[i])
	}
	a.op("ADD", 4*32, from)
	a.again(groups, "next")
	a.stores(acc, part, 0)
	a.end()
}

func (a *neon) addTo() {
	name := "addNEON"
	a.function(name, "func(dst, src *float32, groups int)", fmt.Sprintf(addDoc, name, neonTitle), 0)
	dst, src, groups := a.arg("dst"), a.arg("src"), a.arg("groups")
	sum, x := a.vectors(32/neonLanes), a.vectors(32/neonLanes)
	a.label("next")
	a.loads(dst, 0, sum)
	a.loads(src, 0, x)
	a.addAll(x, sum)
	a.stores(sum, dst, 0)
	a.op("ADD", 4*32, dst)
	a.op("ADD", 4*32, src)
	a.again(groups, "next")
	a.end()
}
