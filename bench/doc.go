// Package bench is the workloads Sluice is measured on: the trajectory-balance loss path on given trajectories, the full iteration, and
// the share of the machine's fused multiply-add peak they reach.
//
// It is not a benchmark framework: Go's testing package and benchstat are that.
//
//	go test -run xxx -bench Loss ./bench
//
// Imported by its own tests. Results with their commands are in bench/README.md.
package bench
