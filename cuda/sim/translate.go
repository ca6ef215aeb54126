package sim

import (
	"fmt"
	"math/bits"

	"github.com/sluice-ml/sluice/cuda/ptx"
)

// This file translates a kernel: each instruction becomes a function on the lanes of a warp that take part.

// run is what an instruction does.
type run = func(w *warp, lanes uint32)

type translator struct {
	k      *Kernel
	in     *ptx.Instr
	consts map[constant]int
	named  map[string]int
}

// translate gives registers their places and instructions their functions.
func translate(mod *Module, tree *ptx.Kernel) (k *Kernel, err error) {
	t := &translator{k: &Kernel{mod: mod, tree: tree}, consts: map[constant]int{}, named: map[string]int{}}
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(*Fault)
			if !ok {
				panic(r)
			}
			k, err = nil, f
		}
	}()
	for _, r := range tree.Regs {
		n := &t.k.narrow
		switch {
		case r.Type == ptx.Pred:
			n = &t.k.preds
		case r.Type.Bits() == 64:
			n = &t.k.wide
		}
		t.k.slots = append(t.k.slots, *n)
		*n++
	}
	for i := range tree.Body {
		t.in = &tree.Body[i]
		out := instr{guard: -1, line: t.in.Line, text: t.in.Text, ffma: t.in.Op == "fma"}
		if t.in.Guard.Used {
			out.guard, out.not = t.k.slots[t.in.Guard.Reg], t.in.Guard.Not
		}
		t.one(&out)
		t.k.code = append(t.k.code, out)
	}
	return t.k, nil
}

func (t *translator) refuse(format string, args ...any) {
	stop(&Fault{Kind: BadInstruction, Kernel: t.k.tree.Name, Line: t.in.Line, Instruction: t.in.Text, Detail: fmt.Sprintf(format, args...)})
}

// one translates the instruction at hand.
func (t *translator) one(out *instr) {
	in, a := t.in, t.in.Args
	switch in.Op {
	case "bra":
		out.class, out.target = branch, int32(a[0].Target)
	case "ret", "exit":
		out.class = leave
	case "bar", "barrier":
		if in.Has("warp") {
			out.class, out.mask, out.run = together, t.narrow(a[0]), func(*warp, uint32) {}
			return
		}
		if a[0].Kind != ptx.Immediate || a[0].Value != 0 {
			t.refuse("only barrier 0")
		}
		out.class = barrier
	case "membar", "fence":
		out.run = func(*warp, uint32) {}
	case "trap":
		out.run = func(w *warp, m uint32) { w.fault(Trap, bits.TrailingZeros32(m), "") }
	case "shfl":
		out.class, out.mask, out.run = together, t.narrow(a[4]), t.shuffle()
	case "vote":
		out.class, out.mask, out.run = together, t.narrow(a[2]), t.vote()
	case "activemask":
		d := t.narrow(a[0])
		out.run = func(w *warp, m uint32) {
			for k := m; k != 0; k &= k - 1 {
				w.narrow[d][lane(k)] = m
			}
		}
	case "ld":
		out.run = t.load()
	case "st":
		out.run = t.store()
	case "atom", "red":
		out.run = t.atomic()
	case "setp":
		out.run = t.compare()
	case "selp":
		out.run = t.choose()
	case "mov":
		out.run = t.move()
	case "cvt":
		out.run = t.convert()
	case "cvta":
		out.run = t.address()
	default:
		switch in.Type {
		case ptx.Pred:
			out.run = t.logic()
		case ptx.F32:
			out.run = t.float()
		default:
			out.run = t.integer()
		}
	}
}

// place is where a register lies, or a number as one.
type place struct {
	wide bool
	slot int
}

// lane is the number of the lowest lane of m.
func lane(m uint32) int { return bits.TrailingZeros32(m) & 31 }

func (p place) get(w *warp, l int) uint64 {
	if p.wide {
		return w.wide[p.slot][l]
	}
	return uint64(w.narrow[p.slot][l])
}

func (p place) set(w *warp, l int, v uint64) {
	if p.wide {
		w.wide[p.slot][l] = v
		return
	}
	w.narrow[p.slot][l] = uint32(v)
}

func (t *translator) constant(wide bool, v uint64) place {
	if !wide {
		v = uint64(uint32(v))
	}
	c := constant{wide: wide, value: v}
	slot, ok := t.consts[c]
	if !ok {
		n := &t.k.narrow
		if wide {
			n = &t.k.wide
		}
		slot = *n
		*n++
		t.consts[c] = slot
		c.slot = slot
		t.k.constants = append(t.k.constants, c)
	}
	return place{wide, slot}
}

// operand is where an operand is read; wide is the width a number has.
func (t *translator) operand(o ptx.Operand, wide bool) place {
	switch o.Kind {
	case ptx.Register:
		return t.place(o)
	case ptx.Immediate:
		return t.constant(wide, o.Value)
	case ptx.Symbol:
		return t.constant(wide, t.symbol(o))
	case ptx.Special:
		if wide {
			t.refuse("a special register has 32 bits")
		}
		slot, ok := t.named[o.Name]
		if !ok {
			slot = t.k.narrow
			t.k.narrow++
			t.named[o.Name] = slot
			t.k.specials = append(t.k.specials, special{o.Name, slot})
		}
		return place{false, slot}
	}
	t.refuse("this operand")
	return place{}
}

// place is a register's.
func (t *translator) place(o ptx.Operand) place {
	return place{t.k.tree.Regs[o.Reg].Type.Bits() == 64, t.k.slots[o.Reg]}
}

func (t *translator) narrow(o ptx.Operand) int {
	p := t.operand(o, false)
	if p.wide {
		t.refuse("an operand of 64 bits")
	}
	return p.slot
}

// symbol is a variable's address: in its window for shared memory, an offset for a parameter.
func (t *translator) symbol(o ptx.Operand) uint64 {
	switch o.Space {
	case ptx.Shared:
		return o.Value
	case ptx.Parameter:
		return paramBase + uint64(t.k.tree.Params[o.Index].Offset) + o.Value
	}
	return t.k.mod.vars[o.Index] + o.Value
}

// sources are the operands from the second on, at the instruction's width.
func (t *translator) sources() (src []place) {
	for _, o := range t.in.Args[1:] {
		src = append(src, t.operand(o, t.in.Type.Bits() == 64))
	}
	return src
}

// each is d = f(values of src), lane by lane: the plain way, for what is not hot.
func each(d place, src []place, f func(v *[4]uint64) uint64) run {
	return func(w *warp, m uint32) {
		var v [4]uint64
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			for i, s := range src {
				v[i] = s.get(w, l)
			}
			d.set(w, l, f(&v))
		}
	}
}
