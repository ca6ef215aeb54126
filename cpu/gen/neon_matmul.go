// This file is the arm64 kernels of the matrix product; matmul.go has their formulas and the layout of their arguments.

package main

import "fmt"

const (
	neonRows   = 12 // of a tile: with two vectors 24 sums, which leave eight registers for A and B
	neonChains = 24 // of the yardstick: more than four pipes times four cycles
)

func neonMatmul(a *neon) {
	for vectors := 1; vectors <= 2; vectors++ {
		for rows := 1; rows <= neonRows; rows++ {
			a.tile(rows, vectors)
		}
	}
	a.cut()
	a.transpose()
	a.peak()
}

// neonTile is the registers of a tile, besides those of the chain.
type neonTile struct {
	rows, vectors             int
	flags, c, rowC            gp
	gate, rowGate, bias, temp gp
	acc                       [][]vec
}

// tile is the kernel for a tile of rows by vectors. Where not all lanes are on, the matrices C and gate and the bias are copied to the
// frame, and C back at the end: a vector instruction reads and writes all lanes.
func (a *neon) tile(rows, vectors int) {
	width := vectors * neonLanes
	name := fmt.Sprintf("tileNEON_%dx%d", rows, width)
	matrix := 4 * rows * width
	frame := (2*matrix + 4*width + 15) / 16 * 16
	a.function(name, "func(p *byte)", fmt.Sprintf(tileDoc, name, rows, width, neonTitle), frame)
	p := a.arg("p")
	t := neonTile{rows: rows, vectors: vectors, flags: a.gp(), c: a.gp(), rowC: a.gp(), gate: a.gp(), rowGate: a.gp(), bias: a.gp(), temp: a.gp()}
	for _, f := range []struct {
		offset int
		to     gp
	}{{argFlags, t.flags}, {argC, t.c}, {argRowC, t.rowC}, {argGate, t.gate}, {argRowGate, t.rowGate}, {argBias, t.bias}} {
		a.op("MOVD", mem(p, f.offset), f.to)
	}
	for range rows {
		t.acc = append(t.acc, a.vectors(vectors))
	}
	taken := a.gps
	a.jumpIf(wholeStores, t.flags, "whole")
	n := a.edge(p, "before")
	room, stride := a.gp(), a.gp()
	a.op("MOVD", fmt.Sprintf("$room-%d(SP)", frame), room)
	a.op("MOVD", 4*width, stride)
	a.jumpUnless(accumulate, t.flags, "copiedC")
	a.copyRows("copyC", room, stride, t.c, t.rowC, rows, n)
	a.label("copiedC")
	a.op("MOVD", room, t.c)
	a.op("MOVD", stride, t.rowC)
	a.op("ADD", matrix, room)
	a.op("CBZ", t.gate, "copiedGate")
	a.copyRows("copyGate", room, stride, t.gate, t.rowGate, rows, n)
	a.op("MOVD", room, t.gate)
	a.op("MOVD", stride, t.rowGate)
	a.label("copiedGate")
	a.op("ADD", matrix, room)
	a.op("CBZ", t.bias, "whole")
	a.copyRows("copyBias", room, stride, t.bias, stride, 1, n)
	a.op("MOVD", room, t.bias)
	a.label("whole")
	a.gps = taken
	cursor := a.gp()
	for _, f := range [][2]int{{argB, nowB}, {argAhead, nowAhead}} {
		a.op("MOVD", mem(p, f[0]), cursor)
		a.op("MOVD", cursor, mem(p, f[1]))
	}
	a.gps = taken
	a.label("panel")

	// Going on from C, and not adding C at the end, keeps an element one chain however k is cut into blocks.
	for _, row := range t.acc {
		for _, v := range row {
			a.zero(v)
		}
	}
	a.jumpUnless(accumulate, t.flags, "fresh")
	a.op("MOVD", t.c, t.temp)
	for _, row := range t.acc {
		a.op("VLD1.P", fmt.Sprintf("(%s)(%s)", t.temp, t.rowC), list(row))
	}
	a.label("fresh")
	a.chain(p, &t)
	a.gps = taken
	a.epilogue(&t)

	a.op("MOVD", t.c, t.temp)
	for _, row := range t.acc {
		a.op("VST1.P", list(row), fmt.Sprintf("(%s)(%s)", t.temp, t.rowC))
	}
	a.argTo("p", p)
	a.jumpUnless(wholeStores, t.flags, "edge") // which is the last one
	a.nextPanel(p, &t)
	a.end()
	a.label("edge")
	a.gps = taken
	n = a.edge(p, "after")
	to, rowTo := a.gp(), a.gp()
	a.op("MOVD", mem(p, argC), to)
	a.op("MOVD", mem(p, argRowC), rowTo)
	a.copyRows("copyBack", to, rowTo, t.c, t.rowC, rows, n)
	a.end()
}

