// This file turns an instruction as read into a step, by the tables of the files beside it.

package asmsim

import (
	"fmt"
	"unsafe"
)

// decoder checks an instruction's operands and returns what it does.
type decoder func(in *inst) (step, error)

func (in *inst) decode() (step, error) {
	for _, table := range []map[string]decoder{scalarTable, vectorTable, shuffleTable, maskTable} {
		if d := table[in.name]; d != nil {
			return d(in)
		}
	}
	return nil, fmt.Errorf("unknown instruction")
}

var errOperands = fmt.Errorf("these operands are not supported")

// address computes the address of a memory operand.
func (o operand) address() func(m *machine) uintptr {
	disp := uintptr(o.disp)
	switch {
	case o.fp:
		return func(m *machine) uintptr { return m.args + disp }
	case o.symbol != nil:
		at := uintptr(unsafe.Pointer(&o.symbol[0])) + disp
		return func(*machine) uintptr { return at }
	case o.index >= 0:
		base, index, scale := o.reg, o.index, uintptr(o.scale)
		return func(m *machine) uintptr { return uintptr(m.gp[base]) + uintptr(m.gp[index])*scale + disp }
	default:
		base := o.reg
		return func(m *machine) uintptr { return uintptr(m.gp[base]) + disp }
	}
}

// vectorForm is the shape that most vector instructions share: sources, then perhaps a mask, then the destination.
type vectorForm struct {
	in      *inst
	sources []operand
	dst     operand
	lanes   int // of the widest vector operand
	mask    func(m *machine) uint64
}

// form reads an instruction of that many operands, not counting a mask.
func (in *inst) form(operands int) (*vectorForm, error) {
	f := &vectorForm{in: in}
	n := len(in.ops)
	switch {
	case n == operands+1 && in.ops[n-2].kind == opmask:
		k := in.ops[n-2].reg
		f.mask = func(m *machine) uint64 { return m.k[k] }
		f.sources = append([]operand(nil), in.ops[:n-2]...)
	case n == operands && !in.zeroing:
		f.mask = func(*machine) uint64 { return ^uint64(0) }
		f.sources = in.ops[:n-1]
	default:
		return nil, errOperands
	}
	f.dst = in.ops[n-1]
	for _, o := range in.ops {
		if o.kind == vector {
			f.lanes = max(f.lanes, o.bytes/4)
		}
	}
	if f.lanes == 0 {
		return nil, errOperands
	}
	return f, nil
}

// immediate removes the leading immediate and returns it.
func (f *vectorForm) immediate() (int, error) {
	if len(f.sources) == 0 || f.sources[0].kind != immediate {
		return 0, errOperands
	}
	v := int(uint8(f.sources[0].value))
	f.sources = f.sources[1:]
	return v, nil
}

// source returns the access to source i, a register or memory. Lanes of memory that the mask leaves out are not read.
func (f *vectorForm) source(i int) (func(m *machine, mask uint64) *vec, error) {
	if i >= len(f.sources) {
		return nil, errOperands
	}
	o, lanes := f.sources[i], f.lanes
	switch {
	case o.kind == vector:
		return func(m *machine, _ uint64) *vec { return &m.z[o.reg] }, nil
	case o.kind == memory && f.in.broadcast:
		address := o.address()
		return func(m *machine, _ uint64) *vec {
			x := load[uint32](address(m))
			for j := range lanes {
				m.mem[i][j] = x
			}
			return &m.mem[i]
		}, nil
	case o.kind == memory:
		address := o.address()
		return func(m *machine, mask uint64) *vec {
			loadLanes(&m.mem[i], address(m), lanes, mask)
			return &m.mem[i]
		}, nil
	}
	return nil, errOperands
}

// apply is the step that computes a new value of the destination register from up to three sources, the last in Intel's
// order first. Those that a function does not use may be absent.
func (f *vectorForm) apply(compute func(out, dst *vec, src *[3]*vec)) (step, error) {
	if f.dst.kind != vector {
		return nil, errOperands
	}
	var get [3]func(*machine, uint64) *vec
	for i := range f.sources {
		var err error
		if get[i], err = f.source(i); err != nil {
			return nil, err
		}
	}
	count, r, lanes, zeroing := len(f.sources), f.dst.reg, f.dst.bytes/4, f.in.zeroing
	return func(m *machine) {
		mask := f.mask(m)
		for i := range count {
			m.src[i] = get[i](m, mask)
		}
		m.out = vec{}
		compute(&m.out, &m.z[r], &m.src)
		m.write(r, &m.out, lanes, mask, zeroing)
	}, nil
}
