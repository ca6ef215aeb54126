// This file is the parser of instructions and operands.

package ptx

import (
	"strconv"
	"strings"
)

// instruction reads [@p] op.mod.type args ;
func (p *parser) instruction() {
	in := Instr{Line: p.words[p.at].line}
	if p.accept("@") {
		in.Guard.Used = true
		in.Guard.Not = p.accept("!")
		in.Guard.Reg = p.predicate(p.next())
	}
	parts := strings.Split(p.next(), ".")
	in.Op = parts[0]
	for _, m := range parts[1:] {
		if t := typeByName(m); t != None {
			in.From, in.Type = in.Type, t
			continue
		}
		in.Mods = append(in.Mods, m)
	}
	switch {
	case in.Op != "cvt":
		in.From = None
	case in.From != None:
		in.Type, in.From = in.From, in.Type // the destination's type is named first
	}
	for !p.accept(";") {
		in.Args = append(in.Args, p.operand(in.Op == "bra"))
		if !p.accept(",") && p.peek() != ";" {
			p.next()
			p.fail("a comma is wanted")
		}
	}
	in.Text = p.text()
	if why := p.k.wrong(&in); why != "" {
		p.fail("%s", why)
	}
	for i, a := range in.Args {
		if a.Kind == Label {
			p.jumps = append(p.jumps, jump{len(p.k.Body), i, in.Line, a.Name})
		}
	}
	p.k.Body = append(p.k.Body, in)
}

func (p *parser) predicate(name string) int {
	r, ok := p.names.regs[name]
	if !ok || p.k.Regs[r].Type != Pred {
		p.fail("%s is no predicate", name)
	}
	return r
}

func (p *parser) operand(label bool) Operand {
	o := Operand{Reg: -1, Also: -1}
	s := p.next()
	switch {
	case label:
		o.Kind, o.Name = Label, s
	case s == "{":
		o.Kind = Vector
		for {
			e := p.operand(false)
			if e.Kind == Vector || e.Kind == Address {
				p.fail("a vector holds registers and numbers")
			}
			o.Elems = append(o.Elems, e)
			if !p.accept(",") {
				p.want("}")
				return o
			}
		}
	case s == "[":
		o = p.operand(false)
		if o.Kind != Register && o.Kind != Symbol && o.Kind != Immediate {
			p.fail("no address")
		}
		o.Kind = Address
		p.offset(&o)
		p.want("]")
	case s == "-":
		s = p.next()
		x, ok := immediate(s)
		if !ok || isFloat(s) {
			p.fail("-%s is no number", s)
		}
		o.Kind, o.Value = Immediate, -x
	case s == "!":
		o = p.operand(false)
		if o.Kind != Register || p.k.Regs[o.Reg].Type != Pred {
			p.fail("! is for predicates")
		}
		o.Not = !o.Not
	case s == "_":
		o.Kind = Sink
	default:
		p.name(&o, s)
	}
	return o
}

// name is an operand of one word.
func (p *parser) name(o *Operand, s string) {
	if x, ok := immediate(s); ok {
		o.Kind, o.Value = Immediate, x
		return
	}
	if r, ok := p.names.regs[s]; ok {
		o.Kind, o.Reg = Register, r
		if p.accept("|") {
			o.Also = p.predicate(p.next())
		}
		return
	}
	o.Kind, o.Name = Symbol, s
	if off, ok := p.names.shared[s]; ok {
		o.Space, o.Value = Shared, uint64(off)
		return
	}
	if i, ok := p.params[s]; ok {
		o.Space, o.Index = Parameter, i
		return
	}
	if i, ok := p.globals[s]; ok {
		o.Space, o.Index = p.m.Vars[i].Space, i
		return
	}
	if _, ok := specials[s]; ok {
		o.Kind = Special
		return
	}
	p.fail("%s is not known", s)
}

// offset reads the +8 or +-8 of an address.
func (p *parser) offset(o *Operand) {
	if !p.accept("+") {
		return
	}
	sign := uint64(1)
	if p.accept("-") {
		sign = ^uint64(0)
	}
	s := p.next()
	x, ok := immediate(s)
	if !ok || isFloat(s) {
		p.fail("%s is no offset", s)
	}
	o.Value += sign * x
}

// specials are the special registers that are understood.
var specials = map[string]bool{"%tid.x": true, "%tid.y": true, "%tid.z": true, "%ntid.x": true, "%ntid.y": true, "%ntid.z": true,
	"%ctaid.x": true, "%ctaid.y": true, "%ctaid.z": true, "%nctaid.x": true, "%nctaid.y": true, "%nctaid.z": true, "%laneid": true, "%warpid": true}

func isFloat(s string) bool { return len(s) == 10 && (s[:2] == "0f" || s[:2] == "0F") }

// immediate is the bits of an integer (42, 0x2a, 42U) or of a float32 (0f3F800000).
func immediate(s string) (uint64, bool) {
	if isFloat(s) {
		x, err := strconv.ParseUint(s[2:], 16, 32)
		return x, err == nil
	}
	if s == "" || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	x, err := strconv.ParseUint(strings.TrimSuffix(s, "U"), 0, 64)
	return x, err == nil
}
