// This file is the instructions that treat every lane alike.

package asmsim

import (
	"math"

	"github.com/sluice-ml/sluice/f32"
)

var vectorTable = map[string]decoder{
	"VADDPS": lanes2(arith(func(a, b float32) float32 { return a + b })), "VADDSS": lane0(arith(func(a, b float32) float32 { return a + b })),
	"VSUBPS": lanes2(arith(func(a, b float32) float32 { return a - b })), "VSUBSS": lane0(arith(func(a, b float32) float32 { return a - b })),
	"VMULPS": lanes2(arith(func(a, b float32) float32 { return a * b })), "VMULSS": lane0(arith(func(a, b float32) float32 { return a * b })),
	"VDIVPS": lanes2(arith(func(a, b float32) float32 { return a / b })), "VDIVSS": lane0(arith(func(a, b float32) float32 { return a / b })),
	"VMAXPS": lanes2(arith(maxSecond)), "VMAXSS": lane0(arith(maxSecond)),
	"VMINPS": lanes2(arith(minSecond)), "VMINSS": lane0(arith(minSecond)),
	"VSQRTPS":    lanes1(func(a uint32) uint32 { return bits(float32(math.Sqrt(float64(float(a))))) }),
	"VCVTDQ2PS":  lanes1(func(a uint32) uint32 { return bits(float32(int32(a))) }),
	"VCVTPS2DQ":  lanes1(func(a uint32) uint32 { return toInt(math.RoundToEven(float64(float(a)))) }),
	"VCVTTPS2DQ": lanes1(func(a uint32) uint32 { return toInt(math.Trunc(float64(float(a)))) }),
	"VROUNDPS":   round, "VRNDSCALEPS": round,

	"VANDPS": lanes2(and), "VPAND": lanes2(and), "VPANDD": lanes2(and), "VPANDQ": wide(lanes2(and)),
	"VORPS": lanes2(or), "VPOR": lanes2(or), "VPORD": lanes2(or), "VPORQ": wide(lanes2(or)),
	"VXORPS": lanes2(xor), "VPXOR": lanes2(xor), "VPXORD": lanes2(xor), "VPXORQ": wide(lanes2(xor)),
	"VANDNPS": lanes2(andNot), "VPANDN": lanes2(andNot), "VPANDND": lanes2(andNot),
	"VPADDD": lanes2(func(a, b uint32) uint32 { return a + b }), "VPSUBD": lanes2(func(a, b uint32) uint32 { return a - b }),
	"VPMULLD":  lanes2(func(a, b uint32) uint32 { return a * b }),
	"VPMAXSD":  lanes2(func(a, b uint32) uint32 { return uint32(max(int32(a), int32(b))) }),
	"VPMINSD":  lanes2(func(a, b uint32) uint32 { return uint32(min(int32(a), int32(b))) }),
	"VPMAXUD":  lanes2(func(a, b uint32) uint32 { return max(a, b) }),
	"VPMINUD":  lanes2(func(a, b uint32) uint32 { return min(a, b) }),
	"VPCMPEQD": lanes2(func(a, b uint32) uint32 { return all(a == b) }), // with a mask destination: maskTable has no such form
	"VPCMPGTD": lanes2(func(a, b uint32) uint32 { return all(int32(a) > int32(b)) }),
	"VPSLLD":   shift(func(a uint32, n int) uint32 { return a << n }),
	"VPSRLD":   shift(func(a uint32, n int) uint32 { return a >> n }),
	"VPSRAD":   shift(func(a uint32, n int) uint32 { return uint32(int32(a) >> n) }),

	"VMOVUPS": moveLanes, "VMOVAPS": moveLanes, "VMOVDQU": moveLanes, "VMOVDQA": moveLanes, "VMOVDQU32": moveLanes, "VMOVDQA32": moveLanes,
	"VMASKMOVPS": maskedMove, "VPMASKMOVD": maskedMove,
	"VZEROUPPER": func(*inst) (step, error) {
		return func(m *machine) {
			for r := range 16 {
				clear(m.z[r][4:])
			}
		}, nil
	},
}