// nextPanel goes on with the next panel of B, if there is one.
func (a *neon) nextPanel(p gp, t *neonTile) {
	x, by := a.gp(), a.gp()
	for _, f := range [][2]int{{nowB, argStepB}, {nowAhead, argAheadOn}} {
		a.op("MOVD", mem(p, f[0]), x)
		a.op("MOVD", mem(p, f[1]), by)
		a.op("ADD", by, x)
		a.op("MOVD", x, mem(p, f[0]))
	}
	width := t.vectors * neonSize
	a.op("ADD", width, t.c)
	a.op("ADD", width, t.bias, x)
	a.op("CMP", 0, t.bias) // nothing stays nothing
	a.op("CSEL", "NE", x, t.bias, t.bias)
	a.op("ADD", width, t.gate, x)
	a.op("CMP", 0, t.gate)
	a.op("CSEL", "NE", x, t.gate, t.gate)
	a.op("MOVD", mem(p, argPanels), x)
	a.op("SUBS", 1, x, x)
	a.op("MOVD", x, mem(p, argPanels))
	a.op("BNE", "panel")
}

// edge is the number of columns of a tile that is not whole.
func (a *neon) edge(p gp, label string) gp {
	lanes := a.gp()
	a.op("MOVD", mem(p, argLanes), lanes)
	return a.countLanes(lanes, label)
}

// copyRows copies n > 0 numbers of each row.
func (a *neon) copyRows(label string, dst, dstStride, src, srcStride gp, rows int, n gp) {
	taken := a.gps
	row, from, to, left, word := a.gp(), a.gp(), a.gp(), a.gp(), a.gp()
	a.op("MOVD", "ZR", row)
	a.label(label)
	a.op("MADD", row, src, srcStride, from)
	a.op("MADD", row, dst, dstStride, to)
	a.op("MOVD", n, left)
	a.label(label + "Next")
	a.op("MOVWU.P", mem(from, 4), word)
	a.op("MOVW.P", word, mem(to, 4))
	a.again(left, label+"Next")
	a.op("ADD", 1, row)
	a.op("CMP", rows, row)
	a.op("BLT", label)
	a.gps = taken
}

// chain is acc[i] = fma(a[i][p], b[p], acc[i]) for p = 0, 1, ..., k-1. A number of A is loaded to the first lane and multiplied from
// there, so that only the load units work for it.
func (a *neon) chain(p gp, t *neonTile) {
	k, left, step, b, rowB := a.gp(), make([]gp, t.rows), a.gp(), a.gp(), a.gp()
	for i := range left {
		left[i] = a.gp()
	}
	offset, ahead, aheadBy := t.temp, a.gp(), p // the last one read from p
	for _, f := range []struct {
		offset int
		to     gp
	}{{argA, left[0]}, {argRowA, offset}, {argK, k}, {argStepA, step}, {nowB, b}, {argRowB, rowB}, {nowAhead, ahead}, {argAheadBy, aheadBy}} {
		a.op("MOVD", mem(p, f.offset), f.to)
	}
	for i := 1; i < t.rows; i++ {
		a.op("ADD", offset, left[i-1], left[i])
	}
	a.op("MOVD", "ZR", offset)
	a.op("TST", closeSteps|closeRows, t.flags)
	a.op("BEQ", "line")
	a.op("ASR", 2, aheadBy) // a line each unrolled steps is a quarter of one each step
	a.label("line")
	taken := a.vecs
	y, x := a.vectors(t.vectors), a.vectors(6)
	read := func(i int) {
		if i < t.rows {
			a.op("FMOVS", fmt.Sprintf("(%s)(%s)", left[i], offset), x[i%len(x)].float())
		}
	}
	a.op("CBZ", k, "multiplied")
	a.label("next")
	a.op("PRFM", mem(ahead, 0), "PLDL1KEEP")
	a.op("ADD", aheadBy, ahead)
	a.op("VLD1.P", fmt.Sprintf("(%s)(%s)", b, rowB), list(y))
	for i := range x {
		read(i)
	}
	for i, row := range t.acc {
		for v := range row {
			a.fmaOne(y[v], x[i%len(x)], row[v])
		}
		read(i + len(x))
	}
	a.op("ADD", step, offset)
	a.again(k, "next")
	a.label("multiplied")
	a.vecs = taken
}

// epilogue adds the bias, then applies ReLU, then the gate, while the tile is in registers.
func (a *neon) epilogue(t *neonTile) {
	tmp := a.vectors(t.vectors)
	a.op("CBZ", t.bias, "unbiased")
	a.loads(t.bias, 0, tmp)
	for _, row := range t.acc {
		for v := range row {
			a.add(row[v], tmp[v], row[v])
		}
	}
	a.label("unbiased")
	a.jumpUnless(relu, t.flags, "linear")
	for _, row := range t.acc {
		for v := range row {
			a.relu(row[v], tmp[v])
		}
	}
	a.label("linear")
	a.op("CBZ", t.gate, "open")
	a.op("MOVD", t.gate, t.temp)
	for _, row := range t.acc {
		a.op("VLD1.P", fmt.Sprintf("(%s)(%s)", t.temp, t.rowGate), list(tmp))
		for v := range row {
			a.positive(tmp[v], tmp[v])
			a.and(row[v], tmp[v], row[v])
		}
	}
	a.label("open")
}

