// Package sim runs PTX on the CPU: the very kernels that ship, instruction by instruction, with the checks no GPU makes.
//
// A [Machine] has device memory, modules and counters; a kernel runs at once, its blocks one after the other, its warps in an order
// that Config.Seed picks. Every access is checked: bounds, alignment, use after free, and, where Config says so, reads of what nobody
// wrote and accesses that race. What is wrong is a [Fault] that names kernel, block, thread, line and instruction. [Driver] puts the
// calls of cuda/driver around it, with streams that run only when something waits for them.
//
//	m := sim.New(sim.Config{Race: true, Init: true})
//	mod, err := m.Load(ptx)
//	k, err := mod.Kernel("adam")
//	err = k.Launch([3]int{4, 1, 1}, [3]int{256, 1, 1}, 0, args)
//
// Arithmetic is IEEE's, to the bit; a NaN is 0x7fffffff, as on the GPU. It cannot show speed, occupancy, what a compiler makes of the
// PTX, or orderings of memory weaker than a race. It counts instead: instructions, bytes, 32-byte sectors (see [Counters]).
//
// Tests, `sluice doctor` and `--device sim` import it.
package sim
