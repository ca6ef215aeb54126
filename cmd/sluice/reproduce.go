package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/run"
)

// This file is sluice reproduce: trainings are done again and compared with what was recorded of them.

type reproduceFlags struct {
	device     deviceFlags
	talk       talkFlags
	set        *pflag.FlagSet
	iterations int
	seeds      string
	out        string
	json       bool
}

func reproduceCommand(table []reproduction) *cobra.Command {
	var f reproduceFlags
	c := &cobra.Command{
		Use:   "reproduce [NAME ...]",
		Short: "Train again what is claimed, and compare it with the record",
		Long: "Repeat trainings that the project claims something of, and check that what\n" +
			"comes out is what was recorded: exit code 3 if it is not. Without a NAME,\n" +
			"list what there is, and about how long it takes one core. Runs go into a new\n" +
			"directory, by default runs/reproduce-NAME; stopped, the same NAME with the\n" +
			"same --out goes on: a run that is finished is judged again and not trained,\n" +
			"and said to be kept.",
		Example: "  sluice reproduce simulator\n  sluice reproduce published-20x4 --seeds 1 --out runs/again",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return names(table), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error { return f.run(c.OutOrStdout(), table, args) },
	}
	f.set = c.Flags()
	f.device.register(f.set)
	f.talk.register(f.set)
	f.set.IntVar(&f.iterations, "iterations", 0, "simulator: 20 for a quick look (default 100)")
	f.set.StringVar(&f.seeds, "seeds", "", "other seeds than those listed, such as 1..5; hashes are recorded of those listed alone")
	f.set.StringVar(&f.out, "out", "", "directory of one NAME's runs; refused where a run in the way has other settings")
	f.set.BoolVar(&f.json, "json", false, "one JSON object a check, a line each; where want is a number, it is the most that got may be")
	return c
}

func names(table []reproduction) (list []string) {
	for _, r := range table {
		list = append(list, r.name)
	}
	return list
}

// run lists the table, or reproduces what args name of it, one after the other. A check that does not hold stops nothing.
func (f *reproduceFlags) run(w io.Writer, table []reproduction, args []string) error {
	var chosen []reproduction
	for _, name := range args {
		i := slices.Index(names(table), name)
		if i < 0 {
			return &usageError{fmt.Errorf("nothing to reproduce is called %q; there are %s", name, strings.Join(names(table), ", "))}
		}
		if err := f.fits(table[i]); err != nil {
			return err
		}
		chosen = append(chosen, table[i])
	}
	if f.out != "" && len(args) > 1 {
		return &usageError{fmt.Errorf("--out is of one NAME, got %d", len(args))}
	}
	if len(args) == 0 {
		for _, name := range []string{"iterations", "seeds", "out", "device", "workers"} {
			if f.set.Changed(name) {
				return &usageError{fmt.Errorf("--%s: of which NAME? There are %s", name, strings.Join(names(table), ", "))}
			}
		}
		return f.list(w, table)
	}
	watch, err := f.talk.watcher()
	if err != nil {
		return err
	}
	ctx, cancel := interruptible()
	defer cancel()
	all, held := 0, 0
	kept := 0
	for i, r := range chosen {
		said := f.json
		err := f.reproduce(ctx, r, watch, func(c check) error {
			if !said {
				said = true
				fmt.Fprintln(w, r.name)
			}
			all++
			if c.Held {
				held++
			}
			if !c.Trained {
				kept++
			}
			return f.print(w, c)
		})
		if errors.Is(err, run.ErrInterrupted) && i+1 < len(chosen) {
			err = fmt.Errorf("%w; then: %s", err, strings.Join(names(chosen[i+1:]), ", "))
		}
		if err != nil {
			return err
		}
	}
	if held < all {
		return &checkError{fmt.Errorf("%d of %d checks failed", all-held, all)}
	}
	if !f.json {
		fmt.Fprintf(w, "%d of %d checks came out as recorded\n", held, all)
		if kept > 0 {
			fmt.Fprintf(w, "%d of them of runs that were finished before, and kept\n", kept)
		}
	}
	return nil
}

// fits refuses flags that r has no use for.
func (f *reproduceFlags) fits(r reproduction) error {
	if f.set.Changed("iterations") && !slices.Contains(r.lengths, f.iterations) {
		if r.lengths == nil {
			return &usageError{fmt.Errorf("--iterations: %s has the number of its run file", r.name)}
		}
		return &usageError{fmt.Errorf("--iterations: must be %s, of which the results are recorded, is %d",
			strings.Trim(strings.ReplaceAll(fmt.Sprint(r.lengths), " ", " or "), "[]"), f.iterations)}
	}
	seeds, err := f.seedsOf(r)
	if err != nil {
		return err
	}
	for _, t := range r.trainings(r.usual()) {
		if t.device != "" && f.set.Changed("device") {
			return &usageError{fmt.Errorf("--device: %s runs on the CPU and on the simulator, whatever is asked", r.name)}
		}
		for _, seed := range seeds {
			if !t.recorded(seed) {
				return &usageError{fmt.Errorf("--seeds: nothing is recorded of %s with seed %d", r.name, seed)}
			}
		}
	}
	return nil
}

