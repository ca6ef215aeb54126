// Package bench is the workloads Sluice is measured on: the trajectory-balance loss path on given trajectories, the full iteration from
// a fresh, an early and a converged policy, drawing alone, and bare matrix products; how they are timed; and what share of the machine's
// fused multiply-add peak they must reach.
//
//	list, err := bench.List(bench.Loss, bench.Sizes{Rows: []int{1232}}, m.Cores) // m, a bench.Machine, opens devices and measures the peak
//	lines, err := m.Measure(ctx, list, bench.Options{})
//	err = bench.WriteTable(os.Stdout, lines)
//
// It is not a benchmark framework: Go's testing package and benchstat are that, and the package's benchmarks run the same list. It knows
// no device; a Machine hands one in. Timings beside other libraries are made by the scripts in bench/peers, which nothing needs.
//
// Imported by cmd/sluice, whose subcommand bench it is. Results with their commands are in bench/README.md and docs/performance.md.
package bench
