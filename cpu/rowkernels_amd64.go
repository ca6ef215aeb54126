//go:build !noasm

package cpu

// rowTable holds the kernels of each tier that has any. It is a variable so that a test can put emulated ones in.
var rowTable = [tierCount]*rowKernels{
	tierAVX2: {
		lanes:  8,
		gather: gather256_64, gatherOne: gather256_8,
		scatter: scatter256_64, scatterOne: scatter256_8,
		columnSums: columnSums256_64, columnSumsOne: columnSums256_8,
		logProb: logProb256, logProbBack: logProbBack256, draw: draw256,
		adam: adam256, sgd: sgd256, squares: squares256, add: add256,
	},
	tierAVX512: {
		lanes:  16,
		gather: gather512_64, gatherOne: gather512_16,
		scatter: scatter512_64, scatterOne: scatter512_16,
		columnSums: columnSums512_64, columnSumsOne: columnSums512_16,
		logProb: logProb512, logProbBack: logProbBack512, draw: draw512,
		adam: adam512, sgd: sgd512, squares: squares512, add: add512,
	},
}