func (f *reproduceFlags) seedsOf(r reproduction) ([]uint64, error) {
	if f.set.Changed("seeds") {
		return run.ParseSeeds(f.seeds)
	}
	return run.ParseSeeds(r.seeds)
}

// reproduce does the trainings of r and hands over each check as soon as there is one.
func (f *reproduceFlags) reproduce(ctx context.Context, r reproduction, watch run.Watcher, see func(check) error) error {
	iterations := r.usual()
	if f.iterations > 0 {
		iterations = f.iterations
	}
	seeds, err := f.seedsOf(r)
	if err != nil {
		return err
	}
	path := f.out
	for _, t := range r.trainings(iterations) {
		err := f.train(ctx, r, t, seeds, &path, watch, see)
		if errors.Is(err, run.ErrInterrupted) {
			return fmt.Errorf("%s: %w; to go on: sluice reproduce %s --out %s, with the same flags; what is finished is kept", r.name, err, r.name, path)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return nil
}

// train is one training at all seeds, below path, which is made when a device is there to use it.
func (f *reproduceFlags) train(ctx context.Context, r reproduction, t training, seeds []uint64, path *string, watch run.Watcher, see func(check) error) error {
	config, name, err := run.Load(t.preset, t.set)
	if err != nil {
		return err
	}
	if err := f.device.apply(&config); err != nil {
		return err
	}
	if t.device != "" {
		config.Device.Kind = t.device
	}
	device, err := f.device.open(config.Device)
	if err != nil {
		return err
	}
	defer device.Close()
	if *path == "" {
		if *path, err = run.Reserve(filepath.Join("runs", "reproduce-"+r.name)); err != nil {
			return err
		}
	}
	begin := f.talk.begin(name, device, watch, &f.device)
	for _, seed := range seeds {
		start, trained := time.Now(), true
		s, err := run.RunSeeds(ctx, filepath.Join(*path, t.label), config, []uint64{seed}, func(l *run.Loop) {
			trained = !l.Finished()
			begin(l)
		})
		var checks []check
		if _, diverged := errors.AsType[*gfn.DivergedError](err); diverged {
			fmt.Fprintln(os.Stderr, "sluice:", err)
			checks = []check{{What: "training", Got: "diverged", Want: "finite"}}
		} else if err != nil {
			return err
		} else {
			checks = t.judge(s.Runs[0])
		}
		for _, c := range checks {
			c.Name, c.Training, c.Seed, c.Device, c.Trained, c.Seconds = r.name, t.label, seed, device.Name(), trained, time.Since(start).Seconds()
			if err := see(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// print is a check as a line, or two where it does not hold.
func (f *reproduceFlags) print(w io.Writer, c check) error {
	if f.json {
		return json.NewEncoder(w).Encode(c)
	}
	short := func(v any) string {
		switch v := v.(type) {
		case string:
			return fmt.Sprintf("%.12s", v)
		case float64:
			return fmt.Sprintf("%.6f", v)
		}
		return "unknown"
	}
	of := fmt.Sprintf("seed %d", c.Seed)
	if c.Training != "" {
		of = c.Training + ", " + of
	}
	word, wanted := "ok", ""
	if !c.Held {
		word, wanted = "NO", fmt.Sprintf("      %12s  is what is recorded\n", short(c.Want))
		if _, isBound := c.Want.(float64); isBound {
			wanted = fmt.Sprintf("      %12s  is the most it may be\n", short(c.Want))
		}
	}
	took := fmt.Sprintf("%6.1f s", c.Seconds)
	if !c.Trained {
		took = "    kept"
	}
	_, err := fmt.Fprintf(w, "  %s  %12s  %-31s  %-15s  %s\n%s", word, short(c.Got), of, c.What, took, wanted)
	return err
}

// list is what there is.
func (f *reproduceFlags) list(w io.Writer, table []reproduction) error {
	type entry struct {
		Name     string   `json:"name"`
		Minutes  int      `json:"about_minutes"`
		What     string   `json:"what"`
		Seeds    string   `json:"seeds"`
		ComesOut []string `json:"comes_out"`
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if !f.json {
		fmt.Fprintln(t, "name\tabout\twhat is trained, and what must come out of it")
	}
	for _, r := range table {
		if f.json {
			if err := enc.Encode(entry{r.name, r.minutes, strings.ReplaceAll(r.what, "\n", " "), r.seeds, r.comesOut()}); err != nil {
				return err
			}
			continue
		}
		seeds := ", seed " + r.seeds
		if strings.ContainsAny(r.seeds, ".,") {
			seeds = ", seeds " + r.seeds
		}
		lines := append(strings.Split(r.what+seeds, "\n"), r.comesOut()...)
		fmt.Fprintf(t, "%s\t%d min\t%s\n\t\t%s\n", r.name, r.minutes, lines[0], strings.Join(lines[1:], "\n\t\t"))
	}
	return t.Flush()
}
