package main

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// This file reads machine code as nvdisasm prints it, and finds the loops in it.

// function is a kernel's code.
type function struct {
	name string
	code []instruction
}

// instruction is one line. A label is an instruction without op.
type instruction struct {
	label string
	op    string // with its suffixes: LDG.E.128
	args  string
}

// is reports whether the op is name, whatever its suffixes.
func (in *instruction) is(name string) bool {
	return in.op == name || strings.HasPrefix(in.op, name) && in.op[len(name)] == '.'
}

var (
	section = regexp.MustCompile(`^\s*\.section\s+\.text\.(\w+)`)
	line    = regexp.MustCompile(`^\s*/\*[0-9a-f]+\*/\s+(?:\{\s*)?(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9_.]*)\s*(.*?)\s*(?:\?\S+\s*)*;`)
	label   = regexp.MustCompile(`^\s*(\.L_\w+|\$?\w+):\s*$`)
	jump    = regexp.MustCompile("`\\(([^)]+)\\)")
)

var errNoCode = errors.New("the disassembly has another form: no code found")

// readCode reads a disassembly.
func readCode(text []byte) ([]function, error) {
	var out []function
	total := 0
	for l := range bytes.Lines(text) {
		if m := section.FindSubmatch(l); m != nil {
			out = append(out, function{name: string(m[1])})
			continue
		}
		if len(out) == 0 {
			continue
		}
		f := &out[len(out)-1]
		if m := line.FindSubmatch(l); m != nil {
			total++
			f.code = append(f.code, instruction{op: string(m[1]), args: string(m[2])})
		} else if m := label.FindSubmatch(l); m != nil {
			f.code = append(f.code, instruction{label: string(m[1])})
		}
	}
	if total == 0 {
		return nil, errNoCode
	}
	return out, nil
}

// count is how many instructions of an op the function has.
func (f *function) count(op string) int { return countOf(f.code, op) }

func countOf(code []instruction, op string) (n int) {
	for i := range code {
		if code[i].is(op) {
			n++
		}
	}
	return n
}

// loop is the body of the innermost loop with the most multiply-adds, without labels; nil if there is no loop.
func (f *function) loop() []instruction {
	at := map[string]int{}
	for i, in := range f.code {
		if in.op == "" {
			at[in.label] = i
		}
	}
	type span struct{ from, to int }
	var spans []span
	for i, in := range f.code {
		if !in.is("BRA") {
			continue
		}
		if m := jump.FindStringSubmatch(in.args); m != nil {
			if to, ok := at[m[1]]; ok && to < i {
				spans = append(spans, span{to, i})
			}
		}
	}
	var best []instruction
	most := 0
	for _, s := range spans {
		if slices.ContainsFunc(spans, func(t span) bool {
			return t != s && t.from >= s.from && t.to <= s.to && countOf(f.code[t.from:t.to], "FFMA") > 0
		}) {
			continue // another loop with arithmetic lies within
		}
		if n := countOf(f.code[s.from:s.to], "FFMA"); n > most {
			best, most = f.code[s.from:s.to+1], n
		}
	}
	return slices.DeleteFunc(slices.Clone(best), func(in instruction) bool { return in.op == "" })
}

// share is which part of a loop is multiply-adds.
func share(loop []instruction) float64 {
	if len(loop) == 0 {
		return 0
	}
	return float64(countOf(loop, "FFMA")) / float64(len(loop))
}

var register = regexp.MustCompile(`\bR(\d+)(\.64)?\b`)

// loadsAhead is, for each global load of a loop, the number of multiply-adds between it and the first instruction that reads what it
// loaded, the loop being gone round once. Fewer than hide a round trip to memory mean a warp that waits.
func loadsAhead(loop []instruction) []int {
	var out []int
	for i := range loop {
		if !loop[i].is("LDG") {
			continue
		}
		dst, _, _ := strings.Cut(loop[i].args, ",")
		first := registersOf(dst, 1)
		if len(first) == 0 {
			continue
		}
		lo, hi := first[0], first[0]+width(loop[i].op)
		n := 0
		for k := 1; k < len(loop); k++ {
			in := &loop[(i+k)%len(loop)]
			if in.reads(lo, hi) {
				break
			}
			if in.is("FFMA") {
				n++
			}
		}
		out = append(out, n)
	}
	return out
}

// width is the registers a load or store moves.
func width(op string) int {
	switch {
	case strings.Contains(op, ".128"):
		return 4
	case strings.Contains(op, ".64"):
		return 2
	}
	return 1
}

// reads reports whether an operand is one of registers lo to hi-1. Stores have no result; of all others the first operand is one.
func (in *instruction) reads(lo, hi int) bool {
	args := in.args
	moved := 1
	if in.is("STS") || in.is("STG") || in.is("ST") {
		moved = width(in.op)
	} else if _, after, found := strings.Cut(args, ","); found {
		args = after
	}
	return slices.ContainsFunc(registersOf(args, moved), func(r int) bool { return r >= lo && r < hi })
}

// registersOf are the registers named in operands; the last operand stands for moved of them.
func registersOf(args string, moved int) (out []int) {
	for _, m := range register.FindAllStringSubmatch(args, -1) {
		n, _ := strconv.Atoi(m[1]) // digits
		out = append(out, n)
		if m[2] != "" {
			out = append(out, n+1)
		}
	}
	if n := len(out); n > 0 {
		for i := 1; i < moved; i++ {
			out = append(out, out[n-1]+i)
		}
	}
	return out
}
