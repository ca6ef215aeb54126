// This file is the instructions on general registers, and jumps.

package asmsim

var scalarTable = map[string]decoder{
	"MOVQ": move(64), "MOVL": move(32),
	"MOVLQSX": convert(func(x uint64) uint64 { return uint64(int64(int32(x))) }),
	"MOVLQZX": convert(func(x uint64) uint64 { return uint64(uint32(x)) }),
	"LEAQ":    lea,
	"ADDQ":    binary(64, add), "ADDL": binary(32, add), "SUBQ": binary(64, sub), "SUBL": binary(32, sub),
	"ANDQ": binary(64, logic(func(a, b uint64) uint64 { return a & b })), "ANDL": binary(32, logic(func(a, b uint64) uint64 { return a & b })),
	"ORQ": binary(64, logic(func(a, b uint64) uint64 { return a | b })), "ORL": binary(32, logic(func(a, b uint64) uint64 { return a | b })),
	"XORQ": binary(64, logic(func(a, b uint64) uint64 { return a ^ b })), "XORL": binary(32, logic(func(a, b uint64) uint64 { return a ^ b })),
	"IMULQ": binary(64, flagless(func(a, b uint64) uint64 { return a * b })), "IMUL3Q": multiplyBy,
	"SHLQ": binary(64, flagless(func(a, b uint64) uint64 { return a << (b & 63) })), "SHLL": binary(32, flagless(func(a, b uint64) uint64 { return a << (b & 31) })),
	"SHRQ": binary(64, flagless(func(a, b uint64) uint64 { return a >> (b & 63) })), "SHRL": binary(32, flagless(func(a, b uint64) uint64 { return a >> (b & 31) })),
	"SARQ": binary(64, flagless(func(a, b uint64) uint64 { return uint64(int64(a) >> (b & 63)) })),
	"INCQ": unary(64, func(fl *flags, a uint64, w int) uint64 { return keepCarry(fl, add, a, 1, w) }),
	"DECQ": unary(64, func(fl *flags, a uint64, w int) uint64 { return keepCarry(fl, sub, a, 1, w) }),
	"INCL": unary(32, func(fl *flags, a uint64, w int) uint64 { return keepCarry(fl, add, a, 1, w) }),
	"DECL": unary(32, func(fl *flags, a uint64, w int) uint64 { return keepCarry(fl, sub, a, 1, w) }),
	"NEGQ": unary(64, func(fl *flags, a uint64, w int) uint64 { return sub(fl, 0, a, w) }),
	"NOTQ": unary(64, func(_ *flags, a uint64, _ int) uint64 { return ^a }),
	"CMPQ": compare(64), "CMPL": compare(32), "TESTQ": test(64), "TESTL": test(32),
	"BZHIQ": bzhi(64), "BZHIL": bzhi(32),

	"JMP": jump(func(flags) bool { return true }),
	"JZ":  jump(func(f flags) bool { return f.zero }), "JE": jump(func(f flags) bool { return f.zero }), "JEQ": jump(func(f flags) bool { return f.zero }),
	"JNZ": jump(func(f flags) bool { return !f.zero }), "JNE": jump(func(f flags) bool { return !f.zero }),
	"JL": jump(less), "JLT": jump(less),
	"JGE": jump(func(f flags) bool { return !less(f) }),
	"JLE": jump(func(f flags) bool { return less(f) || f.zero }),
	"JG":  jump(func(f flags) bool { return !less(f) && !f.zero }), "JGT": jump(func(f flags) bool { return !less(f) && !f.zero }),
	"JB": jump(func(f flags) bool { return f.carry }), "JC": jump(func(f flags) bool { return f.carry }), "JCS": jump(func(f flags) bool { return f.carry }),
	"JAE": jump(func(f flags) bool { return !f.carry }), "JCC": jump(func(f flags) bool { return !f.carry }),
	"JBE": jump(func(f flags) bool { return f.carry || f.zero }), "JLS": jump(func(f flags) bool { return f.carry || f.zero }),
	"JA": jump(func(f flags) bool { return !f.carry && !f.zero }), "JHI": jump(func(f flags) bool { return !f.carry && !f.zero }),
	"RET": func(in *inst) (step, error) { return func(m *machine) { m.next = -1 }, nil },

	"PREFETCHT0": nothing, "PREFETCHT1": nothing, "PREFETCHT2": nothing, "PREFETCHNTA": nothing, "NOP": nothing,
}

