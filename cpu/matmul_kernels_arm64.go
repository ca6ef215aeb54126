//go:build !noasm

// This file is the table of the matrix product's kernels on arm64.

package cpu

// matmulKernels holds the kernels of each tier that has any. It is a variable so that a test can put others in.
var matmulKernels = [tierCount]*kernels{
	tierNEON: {
		lanes:  4,
		padded: true,
		rows:   [...]int{1: 12, 2: 12},
		tile: [...][mostVectors + 1]func(*byte){
			1: {1: tileNEON_1x4, 2: tileNEON_1x8}, 2: {1: tileNEON_2x4, 2: tileNEON_2x8},
			3: {1: tileNEON_3x4, 2: tileNEON_3x8}, 4: {1: tileNEON_4x4, 2: tileNEON_4x8},
			5: {1: tileNEON_5x4, 2: tileNEON_5x8}, 6: {1: tileNEON_6x4, 2: tileNEON_6x8},
			7: {1: tileNEON_7x4, 2: tileNEON_7x8}, 8: {1: tileNEON_8x4, 2: tileNEON_8x8},
			9: {1: tileNEON_9x4, 2: tileNEON_9x8}, 10: {1: tileNEON_10x4, 2: tileNEON_10x8},
			11: {1: tileNEON_11x4, 2: tileNEON_11x8}, 12: {1: tileNEON_12x4, 2: tileNEON_12x8},
		},
		cut:       [...]cutKernel{1: cutNEON, 2: cutNEON},
		transpose: transpose4,
		peak:      fmaPeakNEON,
		chains:    24,
	},
}
