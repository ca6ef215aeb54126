//go:build !noasm

// This file is what an x86-64 processor can run.

package cpu

import "golang.org/x/sys/cpu"

const hasAssembly = true

// hasTier reports whether the tier has kernels and the processor runs them.
func hasTier(t tier) bool { return matmulKernels[t] != nil && supports[t] }

func distrusted(tier) bool { return false }

// supports is what the processor, and the operating system that saves its registers, have. Tests set it where they
// put emulated kernels in place.
var supports = [tierCount]bool{
	tierAVX2: cpu.X86.HasAVX2 && cpu.X86.HasFMA,
	tierAVX512: cpu.X86.HasAVX2 && cpu.X86.HasFMA &&
		cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL,
}
