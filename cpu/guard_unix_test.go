//go:build unix

package cpu

import (
	"syscall"
	"unsafe"
)

// This file puts operands where a read past their end is a fault: kernels mask their last vectors, which hides from a result what they
// should not have read.

// guardBytes is the most that a slot holds.
const guardBytes = 16 << 20

// guards are slots of memory that end before a page nobody may touch.
var guards [5][]byte

// guarded moves the slices to the ends of a slot each. What was moved before is overwritten. An empty slice stays as it is.
func guarded(list ...*[]float32) {
	for i, x := range list {
		if len(*x) == 0 {
			continue
		}
		if guards[i] == nil {
			mem, err := syscall.Mmap(-1, 0, guardBytes+syscall.Getpagesize(), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
			if err == nil {
				err = syscall.Mprotect(mem[guardBytes:], syscall.PROT_NONE)
			}
			if err != nil {
				panic(err)
			}
			guards[i] = mem
		}
		end := unsafe.Slice((*float32)(unsafe.Pointer(&guards[i][guardBytes-4*len(*x)])), len(*x))
		copy(end, *x)
		*x = end
	}
}
