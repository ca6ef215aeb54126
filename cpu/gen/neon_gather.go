// This file is the arm64 kernels of the first layer of one-hot features, of its gradient, and of the sums of columns.

package main

import "fmt"

// neonColumns is a group of columns: whole vectors, or the first lanes of one.
type neonColumns struct {
	vectors, lanes int
	next           gp // to spoil
}

func (c neonColumns) get(a *neon, r gp, dst []vec) {
	if c.vectors > 1 {
		a.loads(r, 0, dst)
	} else {
		a.loadPart(c.lanes, r, dst[0], c.next)
	}
}

func (c neonColumns) put(a *neon, x []vec, r gp) {
	if c.vectors > 1 {
		a.stores(x, r, 0)
	} else {
		a.storePart(c.lanes, x[0], r, c.next)
	}
}

func (a *neon) addAll(x, acc []vec) {
	for v := range acc {
		a.add(acc[v], x[v], acc[v])
	}
}

// byColumns writes body for wideBytes of columns, or for each number of lanes of one vector and the choice among them. Labels in body
// end with the given suffix.
func (a *neon) byColumns(vectors int, lanes gp, body func(c neonColumns, suffix string)) {
	c := neonColumns{vectors: vectors, lanes: neonLanes, next: lanes}
	if vectors > 1 {
		body(c, "")
		a.end()
		return
	}
	n := a.countLanes(lanes, "lane")
	for i := neonLanes; i > 1; i-- {
		a.op("CMP", i, n)
		a.op("BEQ", fmt.Sprintf("lanes%d", i))
	}
	gps, vecs := a.gps, a.vecs
	for c.lanes = 1; c.lanes <= neonLanes; c.lanes++ {
		a.gps, a.vecs = gps, vecs
		if c.lanes > 1 {
			a.label(fmt.Sprintf("lanes%d", c.lanes))
		}
		body(c, fmt.Sprint(c.lanes))
		a.end()
	}
}

// neonVectors are the widths that gather, scatter and columnSums come in.
var neonVectors = []int{wideBytes / neonSize, 1}

// neonNote says what a kernel of whole vectors does not look at.
func neonNote(vectors int) string { return columns{whole: vectors > 1}.lanesNote() }

func neonGather(a *neon) {
	for _, vectors := range neonVectors {
		a.gatherRows(vectors)
		a.scatterRows(vectors)
	}
}

func neonLinear(a *neon) {
	for _, vectors := range neonVectors {
		a.columnSums(vectors)
	}
}

func (a *neon) gatherRows(vectors int) {
	name := fmt.Sprintf("gatherNEON_%d", vectors*neonLanes)
	a.function(name, "func(out *float32, outStride int, w *float32, wStride int, bias *float32, feat *int32, active, rows int, lanes *int32, relu int)",
		fmt.Sprintf(gatherDoc, name, vectors*neonLanes, neonTitle, neonNote(vectors)), 0)
	out, outStride, w, wStride := a.arg("out"), a.arg("outStride"), a.arg("w"), a.arg("wStride")
	bias, feat, active, rows, lanes, relu := a.arg("bias"), a.arg("feat"), a.arg("active"), a.arg("rows"), a.arg("lanes"), a.arg("relu")
	a.byColumns(vectors, lanes, func(c neonColumns, suffix string) {
		left, at, x, acc := a.gp(), a.gp(), a.vectors(vectors), a.vectors(vectors)
		a.label("row" + suffix)
		for _, v := range acc {
			a.zero(v) // and not a copy of the first row: 0 + -0 is +0
		}
		a.op("MOVD", active, left)
		a.label("feature" + suffix)
		a.feature(feat, wStride, w, at)
		c.get(a, at, x)
		a.addAll(x, acc)
		a.again(left, "feature"+suffix)
		c.get(a, bias, x)
		a.addAll(x, acc)
		a.op("CBZ", relu, "linear"+suffix)
		for v := range acc {
			a.relu(acc[v], x[v])
		}
		a.label("linear" + suffix)
		c.put(a, acc, out)
		a.op("ADD", outStride, out)
		a.again(rows, "row"+suffix)
	})
}

// feature sets at to the address of the row of w that the next of feat names.
func (a *neon) feature(feat, stride, w, at gp) {
	a.op("MOVW.P", mem(feat, 4), at)
	a.op("MADD", at, w, stride, at)
}

func (a *neon) scatterRows(vectors int) {
	name := fmt.Sprintf("scatterNEON_%d", vectors*neonLanes)
	a.function(name, "func(w *float32, wStride int, bias, d *float32, dStride int, feat *int32, active, rows int, lanes *int32)",
		fmt.Sprintf(scatterDoc, name, vectors*neonLanes, neonTitle, neonNote(vectors)), 0)
	w, wStride, bias, d := a.arg("w"), a.arg("wStride"), a.arg("bias"), a.arg("d")
	dStride, feat, active, rows, lanes := a.arg("dStride"), a.arg("feat"), a.arg("active"), a.arg("rows"), a.arg("lanes")
	a.byColumns(vectors, lanes, func(c neonColumns, suffix string) {
		// The bias comes and goes through memory: 16 vectors of the row and 16 of what it is added to are all there are.
		left, at, x, to := a.gp(), a.gp(), a.vectors(vectors), a.vectors(vectors)
		a.label("row" + suffix)
		c.get(a, d, x)
		c.get(a, bias, to)
		a.addAll(x, to)
		c.put(a, to, bias)
		a.op("MOVD", active, left)
		a.label("feature" + suffix)
		a.feature(feat, wStride, w, at)
		c.get(a, at, to)
		a.addAll(x, to)
		c.put(a, to, at)
		a.again(left, "feature"+suffix)
		a.op("ADD", dStride, d)
		a.again(rows, "row"+suffix)
	})
}

func (a *neon) columnSums(vectors int) {
	name := fmt.Sprintf("columnSumsNEON_%d", vectors*neonLanes)
	a.function(name, "func(sum, x *float32, stride, rows int, lanes *int32)",
		fmt.Sprintf(columnsDoc, name, vectors*neonLanes, neonTitle, neonNote(vectors)), 0)
	sum, from, stride, rows, lanes := a.arg("sum"), a.arg("x"), a.arg("stride"), a.arg("rows"), a.arg("lanes")
	a.byColumns(vectors, lanes, func(c neonColumns, suffix string) {
		x, acc := a.vectors(vectors), a.vectors(vectors)
		c.get(a, sum, acc)
		a.label("row" + suffix)
		c.get(a, from, x)
		a.addAll(x, acc)
		a.op("ADD", stride, from)
		a.again(rows, "row"+suffix)
		c.put(a, acc, sum)
	})
}
