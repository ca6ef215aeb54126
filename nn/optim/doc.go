// Package optim describes optimisers as data: rates that change over iterations, Adam and SGD with parameter groups, and the few
// numbers they carry from step to step.
//
// An optimiser here updates nothing. It is lowered to a [graph.Rule], which every device knows, and is asked once an iteration,
// on the host and in float64, for the [graph.Scalars] that rule reads. So rates and bias corrections are the same bits on every
// device, and a resumed run needs no more than a [State] and the moments.
//
//	adam := optim.Adam{Rates: map[string]optim.Schedule{
//		optim.Policy: optim.Steps(1e-3, 8000, 1e-4),
//		optim.LogZ:   optim.Constant(1e-1),
//	}, Clip: 10}
//
// It is not a general optimisation library: the set of rules is closed, since a rule exists only where every device has a kernel
// for it. Values are plain data and safe for concurrent use; a State has one owner.
//
// Package gfn imports it for the iteration, package run to write an optimiser down in a run file.
package optim
