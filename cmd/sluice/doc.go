// Command sluice trains generative flow networks and judges them.
//
//	sluice train hypergrid-8x8                   # a preset, or a run file
//	sluice train grid.toml --set train.batch=64 --seeds 1..5
//	sluice resume runs/hypergrid-8x8-1           # after a kill, to the same bits
//	sluice eval runs/hypergrid-8x8-1 --json      # exact metrics of the newest checkpoint
//	sluice sample runs/hypergrid-8x8-1 -n 100 -o draws.jsonl --json
//	sluice plan hypergrid-8x8                    # what an iteration executes
//	sluice bench loss --rows 8192                # how fast this machine trains
//	sluice doctor                                # whether its devices compute the defined bits
//	sluice reproduce simulator                   # what is too long for the tests: does it come out as recorded?
//	sluice presets; sluice version; sluice completion bash
//
// Data goes to stdout, talk to stderr. Ctrl-C once saves a checkpoint and exits with 130, twice stops at once. Exit codes: 0 done,
// 1 failed, 2 usage or config, 3 a check did not hold, 130 interrupted.
//
// The work is elsewhere: a command opens a device, hands it to package run (bench to package bench, doctor to packages cuda and gfn) and
// prints what comes back. Nothing imports it.
package main
