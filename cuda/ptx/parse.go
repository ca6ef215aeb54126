// This file is the parser of modules, kernels and declarations.

package ptx

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Limits of what is sensible in one text; what is beyond is an error and not memory.
const (
	maxBytes = 1 << 28 // of a variable
	maxRegs  = 1 << 16 // of a declaration
)

// Parse reads a module. An error is an *Error.
func Parse(src []byte) (m *Module, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			m, err = nil, e
		}
	}()
	p := &parser{src: string(src)}
	p.words = scan(p.src)
	p.module()
	return &p.m, nil
}

// parser walks the words. A mistake is a panic with an *Error, which Parse returns.
type parser struct {
	src   string
	words []word
	at    int
	m     Module

	k       *Kernel
	names   scope          // of the kernel
	params  map[string]int // index into k.Params
	labels  map[string]int // instruction
	jumps   []jump
	start   int // first word of the instruction at hand, -1 outside
	globals map[string]int
}

type jump struct {
	instr, arg, line int
	label            string
}

// scope is what names mean between two braces.
type scope struct {
	regs   map[string]int
	shared map[string]int // offset
}

func (s scope) inner() scope {
	t := scope{regs: map[string]int{}, shared: map[string]int{}}
	for n, r := range s.regs {
		t.regs[n] = r
	}
	for n, o := range s.shared {
		t.shared[n] = o
	}
	return t
}

func (p *parser) fail(format string, args ...any) {
	e := &Error{Line: 1, Reason: fmt.Sprintf(format, args...)}
	if p.at > 0 {
		e.Line = p.words[min(p.at, len(p.words))-1].line
	}
	if p.start >= 0 && p.k != nil {
		e.Instruction = p.text()
	}
	panic(e)
}

// text is the instruction at hand as written, on one line.
func (p *parser) text() string {
	end := min(p.at, len(p.words))
	if p.start >= end {
		return ""
	}
	return strings.Join(strings.Fields(p.src[p.words[p.start].start:p.words[end-1].end]), " ")
}

func (p *parser) next() string {
	if p.at >= len(p.words) {
		p.fail("the text ends here, too early")
	}
	p.at++
	return p.words[p.at-1].text
}

func (p *parser) peek() string {
	if p.at < len(p.words) {
		return p.words[p.at].text
	}
	return ""
}

func (p *parser) accept(s string) bool {
	if p.peek() != s {
		return false
	}
	p.at++
	return true
}

func (p *parser) want(s string) {
	if got := p.next(); got != s {
		p.fail("%q stands where %q is wanted", got, s)
	}
}

func (p *parser) number(most int) int {
	s := p.next()
	n, err := strconv.ParseUint(s, 0, 63)
	if err != nil || n > uint64(most) {
		p.fail("%q is no number of 0..%d", s, most)
	}
	return int(n)
}

func (p *parser) module() {
	p.start = -1
	p.globals = map[string]int{}
	for p.at < len(p.words) {
		switch s := p.next(); s {
		case ".version":
			p.m.Version = p.next()
		case ".target":
			p.m.Target = p.next()
			for p.accept(",") {
				p.next()
			}
		case ".address_size":
			if n := p.number(64); n != 64 {
				p.fail("addresses of %d bits", n)
			}
		case ".visible", ".weak":
		case ".global", ".const":
			p.moduleVar(s)
		case ".entry":
			p.entry()
		default:
			p.fail("%q is not supported at the module's level", s)
		}
	}
}

// declared is what a variable's declaration says before an initial value (.align 4 .b8 name[32]), and the bytes of one element.
func (p *parser) declared() (v Var, size int) {
	for strings.HasPrefix(p.peek(), ".") {
		switch d := p.next(); d {
		case ".align":
			v.Align = p.number(1 << 12)
		case ".ptr", ".global", ".shared", ".const": // what a pointer parameter points to
		default:
			size = typeByName(strings.TrimPrefix(d, ".")).Bytes()
			if size == 0 {
				p.fail("%s is no type of a variable", d)
			}
		}
	}
	v.Name, v.Bytes = p.next(), size
	if size == 0 {
		p.fail("%s has no type", v.Name)
	}
	if v.Align == 0 {
		v.Align = size
	}
	if bits.OnesCount(uint(v.Align)) != 1 {
		p.fail("%s is aligned to %d, no power of two", v.Name, v.Align)
	}
	if p.accept("[") {
		if p.peek() == "]" {
			p.fail("%s has no size", v.Name)
		}
		v.Bytes *= p.number(maxBytes)
		p.want("]")
		if v.Bytes > maxBytes {
			p.fail("%s is larger than %d bytes", v.Name, maxBytes)
		}
	}
	return v, size
}