func nothing(*inst) (step, error) { return func(*machine) {}, nil }

func less(f flags) bool { return f.sign != f.overflow }

// truncate keeps the low bits; a 32-bit result clears the upper half of its register.
func truncate(x uint64, width int) uint64 {
	if width == 32 {
		return uint64(uint32(x))
	}
	return x
}

// read is the access to an integer operand.
func (o operand) read(width int) (func(m *machine) uint64, error) {
	switch o.kind {
	case general:
		return func(m *machine) uint64 { return truncate(m.gp[o.reg], width) }, nil
	case immediate:
		return func(*machine) uint64 { return truncate(uint64(o.value), width) }, nil
	case memory:
		address := o.address()
		if width == 32 {
			return func(m *machine) uint64 { return uint64(load[uint32](address(m))) }, nil
		}
		return func(m *machine) uint64 { return load[uint64](address(m)) }, nil
	}
	return nil, errOperands
}

// set is the write to an integer operand.
func (o operand) set(width int) (func(m *machine, x uint64), error) {
	switch o.kind {
	case general:
		return func(m *machine, x uint64) { m.gp[o.reg] = truncate(x, width) }, nil
	case memory:
		address := o.address()
		if width == 32 {
			return func(m *machine, x uint64) { store(address(m), uint32(x)) }, nil
		}
		return func(m *machine, x uint64) { store(address(m), x) }, nil
	}
	return nil, errOperands
}

// pair is the common shape source, destination.
func (in *inst) pair(width int) (src, old func(*machine) uint64, set func(*machine, uint64), err error) {
	if len(in.ops) != 2 {
		return nil, nil, nil, errOperands
	}
	if src, err = in.ops[0].read(width); err == nil {
		if old, err = in.ops[1].read(width); err == nil {
			set, err = in.ops[1].set(width)
		}
	}
	return src, old, set, err
}

func move(width int) decoder {
	return func(in *inst) (step, error) {
		src, _, set, err := in.pair(width)
		return func(m *machine) { set(m, src(m)) }, err
	}
}

func convert(f func(uint64) uint64) decoder {
	return func(in *inst) (step, error) {
		if len(in.ops) != 2 || in.ops[1].kind != general {
			return nil, errOperands
		}
		width := 64
		if in.name[3] == 'L' {
			width = 32
		}
		src, err := in.ops[0].read(width)
		r := in.ops[1].reg
		return func(m *machine) { m.gp[r] = f(src(m)) }, err
	}
}

func lea(in *inst) (step, error) {
	if len(in.ops) != 2 || in.ops[0].kind != memory || in.ops[1].kind != general {
		return nil, errOperands
	}
	address, r := in.ops[0].address(), in.ops[1].reg
	return func(m *machine) { m.gp[r] = uint64(address(m)) }, nil
}

// operation is an integer operation that sets the flags.
type operation func(fl *flags, a, b uint64, width int) uint64

func binary(width int, op operation) decoder {
	return func(in *inst) (step, error) {
		src, old, set, err := in.pair(width)
		return func(m *machine) { set(m, op(&m.flags, old(m), src(m), width)) }, err
	}
}

func unary(width int, op func(fl *flags, a uint64, width int) uint64) decoder {
	return func(in *inst) (step, error) {
		if len(in.ops) != 1 {
			return nil, errOperands
		}
		get, err := in.ops[0].read(width)
		if err != nil {
			return nil, err
		}
		set, err := in.ops[0].set(width)
		return func(m *machine) { set(m, op(&m.flags, get(m), width)) }, err
	}
}