// The fused multiply-adds: the digits name the two factors and the summand among the operands in Intel's order; pick
// numbers them in Go's order, the destination last. The signs are those of the product and of the summand.
func init() {
	for order, pick := range map[string][3]int{"132": {2, 0, 1}, "213": {1, 2, 0}, "231": {1, 0, 2}} {
		for name, sign := range map[string][2]uint32{"VFMADD": {0, 0}, "VFMSUB": {0, 1 << 31}, "VFNMADD": {1 << 31, 0}, "VFNMSUB": {1 << 31, 1 << 31}} {
			vectorTable[name+order+"PS"] = fmaLanes(pick, sign)
			vectorTable[name+order+"SS"] = fmaScalar(pick, sign)
		}
	}
}

func and(a, b uint32) uint32    { return a & b }
func or(a, b uint32) uint32     { return a | b }
func xor(a, b uint32) uint32    { return a ^ b }
func andNot(a, b uint32) uint32 { return ^a & b }

func all(b bool) uint32 {
	if b {
		return math.MaxUint32
	}
	return 0
}

// maxSecond and minSecond return the second operand for a NaN and for two zeros, as the hardware does.
func maxSecond(a, b float32) float32 {
	if a > b {
		return a
	}
	return b
}

func minSecond(a, b float32) float32 {
	if a < b {
		return a
	}
	return b
}

// toInt is the value of an integral x, or the least integer where there is none.
func toInt(x float64) uint32 {
	if !(x >= math.MinInt32 && x <= math.MaxInt32) {
		return 1 << 31
	}
	return uint32(int32(x))
}

func arith(f func(a, b float32) float32) func(a, b uint32) uint32 {
	return func(a, b uint32) uint32 { return bits(f(float(a), float(b))) }
}

func lanes1(f func(a uint32) uint32) decoder {
	return func(in *inst) (step, error) {
		v, err := in.form(2)
		if err != nil {
			return nil, err
		}
		lanes := v.lanes
		return v.apply(func(out, _ *vec, src *[3]*vec) {
			for i := range lanes {
				out[i] = f(src[0][i])
			}
		})
	}
}

// lanes2 is f(first, second) in Intel's order of operands, which Go reverses.
func lanes2(f func(a, b uint32) uint32) decoder {
	return func(in *inst) (step, error) {
		v, err := in.form(3)
		if err != nil {
			return nil, err
		}
		lanes := v.lanes
		return v.apply(func(out, _ *vec, src *[3]*vec) {
			for i := range lanes {
				out[i] = f(src[1][i], src[0][i])
			}
		})
	}
}

// wide refuses what a 64-bit lane would mask or broadcast differently.
func wide(d decoder) decoder {
	return func(in *inst) (step, error) {
		if len(in.ops) != 3 || in.broadcast {
			return nil, errOperands
		}
		return d(in)
	}
}

// lane0 is f in the lowest lane; the three above it come from the first operand.
func lane0(f func(a, b uint32) uint32) decoder {
	return func(in *inst) (step, error) {
		if len(in.ops) != 3 || in.ops[1].kind != vector {
			return nil, errOperands
		}
		v, second, err := in.scalarForm()
		if err != nil {
			return nil, err
		}
		first, dst := in.ops[1].reg, in.ops[2].reg
		return func(m *machine) {
			out := m.z[first]
			out[0] = f(out[0], second(m))
			m.write(dst, &out, v.lanes, ^uint64(0), false)
		}, nil
	}
}

// scalarForm reads an instruction on xmm registers whose first operand is one lane, of a register or of memory.
func (in *inst) scalarForm() (*vectorForm, func(m *machine) uint32, error) {
	v, err := in.form(len(in.ops))
	if err != nil || v.lanes != 4 || v.dst.kind != vector {
		return nil, nil, errOperands
	}
	switch o := in.ops[0]; o.kind {
	case vector:
		return v, func(m *machine) uint32 { return m.z[o.reg][0] }, nil
	case memory:
		address := o.address()
		return v, func(m *machine) uint32 { return load[uint32](address(m)) }, nil
	}
	return nil, nil, errOperands
}

