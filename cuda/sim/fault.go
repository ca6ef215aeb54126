package sim

import "fmt"

// FaultKind says what went wrong.
type FaultKind string

// The faults of kernels.
const (
	OutOfBounds    FaultKind = "out of bounds"
	UseAfterFree   FaultKind = "use after free"
	DoubleFree     FaultKind = "double free"
	Uninitialised  FaultKind = "read of memory nobody wrote"
	Misaligned     FaultKind = "misaligned access"
	Race           FaultKind = "data race"
	Divergence     FaultKind = "warp-synchronous instruction without its lanes"
	Endless        FaultKind = "endless loop"
	LaunchRefused  FaultKind = "launch refused"
	Trap           FaultKind = "trap"
	BadInstruction FaultKind = "not supported"
)

// Fault is what a kernel, or a copy by the host, did wrong.
type Fault struct {
	Kind        FaultKind
	Kernel      string // "" for the host
	Block       [3]int
	Thread      int // in the block, counted along x, y, z
	Line        int // of the PTX
	Instruction string
	Detail      string
}

func (f *Fault) Error() string {
	s := "sim: " + string(f.Kind)
	if f.Kernel != "" {
		s += " in kernel " + f.Kernel
	}
	if f.Line > 0 {
		s += fmt.Sprintf(", block %v, thread %d, line %d: %s", f.Block, f.Thread, f.Line, f.Instruction)
	}
	if f.Detail != "" {
		s += ": " + f.Detail
	}
	return s
}

// stop ends a launch: the fault is recovered by it.
func stop(f *Fault) { panic(f) }

// fault is a stop of one lane at the instruction at hand.
func (w *warp) fault(kind FaultKind, lane int, format string, args ...any) {
	stop(&Fault{Kind: kind, Kernel: w.b.k.tree.Name, Block: w.b.id, Thread: w.id*32 + lane, Line: w.cur.line, Instruction: w.cur.text,
		Detail: fmt.Sprintf(format, args...)})
}
