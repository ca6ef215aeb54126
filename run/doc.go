// Package run is a training run as people use it: one strict TOML file in, one directory out, that a kill at any moment leaves
// resumable to the same bits.
//
// A run directory holds
//
//	config.toml      the run file with every default filled in
//	manifest.json    version, commit, seed, device, lanes, arguments, start, and every resume
//	metrics.jsonl    one object a line, tags group/name (see Metrics)
//	checkpoints/     step-00001000/{model.safetensors, optim.safetensors, state.json}
//	latest           the name of the newest complete checkpoint, written after it
//	plots/           pictures of the finished run
//
// Train, resume and judge a run:
//
//	config, name, err := run.Load("hypergrid-8x8", []string{"train.batch=64"})
//	dir, err := run.Create("runs/"+name, config)
//	defer dir.Close()
//	loop := run.Loop{Dir: dir, Config: config, Device: device, Progress: run.NewProgress(os.Stderr, run.Style{})}
//	report, err := loop.Run(ctx)
//	fmt.Print(report.Table())
//
// It is not where training happens: package gfn has the iteration, and a Go user of gfn links no TOML and no plots. A Device is
// handed in, so this package runs wherever its caller can compute. wiring.go is the only switch on names.
//
// Package cmd/sluice imports it.
package run
