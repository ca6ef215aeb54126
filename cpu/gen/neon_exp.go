// This file is f32.Exp and f32.Log, operation by operation, on arm64 vectors.

package main

// neonExp is the registers of the exponential: its numbers and some to spoil.
type neonExp struct {
	neonNumbers
	log2e, shifter, ln2Hi, ln2Lo, bias, least vec
	polynomial                                []vec
	t, k, r                                   vec
	p                                         [2]vec
}

func (c neonNumbers) newExp() neonExp {
	return neonExp{c, c.float(log2e), c.float(shifter), c.float(-ln2Hi), c.float(-ln2Lo), c.word(0x4b400000 - 127), c.float(-87),
		c.floats(expPolynomial), c.vec(), c.vec(), c.vec(), [2]vec{c.vec(), c.vec()}}
}

// of returns f32.Exp(x) for x <= 88 or NaN: a softmax asks for no more, as nothing is above its maximum.
func (e neonExp) of(x vec) vec {
	t, k, r := e.t, e.k, e.r
	e.copy(e.shifter, t)
	e.fma(x, e.log2e, t)
	e.sub(t, e.shifter, k)
	e.copy(x, r)
	e.fma(k, e.ln2Hi, r)
	e.fma(k, e.ln2Lo, r)
	p := e.horner(e.polynomial, r, e.p)
	e.op("VSUB", e.bias, t, t)
	e.op("VSHL", 23, t, t)
	e.mul(p, t, p)
	e.greater(e.least, x, t)
	e.without(p, t, p) // NaN stays
	return p
}

// horner is the polynomial of x with the coefficients q, the highest power's first, every step one multiply-add in turn in two registers.
func (c neonNumbers) horner(q []vec, x vec, turn [2]vec) vec {
	p := q[0]
	for i, next := range q[1:] {
		sum := turn[i%2]
		c.copy(next, sum)
		c.fma(p, x, sum)
		p = sum
	}
	return p
}

// log returns f32.Log(x) for a finite normal x >= 1, and NaN for NaN.
func (c neonNumbers) log(x vec) vec {
	e, m, f, s, two := c.vec(), c.vec(), c.vec(), c.vec(), c.word(twoOver)
	c.op("VSUB", two, x, e)
	c.shiftSigned(23, e, e)
	c.op("VSHL", 23, e, m)
	c.op("VSUB", m, x, m)
	c.sub(m, c.float(1), f)
	c.mul(f, f, s)
	p := c.horner(c.floats(logPolynomial), f, [2]vec{c.vec(), c.vec()})
	c.fma(s, p, f) // f + s*p
	c.fromInt(e, e)
	c.fma(e, c.float(ln2), f)
	// x*0 is +0, and the logarithm is not -0, so this only brings in NaN.
	c.zero(m)
	c.fma(x, m, f)
	return f
}