func (fl *flags) result(x uint64, width int) {
	fl.zero, fl.sign, fl.undefined = truncate(x, width) == 0, x>>(width-1)&1 != 0, false
}

func add(fl *flags, a, b uint64, width int) uint64 {
	x := truncate(a+b, width)
	fl.result(x, width)
	fl.carry = x < a
	fl.overflow = (a^x)&(b^x)>>(width-1)&1 != 0
	return x
}

func sub(fl *flags, a, b uint64, width int) uint64 {
	x := truncate(a-b, width)
	fl.result(x, width)
	fl.carry = a < b
	fl.overflow = (a^b)&(a^x)>>(width-1)&1 != 0
	return x
}

func logic(f func(a, b uint64) uint64) operation {
	return func(fl *flags, a, b uint64, width int) uint64 {
		x := truncate(f(a, b), width)
		fl.result(x, width)
		fl.carry, fl.overflow = false, false
		return x
	}
}

// flagless is an operation after which no jump may follow: its flags are special cases that no kernel needs.
func flagless(f func(a, b uint64) uint64) operation {
	return func(fl *flags, a, b uint64, width int) uint64 {
		fl.undefined = true
		return truncate(f(a, b), width)
	}
}

func keepCarry(fl *flags, op operation, a, b uint64, width int) uint64 {
	carry := fl.carry
	x := op(fl, a, b, width)
	fl.carry = carry
	return x
}

// compare is CMP a, b in Go's order: the flags of a - b.
func compare(width int) decoder {
	return func(in *inst) (step, error) {
		a, b, err := in.two(width)
		return func(m *machine) { sub(&m.flags, a(m), b(m), width) }, err
	}
}

func test(width int) decoder {
	and := logic(func(a, b uint64) uint64 { return a & b })
	return func(in *inst) (step, error) {
		a, b, err := in.two(width)
		return func(m *machine) { and(&m.flags, a(m), b(m), width) }, err
	}
}

func (in *inst) two(width int) (a, b func(*machine) uint64, err error) {
	if len(in.ops) != 2 {
		return nil, nil, errOperands
	}
	if a, err = in.ops[0].read(width); err == nil {
		b, err = in.ops[1].read(width)
	}
	return a, b, err
}

// bzhi is BZHI n, x, dst: the low n bits of x.
func bzhi(width int) decoder {
	return func(in *inst) (step, error) {
		if len(in.ops) != 3 || in.ops[2].kind != general {
			return nil, errOperands
		}
		n, x, err := (&inst{ops: in.ops[:2]}).two(width)
		r := in.ops[2].reg
		return func(m *machine) {
			v := x(m)
			keep := n(m) & 0xff
			if keep < uint64(width) {
				v &= 1<<keep - 1
			}
			m.flags = flags{carry: keep >= uint64(width)}
			m.flags.result(v, width)
			m.gp[r] = v
		}, err
	}
}

// multiplyBy is IMUL3Q constant, x, dst.
func multiplyBy(in *inst) (step, error) {
	if len(in.ops) != 3 || in.ops[0].kind != immediate || in.ops[2].kind != general {
		return nil, errOperands
	}
	x, err := in.ops[1].read(64)
	by, r := uint64(in.ops[0].value), in.ops[2].reg
	return func(m *machine) {
		m.flags.undefined = true
		m.gp[r] = x(m) * by
	}, err
}

func jump(when func(flags) bool) decoder {
	return func(in *inst) (step, error) {
		if len(in.ops) != 1 || in.ops[0].kind != label {
			return nil, errOperands
		}
		to, ok := in.labels[in.ops[0].target]
		if !ok {
			return nil, errOperands
		}
		return func(m *machine) {
			if m.flags.undefined {
				panic("jumps on flags of an instruction whose flags are not modelled")
			}
			if when(m.flags) {
				m.next = to
			}
		}, nil
	}
}
