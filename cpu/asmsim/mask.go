// This file is the mask registers, what compares into them, and moves between kinds of registers.

package asmsim

var maskTable = map[string]decoder{
	"VCMPPS":    compareFloats,
	"VPCMPD":    compareInts(func(a, b uint32) (bool, bool) { return int32(a) < int32(b), a == b }),
	"VPCMPUD":   compareInts(func(a, b uint32) (bool, bool) { return a < b, a == b }),
	"VPTESTMD":  intoMask(3, func(a, b uint32) bool { return a&b != 0 }),
	"VPTESTNMD": intoMask(3, func(a, b uint32) bool { return a&b == 0 }),
	"VPMOVD2M":  intoMask(2, func(a, _ uint32) bool { return a>>31 != 0 }),
	"VPMOVM2D":  spreadMask,
	"VMOVMSKPS": collectSigns,
	"VMOVD":     moveBetween(1), "VMOVQ": moveBetween(2), "VMOVSS": moveSingle,

	"KMOVB": moveMask(8), "KMOVW": moveMask(16), "KMOVD": moveMask(32), "KMOVQ": moveMask(64),
	"KANDB": masks(8, func(a, b uint64) uint64 { return a & b }), "KANDW": masks(16, func(a, b uint64) uint64 { return a & b }),
	"KORB": masks(8, func(a, b uint64) uint64 { return a | b }), "KORW": masks(16, func(a, b uint64) uint64 { return a | b }),
	"KXORW": masks(16, func(a, b uint64) uint64 { return a ^ b }), "KXNORW": masks(16, func(a, b uint64) uint64 { return ^(a ^ b) }),
	"KANDNW": masks(16, func(a, b uint64) uint64 { return ^a & b }), "KNOTW": notMask(16), "KNOTB": notMask(8),
	"KANDD": masks(32, func(a, b uint64) uint64 { return a & b }), "KORD": masks(32, func(a, b uint64) uint64 { return a | b }),
	"KSHIFTRW": shiftMask(16, -1), "KSHIFTRD": shiftMask(32, -1), "KSHIFTRQ": shiftMask(64, -1),
	"KSHIFTLW": shiftMask(16, 1), "KSHIFTLD": shiftMask(32, 1), "KSHIFTLQ": shiftMask(64, 1),
	"KORTESTB": orTest(8), "KORTESTW": orTest(16), "KORTESTD": orTest(32), "KORTESTQ": orTest(64),
}

func low(x uint64, width int) uint64 { return x << (64 - width) >> (64 - width) }

// predicate is a comparison by Intel's number; those from 16 on differ only in exceptions.
func predicate(imm int, a, b float32) bool {
	unordered := a != a || b != b
	switch imm & 15 {
	case 0:
		return a == b
	case 1:
		return a < b
	case 2:
		return a <= b
	case 3:
		return unordered
	case 4:
		return !(a == b)
	case 5:
		return !(a < b)
	case 6:
		return !(a <= b)
	case 7:
		return !unordered
	case 8:
		return a == b || unordered
	case 9:
		return !(a >= b)
	case 10:
		return !(a > b)
	case 11:
		return false
	case 12:
		return a != b && !unordered
	case 13:
		return a >= b
	case 14:
		return a > b
	default:
		return true
	}
}

// compareFloats writes a mask, or all bits of a lane, by the kind of its destination.
func compareFloats(in *inst) (step, error) {
	v, err := in.form(4)
	if err != nil {
		return nil, err
	}
	imm, err := v.immediate()
	if err != nil || imm > 31 {
		return nil, errOperands
	}
	if v.dst.kind == opmask {
		return v.applyMask(func(a, b uint32) bool { return predicate(imm, float(a), float(b)) })
	}
	if v.lanes > 8 {
		return nil, errOperands
	}
	lanes := v.lanes
	return v.apply(func(out, _ *vec, src *[3]*vec) {
		for i := range lanes {
			out[i] = all(predicate(imm, float(src[1][i]), float(src[0][i])))
		}
	})
}

func compareInts(order func(a, b uint32) (less, equal bool)) decoder {
	return func(in *inst) (step, error) {
		v, err := in.form(4)
		if err != nil {
			return nil, err
		}
		imm, err := v.immediate()
		if err != nil || imm > 7 {
			return nil, errOperands
		}
		return v.applyMask(func(a, b uint32) bool {
			less, equal := order(a, b)
			is := [4]bool{equal, less, less || equal, false}[imm&3]
			return is != (imm >= 4)
		})
	}
}

func intoMask(operands int, f func(a, b uint32) bool) decoder {
	return func(in *inst) (step, error) {
		v, err := in.form(operands)
		if err != nil {
			return nil, err
		}
		return v.applyMask(f)
	}
}

// applyMask is the step that computes a mask from two sources, or from one given twice; lanes that are off become 0.
func (f *vectorForm) applyMask(test func(a, b uint32) bool) (step, error) {
	if f.dst.kind != opmask || f.in.zeroing {
		return nil, errOperands
	}
	second, err := f.source(0)
	if err != nil {
		return nil, err
	}
	first := second
	if len(f.sources) > 1 {
		if first, err = f.source(1); err != nil {
			return nil, err
		}
	}
	k, lanes := f.dst.reg, f.lanes
	return func(m *machine) {
		mask, out := f.mask(m), uint64(0)
		a, b := first(m, mask), second(m, mask)
		for i := range lanes {
			if mask>>i&1 != 0 && test(a[i], b[i]) {
				out |= 1 << i
			}
		}
		m.k[k] = out
	}, nil
}

