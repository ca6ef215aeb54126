// This file is the arm64 kernels of the masked softmax; softmax.go has their formulas and the layout of their arguments.

package main

import (
	"fmt"
	"math"
)

// neonTable is read-only data: numbers that fill a vector each.
type neonTable struct {
	name string
	of   map[uint32]int // offset of a number's bits
}

func (a *neon) table(name string, numbers ...uint32) *neonTable {
	t := &neonTable{name: name, of: map[uint32]int{}}
	a.asm.WriteString("\n")
	for _, n := range numbers {
		if _, ok := t.of[n]; ok {
			continue
		}
		at := neonSize * len(t.of)
		t.of[n] = at
		for i := range neonLanes {
			fmt.Fprintf(&a.asm, "DATA %s<>+%d(SB)/4, $%#08x\n", name, at+4*i, n)
		}
	}
	fmt.Fprintf(&a.asm, "GLOBL %s<>(SB), RODATA|NOPTR, $%d\n", name, neonSize*len(t.of))
	return t
}

// neonNumbers is a table whose address is in a register.
type neonNumbers struct {
	*neon
	*neonTable
	at gp
}

// word fills a new register with an integer; float with a float32.
func (n neonNumbers) word(bits uint32) vec {
	offset, ok := n.of[bits]
	if !ok {
		panic("gen: a constant is missing in the table")
	}
	v := n.vec()
	n.load(n.at, offset, v)
	return v
}

func (n neonNumbers) float(x float32) vec { return n.word(math.Float32bits(x)) }

func (n neonNumbers) floats(list []float32) []vec {
	v := make([]vec, len(list))
	for i, x := range list {
		v[i] = n.float(x)
	}
	return v
}

func neonSoftmax(a *neon) {
	t := a.table("softmaxNumbers", append(expLogNumbers(), math.Float32bits(float32(math.Inf(-1))), 1, math.MaxUint32)...)
	for _, kind := range softmaxKinds {
		a.softmax(t, kind.name, kind.doc, map[string]func(neonNumbers, gp, vec){
			"logProb": neonNumbers.logProb, "logProbBack": neonNumbers.logProbBack, "draw": neonNumbers.draw}[kind.name])
	}
}

func (a *neon) softmax(t *neonTable, kind, doc string, emit func(c neonNumbers, p gp, sum vec)) {
	name := kind + "NEON"
	a.function(name, "func(p *byte)", fmt.Sprintf(softmaxDoc, name, neonLanes, doc, neonTitle), 0)
	p, c := a.arg("p"), neonNumbers{neon: a, neonTable: t, at: a.gp()}
	a.op("MOVD", fmt.Sprintf("$%s<>(SB)", t.name), c.at)
	gps, vecs := a.gps, a.vecs
	a.label("group")

	top, v, more := c.float(float32(math.Inf(-1))), a.vec(), a.vec()
	a.columnLoop(p, "max", func(x, _ gp, allowed vec) {
		a.load(x, 0, v)
		a.greater(v, top, more) // false where v is NaN
		a.and(more, allowed, more)
		a.replace(more, v, top)
	})
	a.store(top, a.field(p, softTop), 0)

	part, at := a.field(p, softPart), a.gp()
	exp, had := c.newExp(), a.vec()
	a.columnLoop(p, "exp", func(x, j gp, allowed vec) {
		a.load(x, 0, v)
		a.sub(v, top, v)
		e := exp.of(v)
		a.and(e, allowed, e)
		a.store(e, x, 0)
		a.op("AND", 31, j, at)
		a.op("ADD", fmt.Sprintf("%s<<4", at), part, at)
		a.op("CMP", 32, j)
		a.op("BLT", "fresh")
		a.load(at, 0, had)
		a.add(e, had, e)
		a.label("fresh")
		a.store(e, at, 0)
	})
	a.gps, a.vecs = gps, vecs
	sum := a.butterfly(p)
	a.store(sum, a.field(p, softSum), 0)
	emit(c, p, sum)

	a.gps, a.vecs = gps, vecs
	field, step := a.gp(), a.gp()
	move := func(f int, by any) {
		a.op("MOVD", mem(p, f), field)
		a.op("ADD", by, field)
		a.op("MOVD", field, mem(p, f))
	}
	for _, f := range []int{softTop, softSum, softAction, softGiven} {
		move(f, neonSize)
	}
	for _, f := range [][2]int{{softX, softXStep}, {softMask, softMaskStep}} {
		a.op("MOVD", mem(p, f[1]), step)
		move(f[0], step)
	}
	a.op("MOVD", mem(p, softGroups), field)
	a.op("SUBS", 1, field, field)
	a.op("MOVD", field, mem(p, softGroups))
	a.op("BNE", "group")
	a.end()
}

// field loads the 8 bytes at an offset from p.
func (a *neon) field(p gp, offset int) gp {
	r := a.gp()
	a.op("MOVD", mem(p, offset), r)
	return r
}

