package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sluice-ml/sluice/run"
)

// This file is sluice train.

type trainFlags struct {
	device deviceFlags
	talk   talkFlags
	set    []string
	seed   uint64
	seeds  string
	out    string
	json   bool
}

func trainCommand() *cobra.Command {
	var f trainFlags
	c := &cobra.Command{
		Use:   "train PRESET|FILE",
		Short: "Train a run from a preset or a TOML file",
		Long: "Train a run from a preset (see sluice presets) or a TOML file. Everything\n" +
			"goes into a new directory, by default runs/NAME-SEED. At the end a table of\n" +
			"metrics is printed and pictures are drawn into the directory. With --seeds,\n" +
			"the same command with the same --out goes on with a sweep that was stopped.",
		Example: "  sluice train hypergrid-8x8\n  sluice train hypergrid-8x8 --set train.batch=64 --set balance.kind=db \\\n      --seeds 1..5",
		Args:    one("PRESET or FILE"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, p := range run.Presets() {
				names = append(names, p.Name+"\t"+p.Summary)
			}
			return names, cobra.ShellCompDirectiveDefault
		},
		RunE: func(c *cobra.Command, args []string) error { return f.train(c, args[0]) },
	}
	fl := c.Flags()
	f.device.register(fl)
	f.talk.register(fl)
	fl.StringArrayVar(&f.set, "set", nil, "key=value over the file, such as train.batch=64; may be repeated")
	fl.Uint64Var(&f.seed, "seed", 0, "of every draw and every initial parameter (default: the file's, else 1)")
	fl.StringVar(&f.seeds, "seeds", "", "several runs, such as 1..5 or 1,2,7; prints mean and spread")
	fl.StringVar(&f.out, "out", "", "run directory; must be new or empty, or hold the same --seeds to go on with (default: runs/NAME-SEED)")
	fl.BoolVar(&f.json, "json", false, "print the result as JSON")
	return c
}

func (f *trainFlags) train(c *cobra.Command, preset string) error {
	if c.Flags().Changed("seed") && c.Flags().Changed("seeds") {
		return &usageError{errors.New("--seed and --seeds exclude each other")}
	}
	config, name, err := run.Load(preset, f.set)
	if err != nil {
		return err
	}
	if c.Flags().Changed("seed") {
		config.Seed = f.seed
	}
	if err := f.device.apply(&config); err != nil {
		return err
	}
	watch, err := f.talk.watcher()
	if err != nil {
		return err
	}
	device, err := f.device.open(config.Device)
	if err != nil {
		return err
	}
	defer device.Close()
	ctx, cancel := interruptible()
	defer cancel()
	begin := f.talk.begin(name, device, watch, &f.device)
	if c.Flags().Changed("seeds") {
		return f.sweep(ctx, c.OutOrStdout(), config, name, begin)
	}
	dir, err := f.create(config, name)
	if err != nil {
		return err
	}
	defer dir.Close()
	l := &run.Loop{Dir: dir, Config: config}
	begin(l)
	return finish(ctx, c.OutOrStdout(), l, &f.talk, f.json)
}

// create is the run directory: exactly the one asked for, or else the next free one of this name.
func (f *trainFlags) create(c run.Config, name string) (*run.Dir, error) {
	if f.out != "" {
		return run.Create(f.out, c)
	}
	return run.CreateNext(filepath.Join("runs", fmt.Sprintf("%s-%d", name, c.Seed)), c)
}

func (f *trainFlags) sweep(ctx context.Context, w io.Writer, c run.Config, name string, begin func(*run.Loop)) error {
	seeds, err := run.ParseSeeds(f.seeds)
	if err != nil {
		return err
	}
	path := f.out
	if path == "" {
		if path, err = run.Reserve(filepath.Join("runs", name+"-seeds")); err != nil {
			return err
		}
	}
	s, err := run.RunSeeds(ctx, path, c, seeds, begin)
	if errors.Is(err, run.ErrInterrupted) {
		again := "the same command"
		if f.out == "" { // it would begin a new sweep beside this one
			again += " with --out " + path
		}
		return fmt.Errorf("%w; to go on: %s; seeds that are finished are kept", err, again)
	}
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(w, s)
	}
	_, err = io.WriteString(w, s.Table())
	return err
}

// finish runs a loop to its end and prints its judgement; an interrupted one says how to go on.
func finish(ctx context.Context, w io.Writer, l *run.Loop, talk *talkFlags, asJSON bool) error {
	e, err := l.Run(ctx)
	if errors.Is(err, run.ErrInterrupted) {
		return fmt.Errorf("%w; to go on: sluice resume %s", err, l.Dir.Path)
	}
	if err != nil {
		return err
	}
	if asJSON {
		err = printJSON(w, e)
	} else {
		_, err = io.WriteString(w, e.Table())
	}
	for _, picture := range l.Dir.Pictures() {
		talk.say("sluice: picture %s", picture)
	}
	return err
}
