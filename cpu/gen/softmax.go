// This file is the masked softmax: the logarithm at an action, its gradient, and the draw of an action.

package main

import (
	"fmt"
	"math"

	op "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The layout of cpu.softmaxArgs, in bytes.
const (
	softGroups   = 0
	softN        = 8
	softFold     = 16
	softX        = 24
	softXStep    = 32
	softMask     = 40
	softMaskStep = 48
	softTop      = 56
	softSum      = 64
	softAction   = 72
	softGiven    = 80
	softPart     = 88
)

func softmax(a *asm) {
	numbers := append(expLogNumbers(), math.Float32bits(float32(math.Inf(-1))), 1, math.MaxUint32)
	c := a.table("softmaxNumbers", numbers...)
	for _, s := range []isa{&avx2{asm: a}, &avx512{asm: a}} {
		for _, k := range softmaxKinds {
			a.softmax(s, c, k)
		}
	}
}

var softmaxKinds = []softmaxKind{
	{"logProb", "sum[r] = log(sum[r])", (*asm).logProb},
	{"logProbBack", "x[j][r] = given[r] * ([j = action[r]] - x[j][r]/sum[r])   +0 where not allowed", (*asm).logProbBack},
	{"draw", "action[r] = pick of rng.Categorical with the words' u = given[r]; n <= 32", (*asm).draw},
}

// softmaxKind is what is done with a group of rows when their sums are known.
type softmaxKind struct {
	name, doc string
	emit      func(a *asm, s isa, c *table, p reg.GPVirtual, sum reg.VecVirtual)
}

const softmaxDoc = `%s takes rows r in groups of %d, column by column, the allowed ones among n columns by the bits of mask[j/32][r]:

	top[r] = max over allowed x[j][r]   NaN left out, -Inf for none
	x[j][r] = exp(x[j][r] - top[r])     +0 where not allowed
	sum[r] = f32.RowSum over j
	%s

by %s. p points to a softmaxArgs, whose pointers are moved.`

func (a *asm) softmax(s isa, c *table, kind softmaxKind) {
	name := kind.name + s.name()
	a.function(name, "func(p *byte)", fmt.Sprintf(softmaxDoc, name, s.lanes(), kind.doc, s.title()))
	p := a.arg("p")
	size := 4 * s.lanes()
	a.Label("group")

	top := s.vec()
	a.VMOVUPS(c.float(float32(math.Inf(-1))), top)
	low := s.vec()
	a.VMOVAPS(top, low)
	a.columnLoop(s, p, "max", func(x reg.GPVirtual, _ reg.GPVirtual, allowed predicate) {
		v := s.vec()
		a.VMOVUPS(op.Mem{Base: x}, v)
		s.choose(allowed, v, low, v)
		a.VMAXPS(top, v, top) // top where v is NaN
	})
	a.VMOVUPS(top, op.Mem{Base: a.field(p, softTop)})

	part := a.field(p, softPart)
	a.columnLoop(s, p, "exp", func(x, j reg.GPVirtual, allowed predicate) {
		v := s.vec()
		a.VMOVUPS(op.Mem{Base: x}, v)
		a.VSUBPS(top, v, v)
		e := a.exp(s, c, v)
		s.keep(allowed, e, e)
		a.VMOVUPS(e, op.Mem{Base: x})
		at := a.GP64()
		a.MOVQ(j, at)
		a.ANDQ(op.Imm(31), at)
		a.IMUL3Q(op.Imm(uint64(size)), at, at)
		a.ADDQ(part, at)
		a.CMPQ(j, op.Imm(32))
		a.JL(op.LabelRef("fresh"))
		a.VADDPS(op.Mem{Base: at}, e, e)
		a.Label("fresh")
		a.VMOVUPS(e, op.Mem{Base: at})
	})
	sum := a.butterfly(s, p, part)
	a.VMOVUPS(sum, op.Mem{Base: a.field(p, softSum)})
	kind.emit(a, s, c, p, sum)

	for _, f := range []int{softTop, softSum, softAction, softGiven} {
		a.ADDQ(op.Imm(uint64(size)), op.Mem{Base: p, Disp: f})
	}
	for _, f := range [][2]int{{softX, softXStep}, {softMask, softMaskStep}} {
		step := a.field(p, f[1])
		a.ADDQ(step, op.Mem{Base: p, Disp: f[0]})
	}
	a.DECQ(op.Mem{Base: p, Disp: softGroups})
	a.JNZ(op.LabelRef("group"))
	a.end()
}

// columnLoop runs body for every column j of the group at x.
func (a *asm) columnLoop(s isa, p reg.GPVirtual, label string, body func(x, j reg.GPVirtual, allowed predicate)) {
	size := 4 * s.lanes()
	x, mask, n, j := a.field(p, softX), a.field(p, softMask), a.field(p, softN), a.GP64()
	a.XORQ(j, j)
	word := s.vec()
	a.Label(label)
	a.TESTQ(op.U32(31), j)
	a.JNZ(op.LabelRef(label + "Bit"))
	a.VMOVUPS(op.Mem{Base: mask}, word)
	a.ADDQ(op.Imm(uint64(size)), mask)
	a.Label(label + "Bit")
	bit := s.vec()
	a.VPSLLD(op.Imm(31), word, bit)
	a.VPSRLD(op.Imm(1), word, word)
	body(x, j, s.signs(bit))
	a.ADDQ(op.Imm(uint64(size)), x)
	a.INCQ(j)
	a.CMPQ(j, n)
	a.JL(op.LabelRef(label))
}

// butterfly adds up the partial sums. Those from the power of two above n on are +0 and change no bit, so it begins there.
func (a *asm) butterfly(s isa, p, part reg.GPVirtual) reg.VecVirtual {
	size := 4 * s.lanes()
	n, fold := a.field(p, softN), a.field(p, softFold)
	zero := s.vec()
	s.zero(zero)
	a.Label("pad")
	a.CMPQ(n, fold)
	a.JGE(op.LabelRef("fold"))
	at := a.GP64()
	a.IMUL3Q(op.Imm(uint64(size)), n, at)
	a.VMOVUPS(zero, op.Mem{Base: part, Index: at, Scale: 1})
	a.INCQ(n)
	a.JMP(op.LabelRef("pad"))

	a.Label("fold")
	a.SHRQ(op.Imm(1), fold)
	a.jumpIfZero(fold, "folded")
	half, i, left := a.GP64(), a.GP64(), a.GP64()
	a.IMUL3Q(op.Imm(uint64(size)), fold, half)
	a.ADDQ(part, half)
	a.MOVQ(part, i)
	a.MOVQ(fold, left)
	a.Label("foldNext")
	v := s.vec()
	a.VMOVUPS(op.Mem{Base: i}, v)
	a.VADDPS(op.Mem{Base: half}, v, v)
	a.VMOVUPS(v, op.Mem{Base: i})
	a.onward(s, 1, i, half)
	a.again(left, "foldNext")
	a.JMP(op.LabelRef("fold"))
	a.Label("folded")
	sum := s.vec()
	a.VMOVUPS(op.Mem{Base: part}, sum)
	return sum
}

func (a *asm) logProb(s isa, c *table, p reg.GPVirtual, sum reg.VecVirtual) {
	a.VMOVUPS(a.log(s, c, sum), op.Mem{Base: a.field(p, softSum)})
}

func (a *asm) logProbBack(s isa, c *table, p reg.GPVirtual, sum reg.VecVirtual) {
	g, action, number, one := s.vec(), s.vec(), s.vec(), s.vec()
	a.VMOVUPS(op.Mem{Base: a.field(p, softGiven)}, g)
	a.VMOVUPS(op.Mem{Base: a.field(p, softAction)}, action)
	a.VMOVUPS(c.float(1), one)
	s.zero(number)
	a.columnLoop(s, p, "back", func(x, _ reg.GPVirtual, allowed predicate) {
		e, hit := s.vec(), s.vec()
		a.VMOVUPS(op.Mem{Base: x}, e)
		a.VDIVPS(sum, e, e)
		s.keep(s.equal(number, action), one, hit)
		a.VPADDD(c.word(1), number, number)
		a.VSUBPS(e, hit, hit)
		a.VMULPS(g, hit, hit)
		s.keep(allowed, hit, hit)
		a.VMOVUPS(hit, op.Mem{Base: x})
	})
}

// draw is the inverse of the cumulative distribution in one block of at most 32 actions.
func (a *asm) draw(s isa, c *table, p reg.GPVirtual, sum reg.VecVirtual) {
	size := 4 * s.lanes()
	target := s.vec()
	a.VMULPS(op.Mem{Base: a.field(p, softGiven)}, sum, target)

	// The scan: x[j] += x[j-o] for j from n-1 down to o.
	n, o := a.field(p, softN), a.GP64()
	a.MOVQ(op.I32(1), o)
	a.Label("scan")
	a.CMPQ(o, n)
	a.JGE(op.LabelRef("scanned"))
	to, from, left := a.GP64(), a.GP64(), a.GP64()
	a.MOVQ(n, left)
	a.SUBQ(o, left)
	a.IMUL3Q(op.Imm(uint64(size)), left, from)
	a.ADDQ(a.field(p, softX), from)
	a.IMUL3Q(op.Imm(uint64(size)), o, to)
	a.ADDQ(from, to)
	a.Label("scanNext")
	a.SUBQ(op.Imm(uint64(size)), from)
	a.SUBQ(op.Imm(uint64(size)), to)
	v := s.vec()
	a.VMOVUPS(op.Mem{Base: to}, v)
	a.VADDPS(op.Mem{Base: from}, v, v)
	a.VMOVUPS(v, op.Mem{Base: to})
	a.again(left, "scanNext")
	a.ADDQ(o, o)
	a.JMP(op.LabelRef("scan"))
	a.Label("scanned")

	// The least allowed number above the target, or the greatest allowed one. none is -1, and greater than all as an unsigned number.
	pick, none, last, number := s.vec(), s.vec(), s.vec(), s.vec()
	a.VMOVUPS(c.word(math.MaxUint32), none)
	a.VMOVAPS(none, pick)
	a.VMOVAPS(none, last)
	s.zero(number)
	a.columnLoop(s, p, "pick", func(x, _ reg.GPVirtual, allowed predicate) {
		v, w := s.vec(), s.vec()
		s.choose(allowed, number, none, w)
		a.VPMAXSD(w, last, last)
		a.VMOVUPS(op.Mem{Base: x}, v)
		s.choose(s.compare(greaterThan, v, target), number, none, v)
		s.choose(allowed, v, none, v)
		a.VPMINUD(v, pick, pick)
		a.VPADDD(c.word(1), number, number)
	})
	s.choose(s.equal(pick, none), last, pick, pick)
	a.VMOVUPS(pick, op.Mem{Base: a.field(p, softAction)})
}
