// This file is an instruction and its operands.

package ptx

import "slices"

// Instr is one instruction, of one of the forms in forms.go.
type Instr struct {
	Line  int
	Text  string   // as written, for messages
	Guard Guard    // runs only where it holds
	Op    string   // "add", "ld", ...: the part before the first dot
	Mods  []string // the other parts, types left out: "rn", "wide", "global"
	Type  Type     // the last type named
	From  Type     // of cvt: the source type, where Type is the destination's
	Args  []Operand
}

// Has says whether the instruction has that modifier.
func (in *Instr) Has(mod string) bool { return slices.Contains(in.Mods, mod) }

// Mod is the first of the named modifiers that the instruction has, or "".
func (in *Instr) Mod(names ...string) string {
	for _, n := range names {
		if in.Has(n) {
			return n
		}
	}
	return ""
}

// Space is the state space an ld, st, atom, red or cvta names.
func (in *Instr) Space() Space {
	switch in.Mod("global", "shared", "const", "param") {
	case "global":
		return Global
	case "shared":
		return Shared
	case "const":
		return Const
	case "param":
		return Parameter
	}
	return Generic
}

// Guard is the predicate before an instruction.
type Guard struct {
	Used bool
	Reg  int
	Not  bool
}

// Kind is what an operand is.
type Kind uint8

// The kinds of operands.
const (
	Register  Kind = iota // Reg, of a predicate perhaps with Not, and perhaps with Also
	Immediate             // Value, the bits of an integer or a float32
	Special               // Name, such as "%tid.x"
	Address               // [Reg + Value], [Symbol + Value]
	Symbol                // the address of a variable: Symbol + Value
	Label                 // Target
	Vector                // Elems
	Sink                  // _, a result nobody wants
)

// Operand is one argument of an instruction.
type Operand struct {
	Kind   Kind
	Reg    int    // index into Kernel.Regs, -1 for none
	Also   int    // the second destination of p|q: a predicate register, -1 for none
	Not    bool   // a predicate read negated
	Value  uint64 // bits of an immediate; offset of an address, which wraps
	Name   string
	Space  Space // of a symbol or of an address of one
	Index  int   // of a symbol: into Module.Vars or Kernel.Params; unused in shared, whose Value is the offset itself
	Target int   // index into Kernel.Body
	Elems  []Operand
}
