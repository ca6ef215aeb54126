// This file is the matrix product's micro-kernel: a tile of C that stays in registers while k runs.

package main

import (
	"fmt"

	op "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The layout of cpu.tileArgs, in bytes.
const (
	argA        = 0
	argB        = 8
	argC        = 16
	argBias     = 24
	argGate     = 32
	argLanes    = 40
	argK        = 48
	argRowA     = 56
	argStepA    = 64
	argRowB     = 72
	argRowC     = 80
	argRowGate  = 88
	argFlags    = 96
	argAhead    = 104
	argAheadBy  = 112
	argPanels   = 120
	argStepB    = 128
	argAheadOn  = 136
	nowB        = 144
	nowC        = 152
	nowBias     = 160
	nowGate     = 168
	nowAhead    = 176
	accumulate  = 1 // bits of flags
	relu        = 2
	wholeStores = 4
	closeSteps  = 8
	closeRows   = 16
	inPlace     = 32
)

func matmul(a *asm) {
	for _, s := range []struct {
		isa
		one, two int // most rows of a tile of one and of two vectors
	}{
		// 12 accumulators, two vectors of B and two of A fill sixteen registers; eight rows of two zmm run as fast as
		// twelve or fourteen.
		{&avx2{asm: a}, 12, 6},
		{&avx512{asm: a}, 8, 8},
	} {
		for rows := 1; rows <= s.one; rows++ {
			a.tile(s.isa, rows, 1)
		}
		for rows := 1; rows <= s.two; rows++ {
			a.tile(s.isa, rows, 2)
		}
		a.cut(s.isa, 1)
		a.cut(s.isa, 2)
		a.peak(s.isa)
	}
	a.transpose8()
	a.transpose16()
}

const tileDoc = `%s is, for rows i < %d and those columns j < %d whose lane is on,

	s := 0 // c[i][j] if accumulate
	for p := range k {
		s = fma(a[i][p], b[p][j], s)
	}
	if bias != nil {
		s += bias[j]
	}
	if relu && s < 0 {
		s = 0
	}
	if gate != nil && !(gate[i][j] > 0) {
		s = 0
	}
	c[i][j] = s

by %s, for one panel of b after the other. p points to a tileArgs; b is padded to full vectors.`

// line is a cache line, in bytes.
const line = 64

// unrolled is the number of k steps between two jumps where a's addresses allow it.
const unrolled = 4

// tile is the kernel for a tile of rows by vectors.
func (a *asm) tile(s isa, rows, vectors int) {
	name := fmt.Sprintf("tile%s_%dx%d", s.name(), rows, vectors*s.lanes())
	a.function(name, "func(p *byte)", fmt.Sprintf(tileDoc, name, rows, vectors*s.lanes(), s.title()))
	p := a.arg("p")
	size := 4 * s.lanes()
	for _, cursor := range [][2]int{{argB, nowB}, {argC, nowC}, {argBias, nowBias}, {argGate, nowGate}, {argAhead, nowAhead}} {
		a.setField(p, cursor[1], a.field(p, cursor[0]))
	}
	a.Label("panel")

	// The tile of C and of the gate are wanted at the end, whole k steps from now.
	flags := a.field(p, argFlags)
	c := a.matrix(a.field(p, nowC), a.field(p, argRowC), rows)
	a.prefetch(c, rows, vectors*size)
	if gate := a.field(p, nowGate); true {
		a.jumpIfZero(gate, "ungated")
		a.prefetch(a.matrix(gate, a.field(p, argRowGate), rows), rows, vectors*size)
		a.Label("ungated")
	}
	s.bind(a.field(p, argLanes), vectors)

	// Going on from C, and not adding C at the end, keeps an element one chain however k is cut into blocks.
	acc := make([][]reg.VecVirtual, rows)
	for i := range acc {
		acc[i] = make([]reg.VecVirtual, vectors)
		for v := range acc[i] {
			acc[i][v] = s.vec()
			s.zero(acc[i][v])
		}
	}
	a.jumpUnless(accumulate, flags, "fresh")
	for i := range acc {
		for v := range acc[i] {
			s.load(c.at(i, size*v), v, acc[i][v])
		}
	}
	a.Label("fresh")
	a.chain(s, p, acc)

	c = a.matrix(a.field(p, nowC), a.field(p, argRowC), rows)
	flags = a.field(p, argFlags)
	s.bind(a.field(p, argLanes), vectors)
	a.epilogue(s, p, flags, acc)
	if _, slow := s.(*avx2); slow { // VMASKMOVPS stores take tens of cycles on AMD
		a.jumpUnless(wholeStores, flags, "partial")
		for i := range acc {
			for v := range acc[i] {
				a.VMOVUPS(acc[i][v], c.at(i, size*v))
			}
		}
		a.JMP(op.LabelRef("stored"))
		a.Label("partial")
	}
	for i := range acc {
		for v := range acc[i] {
			s.store(acc[i][v], v, c.at(i, size*v))
		}
	}
	a.Label("stored")
	a.addField(p, nowB, a.field(p, argStepB))
	a.addField(p, nowAhead, a.field(p, argAheadOn))
	for _, cursor := range []int{nowC, nowBias, nowGate} {
		width := a.GP64()
		a.MOVQ(op.U32(vectors*size), width)
		a.addField(p, cursor, width)
	}
	// A cursor of nothing stays nothing.
	for _, optional := range [][2]int{{argBias, nowBias}, {argGate, nowGate}} {
		label := fmt.Sprintf("there%d", optional[0])
		none := a.field(p, optional[0])
		a.TESTQ(none, none)
		a.JNZ(op.LabelRef(label))
		a.setField(p, optional[1], none)
		a.Label(label)
	}
	panels := a.field(p, argPanels)
	a.DECQ(panels)
	a.setField(p, argPanels, panels)
	a.TESTQ(panels, panels)
	a.JNZ(op.LabelRef("panel"))
	a.end()
}

// chain is acc[i] = fma(a[i][p], b[p], acc[i]) for p = 0, 1, ..., k-1. Where the steps of a row of a lie side by side, or its rows do
// (in a transpose), there is one jump in unrolled steps.
func (a *asm) chain(s isa, p reg.GPVirtual, acc [][]reg.VecVirtual) {
	k := a.field(p, argK)
	left := a.matrix(a.field(p, argA), a.field(p, argRowA), len(acc))
	b, rowB := a.field(p, nowB), a.field(p, argRowB)
	ahead, aheadBy := a.field(p, nowAhead), a.field(p, argAheadBy)
	x := []reg.VecVirtual{s.vec(), s.vec()} // two, so that a broadcast need not wait for the row before
	y := make([]reg.VecVirtual, len(acc[0]))
	for v := range y {
		y[v] = s.vec()
	}
	one := func(from func(v int) op.Mem, element func(i int) op.Mem) {
		for v := range y {
			s.loadPadded(from(v), v, y[v])
		}
		for i := range acc {
			a.VBROADCASTSS(element(i), x[i%2])
			for v := range y {
				a.VFMADD231PS(y[v], x[i%2], acc[i][v])
			}
		}
	}
	rowOfB := func(v int) op.Mem { return op.Mem{Base: b, Disp: 4 * s.lanes() * v} }

	// four is the loop over four steps. Rows of B lie rowB apart wherever they are, so that from a row further down, four such strides
	// fetch four rows; the next panel of A, which is short, gets one line.
	rowB3 := a.GP64()
	fetches := func(lines int) func() {
		return func() {
			for u := range lines {
				a.PREFETCHT0(thrice(op.Mem{Base: ahead}, rowB, rowB3, u))
			}
			a.ADDQ(aheadBy, ahead)
		}
	}
	four := func(label string, fetch func(), element func(i, u int) op.Mem, next func()) {
		a.Label(label)
		fetch()
		for u := range unrolled {
			one(func(v int) op.Mem { return thrice(rowOfB(v), rowB, rowB3, u) }, func(i int) op.Mem { return element(i, u) })
		}
		a.LEAQ(op.Mem{Base: b, Index: rowB, Scale: unrolled}, b)
		next()
		a.SUBQ(op.U32(unrolled), k)
		a.CMPQ(k, op.U32(unrolled))
		a.JGE(op.LabelRef(label))
	}
	a.CMPQ(k, op.U32(unrolled))
	a.JL(op.LabelRef("single"))
	flags := a.field(p, argFlags)
	a.jumpUnless(closeSteps, flags, "rows")
	sideBySide := func(i, u int) op.Mem { return left.at(i, 4*u) }
	along := func() {
		for _, r := range left.base {
			a.ADDQ(op.U32(4*unrolled), r)
		}
	}
	a.jumpUnless(inPlace, flags, "packed")
	a.LEAQ(op.Mem{Base: rowB, Index: rowB, Scale: 2}, rowB3)
	four("place4", fetches(unrolled), sideBySide, along)
	a.JMP(op.LabelRef("single"))
	a.Label("packed")
	a.LEAQ(op.Mem{Base: rowB, Index: rowB, Scale: 2}, rowB3)
	four("steps4", fetches(1), sideBySide, along)
	a.JMP(op.LabelRef("single"))

	a.Label("rows")
	a.jumpUnless(closeRows, flags, "single")
	a.LEAQ(op.Mem{Base: rowB, Index: rowB, Scale: 2}, rowB3)
	step, stride3 := a.field(p, argStepA), a.GP64()
	a.LEAQ(op.Mem{Base: step, Index: step, Scale: 2}, stride3)
	row := func(disp, u int) op.Mem { return thrice(op.Mem{Base: left.base[0], Disp: disp}, step, stride3, u) }
	rows4 := func(label string, fetch func()) {
		four(label, fetch, func(i, u int) op.Mem { return row(4*i, u) }, func() {
			a.LEAQ(op.Mem{Base: left.base[0], Index: step, Scale: unrolled}, left.base[0])
		})
	}
	a.jumpUnless(inPlace, a.field(p, argFlags), "lines") // read again, so that a register is free meanwhile
	rows4("placeRows4", fetches(unrolled))
	a.JMP(op.LabelRef("bases"))
	a.Label("lines")
	rows4("rows4", func() { // the next panel of A lies beside this one if A is where it was
		for u := range unrolled {
			a.PREFETCHT0(row(line, u))
		}
	})
	a.Label("bases")
	for i := 1; i < len(left.base); i++ { // not moved along, so that the loop has registers enough
		a.LEAQ(op.Mem{Base: left.base[i-1], Index: left.stride, Scale: 2}, left.base[i])
		a.ADDQ(left.stride, left.base[i])
	}

	a.Label("single")
	a.jumpIfZero(k, "done")
	step = a.field(p, argStepA)
	a.Label("next")
	a.PREFETCHT0(op.Mem{Base: ahead})
	a.ADDQ(aheadBy, ahead)
	one(rowOfB, func(i int) op.Mem { return left.at(i, 0) })
	a.ADDQ(rowB, b)
	a.advance(left, step)
	a.again(k, "next")
	a.Label("done")
}

// thrice is the memory u strides further on, u up to 3, where a register holds three strides.
func thrice(m op.Mem, stride, stride3 reg.GPVirtual, u int) op.Mem {
	switch u {
	case 1, 2:
		m.Index, m.Scale = stride, uint8(u)
	case 3:
		m.Index, m.Scale = stride3, 1
	}
	return m
}

// epilogue adds the bias, then applies ReLU, then the gate, while the tile is in registers.
func (a *asm) epilogue(s isa, p, flags reg.GPVirtual, acc [][]reg.VecVirtual) {
	size := 4 * s.lanes()
	zero, tmp := s.vec(), s.vec()
	bias := a.field(p, nowBias)
	a.jumpIfZero(bias, "unbiased")
	for v := range acc[0] {
		s.load(op.Mem{Base: bias, Disp: size * v}, v, tmp)
		for i := range acc {
			a.VADDPS(tmp, acc[i][v], acc[i][v])
		}
	}
	a.Label("unbiased")
	s.zero(zero)
	a.jumpUnless(relu, flags, "linear")
	for i := range acc {
		for v := range acc[i] {
			// The last operand in Intel's order wins for NaN and for two zeros: -0 and NaN stay, as in s < 0.
			a.VMAXPS(acc[i][v], zero, acc[i][v])
		}
	}
	a.Label("linear")
	gate := a.field(p, nowGate)
	a.jumpIfZero(gate, "open")
	g := a.matrix(gate, a.field(p, argRowGate), len(acc))
	for i := range acc {
		for v := range acc[i] {
			s.gate(g.at(i, size*v), v, zero, acc[i][v], tmp)
		}
	}
	a.Label("open")
}

// prefetch asks for the cache lines of a tile.
func (a *asm) prefetch(m matrix, rows, bytes int) {
	for i := range rows {
		for offset := 0; offset < bytes; offset += 64 {
			a.PREFETCHT0(m.at(i, offset))
		}
	}
}
