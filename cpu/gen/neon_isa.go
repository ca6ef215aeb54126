// This file is the vector instructions of arm64 that Go's assembler has no name for, as words.

package main

import "fmt"

// The words of instructions whose operands are all zero; Arm Architecture Reference Manual, DDI 0487, section C7.2.
const (
	wordFADD  = 0x4e20d400
	wordFSUB  = 0x4ea0d400
	wordFMUL  = 0x6e20dc00
	wordFDIV  = 0x6e20fc00
	wordFCMGT = 0x6ea0e400
	wordBIC   = 0x4e601c00 // of bytes
	wordSMAX  = 0x4ea06400

	wordFSQRT     = 0x6ea1f800
	wordSCVTF     = 0x4e21d800
	wordFCMGTZero = 0x4ea0c800
	wordFCMLTZero = 0x4ea0e800

	wordSSHR      = 0x4f000400 // 64 - shift in immh:immb
	wordFMLAOfOne = 0x4f801000
)

func (a *neon) word(w uint32, text string) { fmt.Fprintf(&a.asm, "\tWORD     $%#08x // %s\n", w, text) }

// three is dst = x ? y, lane by lane.
func (a *neon) three(name string, w uint32, x, y, dst vec) {
	a.word(w|uint32(y)<<16|uint32(x)<<5|uint32(dst), fmt.Sprintf("%s %v, %v, %v", name, dst, x, y))
}

func (a *neon) two(name string, w uint32, x, dst vec, last string) {
	a.word(w|uint32(x)<<5|uint32(dst), fmt.Sprintf("%s %v, %v%s", name, dst, x, last))
}

// The words carry Arm's names as comments, with the operands in Arm's order, the destination first.

func (a *neon) add(x, y, dst vec)     { a.three("FADD", wordFADD, x, y, dst) }
func (a *neon) sub(x, y, dst vec)     { a.three("FSUB", wordFSUB, x, y, dst) }
func (a *neon) mul(x, y, dst vec)     { a.three("FMUL", wordFMUL, x, y, dst) }
func (a *neon) div(x, y, dst vec)     { a.three("FDIV", wordFDIV, x, y, dst) }
func (a *neon) greater(x, y, dst vec) { a.three("FCMGT", wordFCMGT, x, y, dst) } // all ones where x > y, false for NaN
func (a *neon) without(x, y, dst vec) { a.three("BIC", wordBIC, x, y, dst) }     // x &^ y
func (a *neon) maxInt(x, y, dst vec)  { a.three("SMAX", wordSMAX, x, y, dst) }
func (a *neon) sqrt(x, dst vec)       { a.two("FSQRT", wordFSQRT, x, dst, "") }
func (a *neon) fromInt(x, dst vec)    { a.two("SCVTF", wordSCVTF, x, dst, "") }
func (a *neon) positive(x, dst vec)   { a.two("FCMGT", wordFCMGTZero, x, dst, ", #0") } // all ones where x > 0
func (a *neon) negative(x, dst vec)   { a.two("FCMLT", wordFCMLTZero, x, dst, ", #0") }

func (a *neon) shiftSigned(n int, x, dst vec) {
	a.two("SSHR", wordSSHR|uint32(64-n)<<16, x, dst, fmt.Sprintf(", #%d", n))
}

// fma is dst = fma(x, y, dst).
func (a *neon) fma(x, y, dst vec) { a.op("VFMLA", x, y, dst) }

// fmaOne is dst = fma(x, y[0], dst).
func (a *neon) fmaOne(x, y, dst vec) {
	a.word(wordFMLAOfOne|uint32(y)<<16|uint32(x)<<5|uint32(dst), fmt.Sprintf("FMLA %v, %v, %s", dst, x, y.lane(0)))
}

func (a *neon) zero(dst vec)      { a.op("VEOR", dst.bytes(), dst.bytes(), dst.bytes()) }
func (a *neon) and(x, y, dst vec) { a.op("VAND", x.bytes(), y.bytes(), dst.bytes()) }
func (a *neon) copy(x, dst vec)   { a.op("VMOV", x.bytes(), dst.bytes()) }

// choose is mask = mask ? yes : no.
func (a *neon) choose(yes, no, mask vec) { a.op("VBSL", no.bytes(), yes.bytes(), mask.bytes()) }

// replace is dst = mask ? x : dst.
func (a *neon) replace(mask, x, dst vec) { a.op("VBIT", mask.bytes(), x.bytes(), dst.bytes()) }

// relu is x = 0 where x < 0, which keeps -0 and NaN; FMAX would not.
func (a *neon) relu(x, tmp vec) {
	a.negative(x, tmp)
	a.without(x, tmp, x)
}

func (a *neon) load(r gp, offset int, dst vec) { a.op("FMOVQ", mem(r, offset), dst.float()) }
func (a *neon) store(x vec, r gp, offset int)  { a.op("FMOVQ", x.float(), mem(r, offset)) }

// loads fills vectors of consecutive numbers, four at a time, from r on.
func (a *neon) loads(r gp, offset int, dst []vec) {
	for i := 0; i < len(dst); i += 2 {
		if i+1 < len(dst) {
			a.op("FLDPQ", mem(r, offset+neonSize*i), fmt.Sprintf("(%s, %s)", dst[i].float(), dst[i+1].float()))
		} else {
			a.load(r, offset+neonSize*i, dst[i])
		}
	}
}

func (a *neon) stores(x []vec, r gp, offset int) {
	for i := 0; i < len(x); i += 2 {
		if i+1 < len(x) {
			a.op("FSTPQ", fmt.Sprintf("(%s, %s)", x[i].float(), x[i+1].float()), mem(r, offset+neonSize*i))
		} else {
			a.store(x[i], r, offset+neonSize*i)
		}
	}
}

// loadPart fills the first lanes of a vector, and the others with +0; next is a register to spoil.
func (a *neon) loadPart(lanes int, r gp, dst vec, next gp) {
	switch lanes {
	case 1:
		a.op("FMOVS", mem(r, 0), dst.float())
	case 2:
		a.op("FMOVD", mem(r, 0), dst.float())
	case 3:
		a.op("FMOVD", mem(r, 0), dst.float())
		a.op("ADD", 8, r, next)
		a.op("VLD1", mem(next, 0), dst.lane(2))
	case 4:
		a.load(r, 0, dst)
	}
}

func (a *neon) storePart(lanes int, x vec, r, next gp) {
	switch lanes {
	case 1:
		a.op("FMOVS", x.float(), mem(r, 0))
	case 2:
		a.op("FMOVD", x.float(), mem(r, 0))
	case 3:
		a.op("FMOVD", x.float(), mem(r, 0))
		a.op("ADD", 8, r, next)
		a.op("VST1", x.lane(2), mem(next, 0))
	case 4:
		a.store(x, r, 0)
	}
}
