// Package asmsim runs Go assembly for amd64 instruction by instruction, in plain Go, on any processor: the AVX-512
// kernels that ship are tested with it where there is no AVX-512.
//
// It reads the committed text of a *_amd64.s file and interprets its functions on real memory, at the addresses that
// the registers hold, with every float32 operation rounded as the hardware does. What it does not know is an error
// of Load that names file and line, never a guess. On top of what hardware would do it stops where a function returns
// with dirty upper halves of vector registers, and it starts each call with rubbish in all registers, so that a
// kernel that reads one it never wrote is seen.
//
// It is no assembler and no emulator of a processor: no timing, no exceptions and no flags but those that jumps test.
// No program imports it, only tests do.
//
//	program, err := asmsim.Load("matmul_amd64.s")
//	...
//	err = program.Call("fmaPeak512", 1000)
package asmsim
