// This file reads the text: lines, operands, data.

package asmsim

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

type kind uint8

const (
	general kind = iota // general register
	vector
	opmask
	immediate
	memory
	label
)

// operand is one argument of an instruction.
type operand struct {
	kind        kind
	reg         int // register, or base register of memory; -1 for none
	bytes       int // of a vector register
	index       int // register, -1 for none
	scale, disp int64
	fp          bool     // memory in the arguments
	symbol      []uint64 // memory in read-only data
	value       int64    // of an immediate
	target      string   // of a jump
}

// inst is one instruction as read.
type inst struct {
	file               string
	line               int
	name               string // without suffixes
	zeroing, broadcast bool   // suffixes .Z and .BCST
	ops                []operand
	labels             map[string]int // of its function
}

func (in *inst) errorf(format string, args ...any) error {
	return fmt.Errorf("asmsim: %s:%d: %s: %w", in.file, in.line, in.name, fmt.Errorf(format, args...))
}

var (
	textLine  = regexp.MustCompile(`^TEXT ·(\w+)\(SB\), [\w|]+, \$0-(\d+)$`)
	dataLine  = regexp.MustCompile(`^DATA (\w+)<>\+(\d+)\(SB\)/([48]), \$(.+)$`)
	globlLine = regexp.MustCompile(`^GLOBL (\w+)<>\(SB\), [\w|]+, \$(\d+)$`)
	labelLine = regexp.MustCompile(`^(\w+):$`)
	memOp     = regexp.MustCompile(`^(-?\w+)?\((\w+)\)(?:\((\w+)\*([1248])\))?$`)
	argOp     = regexp.MustCompile(`^\w+\+(\d+)\(FP\)$`)
	nameOp    = regexp.MustCompile(`^\w+$`)
	symbolOp  = regexp.MustCompile(`^(\w+)<>(?:\+(\d+))?\(SB\)$`)
)

// parse fills the program with data, then with functions, which may stand before the data they use.
func (p *Program) parse(file, text string) error {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line, _, _ = strings.Cut(line, "//")
		lines[i] = strings.TrimSpace(line)
		if strings.HasPrefix(line, "DATA") || strings.HasPrefix(line, "GLOBL") {
			if err := p.parseData(lines[i]); err != nil {
				return (&inst{file: file, line: i + 1, name: "data"}).errorf("%w", err)
			}
			lines[i] = ""
		}
	}
	var f *function
	var labels map[string]int
	for i, line := range lines {
		if line == "" || strings.HasPrefix(line, "#include") {
			continue
		}
		in := &inst{file: file, line: i + 1, name: "text"}
		if t := textLine.FindStringSubmatch(line); t != nil {
			args, _ := strconv.Atoi(t[2])
			f, labels = &function{name: t[1], args: args}, map[string]int{}
			p.functions[f.name] = f
			continue
		}
		if f == nil || strings.HasPrefix(line, "TEXT") {
			return in.errorf("cannot read %q (locals are not supported)", line)
		}
		if l := labelLine.FindStringSubmatch(line); l != nil {
			labels[l[1]] = len(f.insts)
			continue
		}
		in.labels = labels
		if err := p.parseInst(in, line); err != nil {
			return in.errorf("%w", err)
		}
		f.insts = append(f.insts, in)
	}
	return nil
}

func (p *Program) parseInst(in *inst, line string) error {
	fields := strings.Fields(line)
	name, rest := fields[0], strings.Join(fields[1:], " ")
	parts := strings.Split(name, ".")
	in.name = parts[0]
	for _, suffix := range parts[1:] {
		switch suffix {
		case "Z":
			in.zeroing = true
		case "BCST":
			in.broadcast = true
		default:
			return fmt.Errorf("unknown suffix %s", suffix)
		}
	}
	if rest == "" {
		return nil
	}
	for _, text := range strings.Split(rest, ",") {
		o, err := p.parseOperand(strings.TrimSpace(text))
		if err != nil {
			return err
		}
		in.ops = append(in.ops, o)
	}
	return nil
}

var generalNames = map[string]int{"AX": 0, "CX": 1, "DX": 2, "BX": 3, "BP": 5, "SI": 6, "DI": 7, "R8": 8, "R9": 9, "R10": 10,
	"R11": 11, "R12": 12, "R13": 13, "R15": 15} // SP and R14, the goroutine, are not for kernels

