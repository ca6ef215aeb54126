// Package graph turns formulas into Plans: straight lists of instructions that a Device runs.
//
// A Builder makes symbols, each per row (one visited state), per trajectory, or one a batch. They are nodes of a gorgonia.ExprGraph
// whose operations are this package's own, so gorgonia.Grad derives the gradient. Lower then walks loss, gradients and heads,
// fuses what belongs together, decides in which entry each value is computed (Step, Close, Backward) and where it lives:
//
//	builder.go node.go layers.go formula.go   symbols
//	op.go derive.go                           their operations and derivatives
//	value.go contribute.go fuse.go entry.go   lowering: read, place gradients, fuse, choose the entry
//	layout.go emit.go lower.go                lowering: memory, instructions, the whole
//	plan.go params.go update.go device.go     the contract with devices
//	check.go print.go                         what every Plan must satisfy, and how it reads
//	moves.go rewardtable.go                   worlds and rewards as data
//
// It is not an executor: package cpu runs Plans, and this package's operations refuse Gorgonia's own machines. Package
// graph/oracle builds the same formulas from Gorgonia's stock operations, for tests.
//
// A Builder belongs to one goroutine; several may be used at a time. A Plan is never changed after Lower and may be shared.
//
// See the example of Builder. Packages cpu, nn, gfn and gfn/balance import graph; gfn/world imports only its Moves,
// gfn/reward its RewardTable, too.
package graph
