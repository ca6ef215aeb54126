// Package gfn trains and runs GFlowNets: a [Job] says what is built (a world), how good it is (a reward), by which loss (a balance)
// and with which network; [Train] gives a [Policy] that builds x with probability proportional to R(x), [New] a [Trainer] that does the
// same an iteration at a time and can be stopped and resumed to the same bits.
//
// It is not a command and knows no files but parameters: package run adds presets, run directories and progress. It does not choose a
// device: one is handed in, from package cpu or another.
//
// The Example trains a world of one's own. Imported by package run, gfn/gfntest and by users.
package gfn
