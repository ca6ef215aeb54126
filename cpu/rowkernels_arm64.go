//go:build !noasm

package cpu

// rowTable holds the kernels of each tier that has any. It is a variable so that a test can put others in.
var rowTable = [tierCount]*rowKernels{
	tierNEON: {
		lanes:  4,
		gather: gatherNEON_64, gatherOne: gatherNEON_4,
		scatter: scatterNEON_64, scatterOne: scatterNEON_4,
		columnSums: columnSumsNEON_64, columnSumsOne: columnSumsNEON_4,
		logProb: logProbNEON, logProbBack: logProbBackNEON, draw: drawNEON,
		adam: adamNEON, sgd: sgdNEON, squares: squaresNEON, add: addNEON,
	},
}
