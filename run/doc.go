// Package run is a training run as people use it: one strict TOML file in, one directory out, that a kill at any moment leaves
// resumable to the same bits.
//
// A run directory holds
//
//	config.toml      the run file with every default filled in
//	manifest.json    version, commit, seed, device, lanes, arguments, start, and every resume
//	metrics.jsonl    one object a line, keys group/name: see [Line]
//	checkpoints/     step-00001000/{model.safetensors, optim.safetensors, state.json}
//	latest           the name of the newest complete checkpoint, written after it
//	plots/           pictures of the finished run
//
// The package's Example trains and judges a run; [GoOn] takes one up again that was stopped or killed, [RunSeeds] runs one at several seeds.
//
// It is not where training happens: package gfn has the iteration, and a Go user of gfn links no TOML and no plots. A Device is
// handed in, so this package runs wherever its caller can compute. wiring.go is the only place where names become things.
//
// Package cmd/sluice imports it.
package run
