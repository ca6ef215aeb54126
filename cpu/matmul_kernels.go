//go:build (amd64 || arm64) && !noasm

// This file is what the matrix product's kernels are, and their arguments; the tables stand beside their instruction sets.

package cpu

import "unsafe"

//go:generate go -C gen run . -dir ..

// tileArgs is what a tile kernel reads; gen/matmul.go has the same layout. Strides are in bytes.
type tileArgs struct {
	a, b, c    *float32
	bias, gate *float32 // nil for none
	lanes      *int32   // of laneWindow: which columns exist
	k          int
	rowA       int // from a[i][p] to a[i+1][p]
	stepA      int // from a[i][p] to a[i][p+1]
	rowB       int
	rowC       int
	rowGate    int
	flags      int
	ahead      uintptr // what to prefetch (see aheadBy); it runs past the end of a slice, so it is no pointer
	aheadBy    int     // how far ahead moves: in unrolled k steps under tileSteps or tilePlace, in one step otherwise
	panels     int     // panels of B to pass; the kernel counts it down to 0
	stepB      int     // from panel to panel
	aheadOn    int
	now        [5]uintptr // the kernel's own: where it is in b, c, bias, gate, ahead
}

const (
	tileAcc = 1 << iota // go on from C
	tileReLU
	tileWhole // all lanes are on
	tileSteps // stepA is 4
	tileRows  // rowA is 4
	tilePlace // with tileSteps or tileRows: ahead is a row of B, and each row is to be prefetched
)

const (
	mostRows    = 12 // of any tile
	mostVectors = 2
)

// kernels is one instruction set's set of functions.
type kernels struct {
	lanes  int                  // floats in a vector
	padded bool                 // B must be padded to full vectors
	rows   [mostVectors + 1]int // most rows of a tile, by its vectors
	// tile by rows and vectors; p is a *tileArgs.
	tile [mostRows + 1][mostVectors + 1]func(p *byte)
	cut  [mostVectors + 1]cutKernel // by vectors
	// transpose takes blocks of lanes x lanes.
	transpose func(dst *float32, dstStride int, src *float32, srcStride, blocks int)
	peak      func(n int)
	chains    int // multiply-adds of vectors in one turn of peak
}

type cutKernel func(dst *float32, panelStride, width int, src *float32, srcStride, rows, panels int, lanes *int32)

// at is the address of x[i], also where i == len(x) and nothing is read.
func at(x []float32, i int) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(x)), 4*i))
}

// peakKernel is the tier's loop of multiply-adds and the operations of one turn, two for a lane.
func peakKernel(t tier) (kernel func(n int), flops float64) {
	ks := matmulKernels[t]
	return ks.peak, float64(ks.chains * ks.lanes * 2)
}
