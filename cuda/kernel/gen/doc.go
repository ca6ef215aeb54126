// Command gen compiles the kernels of package cuda/kernel to PTX.
//
// It runs clang-19, which needs no toolkit for this, and writes kernels.ptx: two lines that say from what sources and by which compiler,
// then clang's output. The text is the same from any folder and on any machine with that compiler, so a test compares bytes. Users need
// no compiler; nobody imports it.
//
//	go generate ./cuda/kernel
package main
