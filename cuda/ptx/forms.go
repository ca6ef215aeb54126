// This file is the forms of instructions that are accepted.

package ptx

import (
	"fmt"
	"slices"
	"strings"
)

// form is one operation: which types it takes, which modifiers may stand with it, and what its operands are, a letter each:
//
//	d  a register to write, as wide as the type     s  a register, number or special register of that width
//	D  the same, but twice as wide under .wide       S  the same, but twice as wide under .wide
//	r  a register or number of 32 bits               p  a predicate to write     q  a predicate to read, perhaps negated
//	x  any register that is no predicate             y  the same or a number      v  one register or a vector, to read or to write
//	m  an address in memory                          l  a label    ?  what follows may be left out
type form struct {
	types []Type
	must  []string // one of them has to be there, unless empty
	may   []string
	args  string
}

var (
	ints   = []Type{U16, U32, U64, S16, S32, S64}
	ints3  = []Type{U32, U64, S32, S64}
	plain  = []Type{B16, B32, B64}
	memory = []Type{B8, B16, B32, B64, U8, U16, U32, U64, S8, S16, S32, S64, F32}
	floats = []Type{F32}
	none   = []Type{None}
)

var relations = []string{"eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"}

// forms lists the accepted ones by operation. Where an operation has several, the first that fits is meant.
var forms = map[string][]form{
	"add":        {{types: ints, args: "dss"}, {types: floats, must: []string{"rn"}, args: "dss"}},
	"sub":        {{types: ints, args: "dss"}, {types: floats, must: []string{"rn"}, args: "dss"}},
	"mul":        {{types: ints, must: []string{"lo", "hi", "wide"}, args: "Dss"}, {types: floats, must: []string{"rn"}, args: "dss"}},
	"mad":        {{types: ints, must: []string{"lo", "hi", "wide"}, args: "DssS"}},
	"fma":        {{types: floats, must: []string{"rn"}, args: "dsss"}},
	"div":        {{types: ints, args: "dss"}, {types: floats, must: []string{"rn"}, args: "dss"}},
	"rem":        {{types: ints, args: "dss"}},
	"sqrt":       {{types: floats, must: []string{"rn"}, args: "ds"}},
	"neg":        {{types: []Type{S16, S32, S64, F32}, args: "ds"}},
	"abs":        {{types: []Type{S16, S32, S64, F32}, args: "ds"}},
	"min":        {{types: append([]Type{F32}, ints...), args: "dss"}},
	"max":        {{types: append([]Type{F32}, ints...), args: "dss"}},
	"and":        {{types: []Type{Pred}, args: "pqq"}, {types: plain, args: "dss"}},
	"or":         {{types: []Type{Pred}, args: "pqq"}, {types: plain, args: "dss"}},
	"xor":        {{types: []Type{Pred}, args: "pqq"}, {types: plain, args: "dss"}},
	"not":        {{types: []Type{Pred}, args: "pq"}, {types: plain, args: "ds"}},
	"shl":        {{types: plain, args: "dsr"}},
	"shr":        {{types: append(append([]Type{}, plain...), ints...), args: "dsr"}},
	"shf":        {{types: []Type{B32}, must: []string{"l", "r"}, may: []string{"clamp", "wrap"}, args: "dssr"}},
	"popc":       {{types: []Type{B32, B64}, args: "xs"}},
	"clz":        {{types: []Type{B32, B64}, args: "xs"}},
	"brev":       {{types: []Type{B32, B64}, args: "ds"}},
	"bfe":        {{types: ints3, args: "dsrr"}},
	"bfi":        {{types: []Type{B32, B64}, args: "dssrr"}},
	"prmt":       {{types: []Type{B32}, args: "dssr"}},
	"lop3":       {{types: []Type{B32}, args: "dsssr"}},
	"setp":       {{types: append(append([]Type{F32}, plain...), ints...), must: relations, may: []string{"and", "or", "xor"}, args: "pss?q"}},
	"selp":       {{types: append(append([]Type{F32}, plain...), ints...), args: "dssq"}},
	"mov":        {{types: []Type{Pred}, args: "pq"}, {types: append(append([]Type{F32}, plain...), ints...), args: "vv"}},
	"cvt":        {{types: memory, may: []string{"rn", "rni", "rzi", "rmi", "rpi"}, args: "xy"}},
	"cvta":       {{types: []Type{U64}, must: []string{"global", "shared", "const"}, may: []string{"to"}, args: "ds"}},
	"ld":         {{types: memory, may: []string{"global", "shared", "const", "param", "nc", "volatile", "v2", "v4", "relaxed", "gpu", "cta"}, args: "vm"}},
	"st":         {{types: memory, may: []string{"global", "shared", "volatile", "v2", "v4", "relaxed", "gpu", "cta"}, args: "mv"}},
	"atom":       {{types: []Type{B32, B64, U32, U64, S32, F32}, must: atomics, may: atomicScopes, args: "dms?s"}},
	"red":        {{types: []Type{B32, B64, U32, U64, S32, F32}, must: atomics, may: atomicScopes, args: "ms"}},
	"bra":        {{types: none, may: []string{"uni"}, args: "l"}},
	"ret":        {{types: none, may: []string{"uni"}}},
	"exit":       {{types: none}},
	"trap":       {{types: none}},
	"bar":        {{types: none, must: []string{"sync"}, may: []string{"warp"}, args: "r"}},
	"barrier":    {{types: none, must: []string{"sync"}, may: []string{"aligned"}, args: "r"}},
	"membar":     {{types: none, must: []string{"cta", "gl", "sys"}}},
	"fence":      {{types: none, may: []string{"sc", "acq_rel", "cta", "gpu", "sys"}}},
	"shfl":       {{types: []Type{B32}, must: []string{"up", "down", "bfly", "idx"}, may: []string{"sync"}, args: "dsrrr"}},
	"vote":       {{types: []Type{B32}, must: []string{"ballot"}, may: []string{"sync"}, args: "dqr"}, {types: []Type{Pred}, must: []string{"any", "all", "uni"}, may: []string{"sync"}, args: "pqr"}},
	"activemask": {{types: []Type{B32}, args: "d"}},
}

