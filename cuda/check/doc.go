// Command check puts the kernels' PTX through NVIDIA's assembler and reads what comes out: what can be known of the GPU path without a GPU.
//
//	go run ./cuda/check             # assemble, disassemble, compare; about two minutes
//	go run ./cuda/check -update     # the same, and write testdata/registers.txt
//	go run ./cuda/check -estimate   # how long an iteration should take on a large card, from committed counters (-registers, -costs: the others)
//	go run ./cuda/check -page       # write these tables into docs/cuda.md
//	go run ./cuda/check -coverage F # how much of cuda/ the tests run, by a profile of go test; fails below 95 %
//
// The first call fetches the assemblers (CUDA 12.9's and 13.5's ptxas and nvdisasm, 93 MB) with pip into the user's cache folder and
// from then on nothing. Where they cannot be had (no pip, no network, not Linux on x86-64) it says so and ends with 0. It ends with 1
// if a kernel spills or uses local memory, is assembled to other arithmetic when contraction is allowed, uses another number of
// registers than the table says, or if the inner loop of a tiled product waits for its loads or is less than 88 % multiply-adds.
//
// It says nothing about speed: the estimate is arithmetic, and a GPU may disagree. It is not for users of the library; the project's CI
// runs it, nothing imports it.
package main
