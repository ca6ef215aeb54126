// This file is the tree: a module, its variables, its kernels.

package ptx

// Module is one PTX text.
type Module struct {
	Version string // "6.3"
	Target  string // "sm_70"
	Vars    []Var  // .global and .const variables, in order
	Kernels []*Kernel
}

// Kernel is the kernel of that name, or nil.
func (m *Module) Kernel(name string) *Kernel {
	for _, k := range m.Kernels {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// Space is a state space: where a variable lives and what an access reaches.
type Space uint8

// The spaces. Generic is the space of an address that may be global or shared.
const (
	Generic Space = iota
	Global
	Const
	Shared
	Parameter
)

// Var is a variable of a module (global, const) or of a kernel (shared).
type Var struct {
	Name   string
	Space  Space
	Bytes  int
	Align  int
	Init   []byte // Bytes long, or nil where the text says nothing: zeros in global and const, undefined in shared
	Offset int    // shared only: from the start of the block's shared memory
}

// Param is one parameter of a kernel.
type Param struct {
	Name   string
	Bytes  int
	Align  int
	Offset int // in the parameter buffer, which lays parameters out as a C struct
}

// Reg is one declared register.
type Reg struct {
	Name string
	Type Type
}

// Kernel is one .entry.
type Kernel struct {
	Name       string
	Line       int
	Params     []Param
	ParamBytes int
	MaxThreads int   // product of .maxntid, 0 where there is none
	MinBlocks  int   // .minnctapersm, 0 where there is none
	Regs       []Reg // Operand.Reg is an index
	Shared     []Var // the static shared variables it uses
	SharedSize int   // bytes of it
	Body       []Instr
}
