//go:build !noasm

// This file is the table of the matrix product's kernels on x86-64.

package cpu

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
		chains:    12,
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
		chains:    12,
	},
}
