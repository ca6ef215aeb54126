// Command gen writes the assembly of package cpu, matmul_amd64.s and others, and the Go declarations of its functions: for x86-64 by
// avo, for arm64, which avo does not know, by the small emitter in neon.go.
//
// It is a module of its own, so that who builds Sluice never downloads avo; its output is committed and is a function
// of this source alone. It is not part of the program and imports nothing of ours. Package cpu runs it:
//
//	//go:generate go -C gen run . -dir ..
//
// A new family of kernels is one file here, and one beside it for arm64, each with one entry in a table of units.
package main