var (
	atomics      = []string{"add", "min", "max", "and", "or", "xor", "exch", "cas"}
	atomicScopes = []string{"global", "shared", "relaxed", "gpu", "cta"}
)

// wrong says why the instruction is none of the forms, or "".
func (k *Kernel) wrong(in *Instr) string {
	list, ok := forms[in.Op]
	if !ok {
		return "not supported"
	}
	why := fmt.Sprintf("not supported with type .%v", in.Type)
	for _, f := range list {
		if !slices.Contains(f.types, in.Type) {
			continue
		}
		if why = k.misfit(in, f); why == "" {
			return ""
		}
	}
	return why
}

// misfit says why an instruction whose type the form takes is not of the form.
func (k *Kernel) misfit(in *Instr, f form) string {
	if len(f.must) > 0 && in.Mod(f.must...) == "" {
		return "wants one of ." + strings.Join(f.must, ", .")
	}
	for _, m := range in.Mods {
		if !slices.Contains(f.must, m) && !slices.Contains(f.may, m) {
			return fmt.Sprintf("not supported with .%s", m)
		}
	}
	least, want := len(f.args), f.args
	if i := strings.IndexByte(want, '?'); i >= 0 {
		least, want = i, want[:i]+want[i+1:]
	}
	if len(in.Args) < least || len(in.Args) > len(want) {
		return fmt.Sprintf("has %d operands", len(in.Args))
	}
	for i := range in.Args {
		if !k.fits(in, &in.Args[i], want[i]) {
			return fmt.Sprintf("operand %d does not fit", i+1)
		}
	}
	return k.special(in)
}