func (p *parser) moduleVar(space string) {
	v, elem := p.declared()
	v.Space = Global
	if space == ".const" {
		v.Space = Const
	}
	if p.accept("=") {
		v.Init = make([]byte, 0, v.Bytes)
		list := p.accept("{")
		for {
			s := p.next()
			x, ok := immediate(s)
			if !ok {
				p.fail("%q is no initial value", s)
			}
			for i := range elem {
				v.Init = append(v.Init, byte(x>>(8*i)))
			}
			if !list || !p.accept(",") {
				break
			}
		}
		if list {
			p.want("}")
		}
		if len(v.Init) > v.Bytes {
			p.fail("%s has more initial values than room", v.Name)
		}
		v.Init = append(v.Init, make([]byte, v.Bytes-len(v.Init))...)
	}
	p.want(";")
	if _, twice := p.globals[v.Name]; twice {
		p.fail("%s is declared twice", v.Name)
	}
	p.globals[v.Name] = len(p.m.Vars)
	p.m.Vars = append(p.m.Vars, v)
}

func (p *parser) entry() {
	k := &Kernel{Line: p.words[p.at-1].line, Name: p.next()}
	if p.m.Kernel(k.Name) != nil {
		p.fail("kernel %s is there twice", k.Name)
	}
	p.k, p.names, p.params, p.labels, p.jumps = k, scope{}.inner(), map[string]int{}, map[string]int{}, nil
	if p.accept("(") {
		for !p.accept(")") {
			p.want(".param")
			v, _ := p.declared()
			offset := (k.ParamBytes + v.Align - 1) / v.Align * v.Align
			p.params[v.Name] = len(k.Params)
			k.Params = append(k.Params, Param{v.Name, v.Bytes, v.Align, offset})
			k.ParamBytes = offset + v.Bytes
			if !p.accept(",") && p.peek() != ")" {
				p.fail("%q stands between parameters", p.peek())
			}
		}
	}
	for p.peek() != "{" {
		switch d := p.next(); d {
		case ".maxntid", ".reqntid":
			k.MaxThreads = p.number(1024)
			for p.accept(",") {
				if k.MaxThreads *= p.number(1024); k.MaxThreads > 1024 {
					p.fail("a block of more than 1024 threads")
				}
			}
		case ".minnctapersm":
			k.MinBlocks = p.number(1 << 10)
		default:
			p.fail("%q is not supported before a kernel's body", d)
		}
	}
	p.want("{")
	p.body()
	for _, j := range p.jumps {
		target, ok := p.labels[j.label]
		if !ok {
			panic(&Error{Line: j.line, Instruction: k.Body[j.instr].Text, Reason: "there is no label " + j.label})
		}
		k.Body[j.instr].Args[j.arg].Target = target
	}
	p.m.Kernels = append(p.m.Kernels, k)
	p.k = nil
}

func (p *parser) body() {
	var outer []scope
	for {
		p.start = -1
		switch s := p.next(); {
		case s == "{":
			outer = append(outer, p.names)
			p.names = p.names.inner()
		case s == "}" && len(outer) > 0:
			p.names = outer[len(outer)-1]
			outer = outer[:len(outer)-1]
		case s == "}":
			// Falling off the end is leaving.
			p.k.Body = append(p.k.Body, Instr{Line: p.words[p.at-1].line, Text: "}", Op: "ret"})
			return
		case s == ".reg":
			p.registers()
		case s == ".shared":
			p.sharedVar()
		case s == ".pragma", s == ".loc", s == ".file":
			line := p.words[p.at-1].line
			for p.at < len(p.words) && p.words[p.at].line == line && !p.accept(";") {
				p.at++
			}
		case p.peek() == ":":
			p.at++
			if _, twice := p.labels[s]; twice {
				p.fail("label %s is there twice", s)
			}
			p.labels[s] = len(p.k.Body)
		default:
			p.at--
			p.start = p.at
			p.instruction()
		}
	}
}

func (p *parser) registers() {
	t := typeByName(strings.TrimPrefix(p.next(), "."))
	if t == None {
		p.fail("%s is no type of a register", p.words[p.at-1].text)
	}
	for {
		name := p.next()
		names := []string{name}
		if p.accept("<") {
			n := p.number(maxRegs)
			p.want(">")
			names = names[:0]
			for i := range n {
				names = append(names, name+strconv.Itoa(i))
			}
		}
		for _, n := range names {
			p.names.regs[n] = len(p.k.Regs)
			p.k.Regs = append(p.k.Regs, Reg{n, t})
		}
		if !p.accept(",") {
			p.want(";")
			return
		}
	}
}

func (p *parser) sharedVar() {
	v, _ := p.declared()
	p.want(";")
	v.Space, v.Offset = Shared, (p.k.SharedSize+v.Align-1)/v.Align*v.Align
	p.names.shared[v.Name] = v.Offset
	p.k.SharedSize = v.Offset + v.Bytes
	p.k.Shared = append(p.k.Shared, v)
}