const neonCutDoc = `cutNEON cuts rows into panels: it is

	for p := range rows {
		for t := range panels {
			for j := range width/4 {
				dst[t][p][j] = src[p][t*width/4+j] // 0 where lanes[j] is 0
			}
		}
	}

by NEON, where dst[t] begins panelStride bytes and dst[t][p] width bytes after the one before. Lanes that are on come first, and
there are no more of them than width/4.`

// cut is the packing of B, and of A where it is stored transposed, for panels of any width.
func (a *neon) cut() {
	a.function("cutNEON", "func(dst *float32, panelStride, width int, src *float32, srcStride, rows, panels int, lanes *int32)", neonCutDoc, 0)
	dst, panelStride, width := a.arg("dst"), a.arg("panelStride"), a.arg("width")
	src, srcStride := a.arg("src"), a.arg("srcStride")
	rows, panels := a.arg("rows"), a.arg("panels")
	n := a.countLanes(a.arg("lanes"), "lane")
	pad, from, to, panel, f, t, left, word := a.gp(), a.gp(), a.gp(), a.gp(), a.gp(), a.gp(), a.gp(), a.gp()
	v := a.vectors(3)
	a.op("LSR", 2, width, pad)
	a.op("SUB", n, pad)
	walk := func(label string, body func()) {
		a.label(label)
		a.op("MOVD", src, from)
		a.op("MOVD", dst, to)
		a.op("MOVD", panels, panel)
		a.label(label + "Panel")
		body()
		a.op("ADD", width, from)
		a.op("ADD", panelStride, to)
		a.again(panel, label+"Panel")
		a.op("ADD", srcStride, src)
		a.op("ADD", width, dst)
		a.again(rows, label)
		a.end()
	}
	whole := []string{2: "two", 3: "three"} // vectors of panels that have no padding
	a.op("CBNZ", pad, "any")
	for i := 2; i < len(whole); i++ {
		a.op("CMP", i*neonLanes, n)
		a.op("BEQ", whole[i])
	}
	walk("any", func() {
		a.op("MOVD", from, f)
		a.op("MOVD", to, t)
		a.op("MOVD", n, left)
		a.label("vector")
		a.op("SUBS", neonLanes, left, left)
		a.op("BLT", "rest")
		a.op("FMOVQ.P", mem(f, neonSize), v[0].float())
		a.op("FMOVQ.P", v[0].float(), mem(t, neonSize))
		a.op("B", "vector")
		a.label("rest")
		a.op("ADDS", neonLanes, left, left)
		a.op("BEQ", "pad")
		a.label("one")
		a.op("MOVWU.P", mem(f, 4), word)
		a.op("MOVW.P", word, mem(t, 4))
		a.again(left, "one")
		a.label("pad")
		a.op("MOVD", pad, left)
		a.op("CBZ", left, "padded")
		a.label("zero")
		a.op("MOVW.P", "ZR", mem(t, 4))
		a.again(left, "zero")
		a.label("padded")
	})
	for i := 2; i < len(whole); i++ {
		walk(whole[i], func() {
			a.op("VLD1", mem(from, 0), list(v[:i]))
			a.op("VST1", list(v[:i]), mem(to, 0))
		})
	}
}

func (a *neon) transpose() {
	name := "transpose4"
	a.function(name, "func(dst *float32, dstStride int, src *float32, srcStride, blocks int)",
		fmt.Sprintf(transposeDoc, neonLanes, neonTitle), 0)
	dst, dstStride, src, srcStride, blocks := a.arg("dst"), a.arg("dstStride"), a.arg("src"), a.arg("srcStride"), a.arg("blocks")
	from := a.gp()
	r, t := a.vectors(4), a.vectors(4)
	a.label("block")
	a.op("MOVD", src, from)
	for i := range r {
		a.op("VLD1.P", fmt.Sprintf("(%s)(%s)", from, srcStride), list(r[i:i+1]))
	}
	a.op("ADD", neonSize, src)
	for i := range 2 { // rows 0 and 2, 1 and 3, number by number in turn; then these two pairs
		a.op("VZIP1", r[i+2], r[i], t[2*i])
		a.op("VZIP2", r[i+2], r[i], t[2*i+1])
	}
	for i := range 2 {
		a.op("VZIP1", t[i+2], t[i], r[2*i])
		a.op("VZIP2", t[i+2], t[i], r[2*i+1])
	}
	for i := range r {
		a.op("VST1.P", list(r[i:i+1]), fmt.Sprintf("(%s)(%s)", dst, dstStride))
	}
	a.again(blocks, "block")
	a.end()
}

func (a *neon) peak() {
	name := "fmaPeakNEON"
	a.function(name, "func(n int)", fmt.Sprintf("%s does n times %d multiply-adds of %d lanes, in as many chains, by %s.",
		name, neonChains, neonLanes, neonTitle), 0)
	n := a.arg("n")
	acc, x := a.vectors(neonChains), a.vec()
	for _, v := range append(acc, x) {
		a.zero(v)
	}
	a.label("next")
	for _, v := range acc {
		a.fma(x, x, v)
	}
	a.again(n, "next")
	a.end()
}
