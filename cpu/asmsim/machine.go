// This file is the state of the simulated processor.

package asmsim

import (
	"math"
	"unsafe"
)

// vec is a vector register of 32-bit lanes.
type vec [16]uint32

type machine struct {
	gp    [16]uint64
	z     [32]vec
	k     [8]uint64
	flags flags
	frame []uintptr // arguments
	args  uintptr   // address of frame
	at    int       // the instruction that runs
	next  int       // the one after it; negative to return
	mem   [3]vec    // memory operands as loaded
	src   [3]*vec   // sources of the instruction, here so that a step allocates nothing
	out   vec       // its result
}

// flags are those of the status bits that conditional jumps read.
type flags struct{ zero, sign, carry, overflow, undefined bool }

// reset fills the registers with rubbish: what no kernel may rely on. The upper parts of the vector registers are
// clear, as they are on a call from Go.
func (m *machine) reset() {
	for i := range m.gp {
		m.gp[i] = 0xdead000000000000 + uint64(i)
	}
	for i := range m.k {
		m.k[i] = 0x5555aaaa5555aaaa
	}
	for i := range m.z {
		m.z[i] = vec{}
		for j := range 4 {
			m.z[i][j] = 0x7fa00000 + uint32(i) // a NaN
		}
	}
	m.flags = flags{undefined: true}
}

// pointer is an address as a pointer. The detour tells vet that this is meant: the address comes from a register.
func pointer(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

func load[T uint8 | uint16 | uint32 | uint64](address uintptr) T     { return *(*T)(pointer(address)) }
func store[T uint8 | uint16 | uint32 | uint64](address uintptr, v T) { *(*T)(pointer(address)) = v }

// loadLanes loads the 32-bit lanes that the mask selects, and touches no other memory.
func loadLanes(dst *vec, address uintptr, lanes int, mask uint64) {
	for i := range lanes {
		dst[i] = 0
		if mask>>i&1 != 0 {
			dst[i] = load[uint32](address + uintptr(4*i))
		}
	}
}

func storeLanes(src *vec, address uintptr, lanes int, mask uint64) {
	for i := range lanes {
		if mask>>i&1 != 0 {
			store(address+uintptr(4*i), src[i])
		}
	}
}

// write sets a register's lanes that the mask selects; others keep their value or are cleared if zeroing, and what is
// beyond the vector is cleared, as by every VEX and EVEX instruction.
func (m *machine) write(r int, v *vec, lanes int, mask uint64, zeroing bool) {
	dst := &m.z[r]
	for i := range dst {
		switch {
		case i >= lanes:
			dst[i] = 0
		case mask>>i&1 != 0:
			dst[i] = v[i]
		case zeroing:
			dst[i] = 0
		}
	}
}

func float(u uint32) float32 { return math.Float32frombits(u) }
func bits(x float32) uint32  { return math.Float32bits(x) }