func spreadMask(in *inst) (step, error) {
	if len(in.ops) != 2 || in.ops[0].kind != opmask || in.ops[1].kind != vector {
		return nil, errOperands
	}
	k, r, lanes := in.ops[0].reg, in.ops[1].reg, in.ops[1].bytes/4
	return func(m *machine) {
		var out vec
		for i := range lanes {
			out[i] = all(m.k[k]>>i&1 != 0)
		}
		m.write(r, &out, lanes, ^uint64(0), false)
	}, nil
}

func collectSigns(in *inst) (step, error) {
	if len(in.ops) != 2 || in.ops[0].kind != vector || in.ops[1].kind != general {
		return nil, errOperands
	}
	r, lanes, dst := in.ops[0].reg, in.ops[0].bytes/4, in.ops[1].reg
	return func(m *machine) { m.gp[dst] = signs(&m.z[r], lanes) }, nil
}

// moveBetween moves one or two lanes between the low end of a vector register and a general register or memory.
func moveBetween(lanes int) decoder {
	return func(in *inst) (step, error) {
		if len(in.ops) != 2 {
			return nil, errOperands
		}
		from, to := in.ops[0], in.ops[1]
		if to.kind == vector && from.kind != vector {
			get, err := from.read(32 * lanes)
			return func(m *machine) {
				x := get(m)
				m.write(to.reg, &vec{uint32(x), uint32(x >> 32)}, 4, ^uint64(0), false)
			}, err
		}
		if from.kind != vector {
			return nil, errOperands
		}
		set, err := to.set(32 * lanes)
		return func(m *machine) {
			set(m, low(uint64(m.z[from.reg][1])<<32|uint64(m.z[from.reg][0]), 32*lanes))
		}, err
	}
}

// moveSingle is VMOVSS from or to memory.
func moveSingle(in *inst) (step, error) {
	if len(in.ops) == 2 && (in.ops[0].kind == memory || in.ops[1].kind == memory) {
		return moveBetween(1)(in)
	}
	return nil, errOperands
}

// moveMask moves between mask registers, general registers and memory.
func moveMask(width int) decoder {
	return func(in *inst) (step, error) {
		if len(in.ops) != 2 {
			return nil, errOperands
		}
		var get func(m *machine) uint64
		switch o := in.ops[0]; o.kind {
		case opmask:
			get = func(m *machine) uint64 { return m.k[o.reg] }
		case general:
			get = func(m *machine) uint64 { return m.gp[o.reg] }
		case memory:
			address := o.address()
			get = func(m *machine) (x uint64) {
				for i := range uintptr(width / 8) {
					x |= uint64(load[uint8](address(m)+i)) << (8 * i)
				}
				return x
			}
		default:
			return nil, errOperands
		}
		switch o := in.ops[1]; o.kind {
		case opmask:
			return func(m *machine) { m.k[o.reg] = low(get(m), width) }, nil
		case general:
			return func(m *machine) { m.gp[o.reg] = low(get(m), width) }, nil
		case memory:
			address := o.address()
			return func(m *machine) {
				x := get(m)
				for i := range uintptr(width / 8) {
					store(address(m)+i, uint8(x>>(8*i)))
				}
			}, nil
		}
		return nil, errOperands
	}
}

// maskOperands checks that operands from number i on are masks and returns their registers.
func (in *inst) maskOperands(i, count int) ([]int, error) {
	if len(in.ops) != i+count {
		return nil, errOperands
	}
	var regs []int
	for _, o := range in.ops[i:] {
		if o.kind != opmask {
			return nil, errOperands
		}
		regs = append(regs, o.reg)
	}
	return regs, nil
}

// masks is f(first, second) in Intel's order.
func masks(width int, f func(a, b uint64) uint64) decoder {
	return func(in *inst) (step, error) {
		r, err := in.maskOperands(0, 3)
		return func(m *machine) { m.k[r[2]] = low(f(m.k[r[1]], m.k[r[0]]), width) }, err
	}
}

func notMask(width int) decoder {
	return func(in *inst) (step, error) {
		r, err := in.maskOperands(0, 2)
		return func(m *machine) { m.k[r[1]] = low(^m.k[r[0]], width) }, err
	}
}

func shiftMask(width, direction int) decoder {
	return func(in *inst) (step, error) {
		r, err := in.maskOperands(1, 2)
		if err != nil || in.ops[0].kind != immediate {
			return nil, errOperands
		}
		n := uint8(in.ops[0].value)
		return func(m *machine) {
			x := low(m.k[r[0]], width)
			if direction < 0 {
				x >>= n
			} else {
				x <<= n
			}
			m.k[r[1]] = low(x, width)
		}, nil
	}
}

// orTest sets the zero flag if the masks are both empty, the carry flag if together they are full.
func orTest(width int) decoder {
	return func(in *inst) (step, error) {
		r, err := in.maskOperands(0, 2)
		return func(m *machine) {
			x := low(m.k[r[0]]|m.k[r[1]], width)
			m.flags = flags{zero: x == 0, carry: x == low(^uint64(0), width)}
		}, err
	}
}