// columnLoop runs body for every column j of the group at x. It gives its own registers back.
func (a *neon) columnLoop(p gp, label string, body func(x, j gp, allowed vec)) {
	gps, vecs := a.gps, a.vecs
	x, mask, n, j := a.field(p, softX), a.field(p, softMask), a.field(p, softN), a.gp()
	a.op("MOVD", "ZR", j)
	word, allowed := a.vec(), a.vec()
	a.label(label)
	a.op("TST", 31, j)
	a.op("BNE", label+"Bit")
	a.op("FMOVQ.P", mem(mask, neonSize), word.float())
	a.label(label + "Bit")
	a.op("VSHL", 31, word, allowed)
	a.shiftSigned(31, allowed, allowed)
	a.op("VUSHR", 1, word, word)
	body(x, j, allowed)
	a.op("ADD", neonSize, x)
	a.op("ADD", 1, j)
	a.op("CMP", n, j)
	a.op("BLT", label)
	a.gps, a.vecs = gps, vecs
}

// butterfly adds up the partial sums. Those from the power of two above n on are +0 and change no bit, so it begins there.
func (a *neon) butterfly(p gp) vec {
	part, n, fold := a.field(p, softPart), a.field(p, softN), a.field(p, softFold)
	at, half, left := a.gp(), a.gp(), a.gp()
	sum, v := a.vec(), a.vec()
	a.zero(v)
	a.label("pad")
	a.op("CMP", fold, n)
	a.op("BGE", "fold")
	a.op("ADD", fmt.Sprintf("%s<<4", n), part, at)
	a.store(v, at, 0)
	a.op("ADD", 1, n)
	a.op("B", "pad")

	a.label("fold")
	a.op("LSR", 1, fold)
	a.op("CBZ", fold, "folded")
	a.op("ADD", fmt.Sprintf("%s<<4", fold), part, half)
	a.op("MOVD", part, at)
	a.op("MOVD", fold, left)
	a.label("foldNext")
	a.load(at, 0, sum)
	a.op("FMOVQ.P", mem(half, neonSize), v.float())
	a.add(sum, v, sum)
	a.op("FMOVQ.P", sum.float(), mem(at, neonSize))
	a.again(left, "foldNext")
	a.op("B", "fold")
	a.label("folded")
	a.load(part, 0, sum)
	return sum
}

func (c neonNumbers) logProb(p gp, sum vec) { c.store(c.log(sum), c.field(p, softSum), 0) }

func (c neonNumbers) logProbBack(p gp, sum vec) {
	g, action, number, one, step := c.vec(), c.vec(), c.vec(), c.float(1), c.word(1)
	c.load(c.field(p, softGiven), 0, g)
	c.load(c.field(p, softAction), 0, action)
	c.zero(number)
	e, hit := c.vec(), c.vec()
	c.columnLoop(p, "back", func(x, _ gp, allowed vec) {
		c.load(x, 0, e)
		c.div(e, sum, e)
		c.op("VCMEQ", number, action, hit)
		c.and(hit, one, hit)
		c.op("VADD", step, number, number)
		c.sub(hit, e, hit)
		c.mul(hit, g, hit)
		c.and(hit, allowed, hit)
		c.store(hit, x, 0)
	})
}

// draw is the inverse of the cumulative distribution in one block of at most 32 actions.
func (c neonNumbers) draw(p gp, sum vec) {
	target, v := c.vec(), c.vec()
	c.load(c.field(p, softGiven), 0, target)
	c.mul(target, sum, target)

	// The scan: x[j] += x[j-o] for j from n-1 down to o.
	n, x, o, to, from, left := c.field(p, softN), c.field(p, softX), c.gp(), c.gp(), c.gp(), c.gp()
	before := c.vec()
	c.op("MOVD", 1, o)
	c.label("scan")
	c.op("CMP", n, o)
	c.op("BGE", "scanned")
	c.op("SUB", o, n, left)
	c.op("ADD", fmt.Sprintf("%s<<4", left), x, from)
	c.op("ADD", fmt.Sprintf("%s<<4", o), from, to)
	c.label("scanNext")
	c.op("FMOVQ.W", mem(from, -neonSize), before.float())
	c.op("SUB", neonSize, to)
	c.load(to, 0, v)
	c.add(v, before, v)
	c.store(v, to, 0)
	c.again(left, "scanNext")
	c.op("ADD", o, o)
	c.op("B", "scan")
	c.label("scanned")

	// The least allowed number above the target, or the greatest allowed one. none is -1, and greater than all as an unsigned number.
	none, step := c.word(math.MaxUint32), c.word(1)
	pick, last, number, w := c.vec(), c.vec(), c.vec(), c.vec()
	c.copy(none, pick)
	c.copy(none, last)
	c.zero(number)
	c.columnLoop(p, "pick", func(x, _ gp, allowed vec) {
		c.copy(allowed, w)
		c.choose(number, none, w)
		c.maxInt(last, w, last)
		c.load(x, 0, v)
		c.greater(v, target, w)
		c.and(w, allowed, w)
		c.choose(number, none, w)
		c.op("VUMIN", w, pick, pick)
		c.op("VADD", step, number, number)
	})
	c.op("VCMEQ", pick, none, w)
	c.replace(w, last, pick)
	c.store(pick, c.field(p, softAction), 0)
}