func fmaLanes(pick [3]int, sign [2]uint32) decoder {
	return func(in *inst) (step, error) {
		v, err := in.form(3)
		if err != nil {
			return nil, err
		}
		lanes := v.lanes
		return v.apply(func(out, dst *vec, src *[3]*vec) {
			src[2] = dst
			x, y, z := src[pick[0]], src[pick[1]], src[pick[2]]
			for i := range lanes {
				out[i] = bits(f32.FMA(float(x[i]^sign[0]), float(y[i]), float(z[i]^sign[1])))
			}
		})
	}
}

func fmaScalar(pick [3]int, sign [2]uint32) decoder {
	return func(in *inst) (step, error) {
		if len(in.ops) != 3 || in.ops[1].kind != vector {
			return nil, errOperands
		}
		v, third, err := in.scalarForm()
		if err != nil {
			return nil, err
		}
		second, dst := in.ops[1].reg, in.ops[2].reg
		return func(m *machine) {
			out := m.z[dst]
			x := [3]uint32{third(m), m.z[second][0], out[0]}
			out[0] = bits(f32.FMA(float(x[pick[0]]^sign[0]), float(x[pick[1]]), float(x[pick[2]]^sign[1])))
			m.write(dst, &out, v.lanes, ^uint64(0), false)
		}, nil
	}
}

func shift(f func(a uint32, n int) uint32) decoder {
	return func(in *inst) (step, error) {
		v, err := in.form(3)
		if err != nil {
			return nil, err
		}
		n, err := v.immediate() // a shift by a vector of counts is another instruction
		if err != nil || n > 31 {
			return nil, errOperands
		}
		lanes := v.lanes
		return v.apply(func(out, _ *vec, src *[3]*vec) {
			for i := range lanes {
				out[i] = f(src[0][i], n)
			}
		})
	}
}

// round is VROUNDPS, and VRNDSCALEPS to whole numbers.
func round(in *inst) (step, error) {
	v, err := in.form(3)
	if err != nil {
		return nil, err
	}
	mode, err := v.immediate()
	if err != nil || mode>>4 != 0 {
		return nil, errOperands
	}
	f := math.RoundToEven // also where bit 2 asks for the mode of MXCSR, which Go leaves at nearest
	if mode&4 == 0 {
		f = [4]func(float64) float64{math.RoundToEven, math.Floor, math.Ceil, math.Trunc}[mode&3]
	}
	lanes := v.lanes
	return v.apply(func(out, _ *vec, src *[3]*vec) {
		for i := range lanes {
			out[i] = bits(float32(f(float64(float(src[0][i])))))
		}
	})
}

// moveLanes is a load, a store or a copy, masked or not.
func moveLanes(in *inst) (step, error) {
	v, err := in.form(2)
	if err != nil {
		return nil, err
	}
	if v.dst.kind == vector {
		return v.apply(func(out, _ *vec, src *[3]*vec) { *out = *src[0] })
	}
	if v.dst.kind != memory || v.sources[0].kind != vector || in.zeroing {
		return nil, errOperands
	}
	address, r, lanes := v.dst.address(), v.sources[0].reg, v.lanes
	return func(m *machine) { storeLanes(&m.z[r], address(m), lanes, v.mask(m)) }, nil
}

// maskedMove is a load or a store of the lanes whose sign bit is set in a vector.
func maskedMove(in *inst) (step, error) {
	if len(in.ops) != 3 || in.ops[1].kind != vector {
		return nil, errOperands
	}
	from, mask, to := in.ops[0], in.ops[1].reg, in.ops[2]
	lanes := in.ops[1].bytes / 4
	switch {
	case from.kind == memory && to.kind == vector:
		address := from.address()
		return func(m *machine) {
			var out vec
			loadLanes(&out, address(m), lanes, signs(&m.z[mask], lanes))
			m.write(to.reg, &out, lanes, ^uint64(0), false)
		}, nil
	case from.kind == vector && to.kind == memory:
		address := to.address()
		return func(m *machine) { storeLanes(&m.z[from.reg], address(m), lanes, signs(&m.z[mask], lanes)) }, nil
	}
	return nil, errOperands
}

// signs collects the sign bits.
func signs(v *vec, lanes int) (mask uint64) {
	for i := range lanes {
		mask |= uint64(v[i]>>31) << i
	}
	return mask
}
