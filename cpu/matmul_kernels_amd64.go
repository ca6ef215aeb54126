//go:build !noasm

// This file is the table of the matrix product's kernels, and their arguments.

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
	aheadBy    int     // how far ahead moves in unrolled k steps under tileSteps and tileRows, in one step otherwise
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
	tilePlace // with tileSteps: ahead is a row of B, and each row is to be prefetched
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
}

type cutKernel func(dst *float32, panelStride, width int, src *float32, srcStride, rows, panels int, lanes *int32)

// matmulKernels holds the kernels of each tier that has any. It is a variable so that a test can put emulated ones in.
var matmulKernels = [tierCount]*kernels{
	tierAVX2: {
		lanes:  8,
		padded: true,
		rows:   [...]int{1: 12, 2: 6},
		tile: [...][mostVectors + 1]func(*byte){
			1: {1: tile256_1x8, 2: tile256_1x16}, 2: {1: tile256_2x8, 2: tile256_2x16},
			3: {1: tile256_3x8, 2: tile256_3x16}, 4: {1: tile256_4x8, 2: tile256_4x16},
			5: {1: tile256_5x8, 2: tile256_5x16}, 6: {1: tile256_6x8, 2: tile256_6x16},
			7: {1: tile256_7x8}, 8: {1: tile256_8x8}, 9: {1: tile256_9x8},
			10: {1: tile256_10x8}, 11: {1: tile256_11x8}, 12: {1: tile256_12x8},
		},
		cut:       [...]cutKernel{1: cut256_8, 2: cut256_16},
		transpose: transpose8,
		peak:      fmaPeak256,
	},
	tierAVX512: {
		lanes: 16,
		rows:  [...]int{1: 8, 2: 8},
		tile: [...][mostVectors + 1]func(*byte){
			1: {1: tile512_1x16, 2: tile512_1x32}, 2: {1: tile512_2x16, 2: tile512_2x32},
			3: {1: tile512_3x16, 2: tile512_3x32}, 4: {1: tile512_4x16, 2: tile512_4x32},
			5: {1: tile512_5x16, 2: tile512_5x32}, 6: {1: tile512_6x16, 2: tile512_6x32},
			7: {1: tile512_7x16, 2: tile512_7x32}, 8: {1: tile512_8x16, 2: tile512_8x32},
			mostRows: {},
		},
		cut:       [...]cutKernel{1: cut512_16, 2: cut512_32},
		transpose: transpose16,
		peak:      fmaPeak512,
	},
}

// at is the address of x[i], also where i == len(x) and nothing is read.
func at(x []float32, i int) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(x)), 4*i))
}

// peakKernel is the tier's loop of multiply-adds and the operations of one turn: twelve vectors, two operations a lane.
func peakKernel(t tier) (kernel func(n int), flops float64) {
	ks := matmulKernels[t]
	return ks.peak, float64(12 * ks.lanes * 2)
}