func (p *Program) parseOperand(text string) (operand, error) {
	o := operand{reg: -1, index: -1, scale: 1}
	if r, ok := generalNames[text]; ok {
		o.reg = r
		return o, nil
	}
	if text == "" {
		return o, fmt.Errorf("an operand is missing")
	}
	if n, err := strconv.Atoi(text[1:]); err == nil && n >= 0 {
		sizes := map[byte]int{'X': 16, 'Y': 32, 'Z': 64}
		if size := sizes[text[0]]; size > 0 && n < 32 {
			o.kind, o.reg, o.bytes = vector, n, size
			return o, nil
		}
		if text[0] == 'K' && n < 8 {
			o.kind, o.reg = opmask, n
			return o, nil
		}
	}
	if text[0] == '$' {
		v, err := strconv.ParseInt(text[1:], 0, 64)
		if err != nil {
			var u uint64
			u, err = strconv.ParseUint(text[1:], 0, 64)
			v = int64(u)
		}
		o.kind, o.value = immediate, v
		return o, err
	}
	if a := argOp.FindStringSubmatch(text); a != nil {
		o.kind, o.fp = memory, true
		o.disp, _ = strconv.ParseInt(a[1], 10, 64)
		return o, nil
	}
	if s := symbolOp.FindStringSubmatch(text); s != nil {
		o.kind, o.symbol = memory, p.data[s[1]]
		if s[2] != "" {
			o.disp, _ = strconv.ParseInt(s[2], 10, 64)
		}
		if int64(8*len(o.symbol)) <= o.disp {
			return o, fmt.Errorf("no data %s, or not that long", s[1])
		}
		return o, nil
	}
	if a := memOp.FindStringSubmatch(text); a != nil {
		return p.parseMemory(o, a)
	}
	if nameOp.MatchString(text) {
		o.kind, o.target = label, text
		return o, nil
	}
	return o, fmt.Errorf("cannot read operand %q", text)
}

// parseMemory reads disp(base)(index*scale).
func (p *Program) parseMemory(o operand, part []string) (operand, error) {
	var ok bool
	o.kind = memory
	if part[1] != "" {
		var err error
		if o.disp, err = strconv.ParseInt(part[1], 0, 64); err != nil {
			return o, err
		}
	}
	if o.reg, ok = generalNames[part[2]]; !ok {
		return o, fmt.Errorf("unknown register %s", part[2])
	}
	if part[3] != "" {
		if o.index, ok = generalNames[part[3]]; !ok {
			return o, fmt.Errorf("unknown register %s", part[3])
		}
		o.scale, _ = strconv.ParseInt(part[4], 10, 64)
	}
	return o, nil
}

// parseData reads a DATA or GLOBL line.
func (p *Program) parseData(line string) error {
	if g := globlLine.FindStringSubmatch(line); g != nil {
		size, _ := strconv.Atoi(g[2])
		p.grow(g[1], size)
		return nil
	}
	d := dataLine.FindStringSubmatch(line)
	if d == nil {
		return fmt.Errorf("cannot read %q", line)
	}
	offset, _ := strconv.Atoi(d[2])
	size, _ := strconv.Atoi(d[3])
	text := strings.Trim(d[4], "()")
	value, err := strconv.ParseUint(text, 0, 64)
	if i, e := strconv.ParseInt(text, 0, 64); err != nil && e == nil {
		value, err = uint64(i), nil
	}
	if x, e := strconv.ParseFloat(text, 8*size); err != nil && e == nil {
		value, err = math.Float64bits(x), nil
		if size == 4 {
			value = uint64(math.Float32bits(float32(x)))
		}
	}
	if err != nil {
		return err
	}
	words := p.grow(d[1], offset+size)
	for i := range size {
		at := offset + i
		words[at/8] = words[at/8]&^(0xff<<(at%8*8)) | value>>(8*i)&0xff<<(at%8*8)
	}
	return nil
}

// grow makes a symbol at least that many bytes long.
func (p *Program) grow(name string, bytes int) []uint64 {
	words := p.data[name]
	for len(words)*8 < bytes {
		words = append(words, 0)
	}
	p.data[name] = words
	return words
}
