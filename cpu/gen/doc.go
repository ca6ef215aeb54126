// Command gen writes the assembly of package cpu, matmul_amd64.s and others, and the Go declarations of its functions, by avo.
//
// It is a module of its own, so that who builds Sluice never downloads avo; its output is committed and is a function
// of this source alone. It is not part of the program and imports nothing of ours. Package cpu runs it:
//
//	//go:generate go -C gen run . -dir ..
//
// A new family of kernels is one file here with one entry in the table of units.
package main