// fits says whether an operand is what a letter of form.args wants.
func (k *Kernel) fits(in *Instr, o *Operand, letter byte) bool {
	width := in.Type.Bits()
	if (letter == 'D' || letter == 'S') && in.Has("wide") {
		width *= 2
	}
	reg := func(bits int) bool {
		return o.Kind == Register && k.Regs[o.Reg].Type != Pred && (bits == 0 || k.Regs[o.Reg].Type.Bits() == bits)
	}
	pred := func() bool { return o.Kind == Register && k.Regs[o.Reg].Type == Pred }
	switch letter {
	case 'd', 'D':
		return reg(width) && (o.Also < 0 || in.Op == "shfl")
	case 's', 'S':
		symbol := o.Kind == Symbol && in.Op == "mov"
		return reg(width) || o.Kind == Immediate || o.Kind == Special || symbol || o.Kind == Symbol && o.Space != Parameter
	case 'r':
		return reg(32) || o.Kind == Immediate || o.Kind == Special
	case 'x':
		return reg(0)
	case 'y':
		return reg(0) || o.Kind == Immediate
	case 'p':
		return pred() && !o.Not
	case 'q':
		return pred() || o.Kind == Immediate
	case 'm':
		return o.Kind == Address
	case 'l':
		return o.Kind == Label
	}
	// v
	if o.Kind != Vector {
		wide := o.Kind == Register && k.Regs[o.Reg].Type != Pred && k.Regs[o.Reg].Type.Bits() >= width
		return wide || o.Kind == Immediate || o.Kind == Special || o.Kind == Symbol || o.Kind == Sink
	}
	if in.Op == "mov" {
		width /= len(o.Elems)
	}
	for i := range o.Elems {
		e := &o.Elems[i]
		if e.Kind != Sink && e.Kind != Immediate && !(e.Kind == Register && k.Regs[e.Reg].Type != Pred && k.Regs[e.Reg].Type.Bits() >= width) {
			return false
		}
	}
	return true
}

// only says that the operand, or each of a vector's, is a register or of that kind.
func (o *Operand) only(kind Kind) bool {
	if o.Kind == Vector {
		return !slices.ContainsFunc(o.Elems, func(e Operand) bool { return !e.only(kind) })
	}
	return o.Kind == Register || o.Kind == kind
}

// special are rules that the table cannot say.
func (k *Kernel) special(in *Instr) string {
	switch in.Op {
	case "ld", "st":
		v := in.Args[0]
		if in.Op == "st" {
			v = in.Args[1]
		}
		if in.Op == "ld" && !v.only(Sink) {
			return "loads into what is no register"
		}
		if in.Op == "st" && !v.only(Immediate) {
			return "stores what is no value"
		}
		want := map[string]int{"v2": 2, "v4": 4, "": 1}[in.Mod("v2", "v4")]
		if n := max(len(v.Elems), 1); n != want {
			return fmt.Sprintf("moves %d values", n)
		}
		if in.Op == "ld" && in.Space() == Parameter && len(in.Mods) > 2 {
			return "not supported of a parameter"
		}
	case "mov":
		d, s := in.Args[0], in.Args[1]
		if d.Kind == Vector && (s.Kind == Vector || !d.only(Sink)) || s.Kind == Vector && !s.only(Immediate) || d.Kind != Vector && d.Kind != Register {
			return "not supported"
		}
		if n := max(len(d.Elems), len(s.Elems)); n > 0 && in.Type.Bits()%(8*n) != 0 {
			return fmt.Sprintf("%d parts of %d bits", n, in.Type.Bits())
		}
	case "setp":
		if in.Mod("and", "or", "xor") != "" != (len(in.Args) == 4) {
			return "a fourth operand comes with .and, .or or .xor"
		}
		if in.Type.Float() && slices.Contains([]string{"lo", "ls", "hi", "hs"}, in.Mods[0]) || !in.Type.Float() && (len(in.Mods[0]) > 2) {
			return "not supported with ." + in.Mods[0]
		}
	case "atom":
		if in.Has("cas") != (len(in.Args) == 4) {
			return "a fourth operand comes with .cas"
		}
	case "red":
		if m := in.Mod("exch", "cas"); m != "" {
			return "has no use without its result: ." + m
		}
	case "shf":
		if in.Mod("clamp", "wrap") == "" {
			return "wants one of .clamp, .wrap"
		}
	case "lop3":
		if in.Args[4].Kind != Immediate {
			return "the table is no number"
		}
	case "shfl", "vote":
		if !in.Has("sync") {
			return "wants .sync"
		}
	case "cvt":
		if in.From == None {
			return "wants two types"
		}
		round := in.Mod("rn", "rni", "rzi", "rmi", "rpi")
		toFloat, fromFloat := in.Type.Float(), in.From.Float()
		if (toFloat && !fromFloat) != (round == "rn") || (fromFloat && !toFloat) != (round != "" && round != "rn") || toFloat && fromFloat {
			return "not supported between these types with this rounding"
		}
	}
	return ""
}
