package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-ml/sluice/bench"
	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/run"
)

// This file is sluice bench.

// exitCheck is a check that did not hold.
const exitCheck = 3

// benchFlags are what sluice bench takes.
type benchFlags struct {
	sizes    bench.Sizes
	fast     bool
	policies []string
	products []string
	options  bench.Options
	device   string
	json     bool
	markdown bool
	check    string
}

func benchCommand() *cobra.Command {
	var f benchFlags
	c := &cobra.Command{
		Use:   "bench [loss|iteration|rollout|gemm]",
		Short: "Time this machine's training, or check that it is fast enough",
		Long: "Time workloads on the 20^4 hypergrid in interleaved rounds and print the\n" +
			"median of each, how far the rounds lie apart, and the share of the machine's\n" +
			"multiply-add peak. Without a workload, all of them; that takes some minutes.\n" +
			"On a GPU one workload is timed after the other, there is no share of a peak\n" +
			"and no gemm, which is a thread's; on the simulator sizes are small unless\n" +
			"given.",
		Example: "  sluice bench loss --rows 1232,8192 --workers 1,2\n  sluice bench iteration --policy converged --batch 16 --json\n  sluice bench iteration --device cuda\n" +
			"  sluice bench --check        # exit code 3 if a ratio does not hold\n  sluice bench --check=0.7    # 70% of each is enough: for a busy machine",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx, stop := stoppable()
			defer stop()
			return stopped(f.run(ctx, c, args))
		},
	}
	set := c.Flags()
	set.IntSliceVar(&f.sizes.Rows, "rows", nil, "loss: rows, rounded to whole trajectories of 77 (default 256,1232,8192,65536)")
	set.IntSliceVar(&f.sizes.Embeds, "embed", nil, "loss: width of a layer before the hidden ones, which makes their input dense")
	set.IntSliceVar(&f.sizes.Batches, "batch", nil, "iteration, rollout: trajectories (default 16,256,4096)")
	set.IntSliceVar(&f.sizes.Widths, "width", nil, "of both hidden layers (default: loss 128,256,512; others 256)")
	set.IntSliceVar(&f.sizes.Workers, "workers", nil, "goroutines (default one a processor; loss of width 256 on one too)")
	set.StringSliceVar(&f.policies, "policy", nil, "iteration, rollout: fresh, early, converged (default all)")
	set.StringSliceVar(&f.products, "product", nil, "gemm: nn, nt or tn and m x k x n, as in tn/256x1232x256")
	set.IntVar(&f.options.Rounds, "rounds", 7, "interleaved rounds")
	set.DurationVar(&f.options.Least, "least", 100*time.Millisecond, "a round repeats an iteration for this long (--check: 400ms)")
	set.DurationVar(&f.options.Warm, "warm", time.Second, "arithmetic before the first round")
	set.StringVar(&f.device, "device", "cpu", deviceHelp)
	set.BoolVar(&f.fast, "fast", false, "of a GPU: products by cuBLAS in TF32, as device.mode = \"fast\" has them")
	set.BoolVar(&f.json, "json", false, "one JSON object a line; its keys are stable")
	set.BoolVar(&f.markdown, "markdown", false, "tables in Markdown")
	set.StringVar(&f.check, "check", "", "check the ratios that must hold, or this share of them")
	set.Lookup("check").NoOptDefVal = "1"
	return c
}

// run does what the flags say.
func (f *benchFlags) run(ctx context.Context, c *cobra.Command, args []string) error {
	kind, name, err := f.opens()
	if err != nil {
		return err
	}
	m := machineOf(kind, f.fast)
	if f.options.Rounds < 1 {
		return &usageError{fmt.Errorf("--rounds: must be at least 1, is %d", f.options.Rounds)}
	}
	if f.options.Least <= 0 {
		return &usageError{fmt.Errorf("--least: must be above 0, is %v", f.options.Least)}
	}
	if f.fast && kind == "cpu" {
		return &usageError{fmt.Errorf("--fast is a GPU's: --device %s is the CPU", f.device)}
	}
	if f.json && f.markdown {
		return &usageError{errors.New("--json and --markdown exclude each other")}
	}
	if c.Flags().Changed("check") {
		if kind != "cpu" {
			return &usageError{fmt.Errorf("--check is of the CPU, not of --device %s", f.device)}
		}
		return f.runCheck(ctx, c, m, args)
	}
	lists, err := f.workloads(c, m, kind, args)
	if err != nil {
		return &usageError{err}
	}
	for i, list := range lists {
		fmt.Fprintf(os.Stderr, "sluice: %s on %s: %d workloads, rounds: %d\n", list[0].Kind, name, len(list), f.options.Rounds)
		lines, err := f.measure(ctx, m, kind, list)
		if err != nil {
			return err
		}
		if err := f.print(c.OutOrStdout(), lines, i > 0); err != nil {
			return err
		}
		f.options.Warm = 0 // once is enough
	}
	return nil
}

// opens is the device's kind, what auto became, and its name: it is opened once, to say at the beginning what is missing.
func (f *benchFlags) opens() (kind run.DeviceKind, name string, err error) {
	if kind, err = parseDevice(f.device); err != nil {
		return "", "", err
	}
	d, noCard, err := openDevice(kind, f.fast, cpu.Config{Workers: 1})
	switch {
	case err != nil && kind == "cpu":
		return "", "", &usageError{err}
	case err != nil:
		return "", "", &usageError{fmt.Errorf("--device %s: %w", kind, err)}
	}
	defer d.Close()
	if kind == "auto" && noCard != nil {
		kind = "cpu"
	}
	return kind, d.Name() + whyCPU(noCard), nil
}

// measure times a list: on the CPU together, on another device one after the other, as each takes its own memory there and nobody else
// is on it.
func (f *benchFlags) measure(ctx context.Context, m bench.Machine, kind run.DeviceKind, list []bench.Workload) (lines []bench.Line, err error) {
	if kind == "cpu" {
		return m.Measure(ctx, list, f.options)
	}
	for _, w := range list {
		l, err := m.Measure(ctx, []bench.Workload{w}, f.options)
		if err != nil {
			return nil, err
		}
		lines = append(lines, l...)
	}
	return lines, nil
}

// shrink makes the sizes nobody gave those for the simulator, which is there to try a command and to find faults.
func (f *benchFlags) shrink() {
	s := &f.sizes
	if s.Rows == nil {
		s.Rows = []int{bench.LongestRows}
	}
	if s.Batches == nil {
		s.Batches = []int{2}
	}
	if s.Policies == nil {
		s.Policies = []bench.Policy{bench.Fresh}
	}
	if s.Widths == nil && slices.Equal(s.Policies, []bench.Policy{bench.Fresh}) { // the others have theirs
		s.Widths = []int{8}
	}
}

// benchTakes is which sizes the kinds have.
var benchTakes = map[bench.Kind][]string{
	bench.Loss:      {"rows", "embed", "width", "workers"},
	bench.Iteration: {"batch", "policy", "width", "workers"},
	bench.Rollout:   {"batch", "policy", "width", "workers"},
	bench.GEMM:      {"product"},
}

// workloads is the lists to measure, one after the other.
func (f *benchFlags) workloads(c *cobra.Command, m bench.Machine, device run.DeviceKind, args []string) ([][]bench.Workload, error) {
	kinds := bench.Kinds
	if len(args) == 1 {
		kinds = []bench.Kind{bench.Kind(args[0])}
	}
	for _, p := range f.policies {
		f.sizes.Policies = append(f.sizes.Policies, bench.Policy(p))
	}
	for _, text := range f.products {
		p, err := bench.ParseProduct(text)
		if err != nil {
			return nil, err
		}
		f.sizes.Products = append(f.sizes.Products, p)
	}
	if device != "cpu" {
		kinds = slices.DeleteFunc(slices.Clone(kinds), func(k bench.Kind) bool { return k == bench.GEMM })
		switch {
		case len(kinds) == 0:
			return nil, fmt.Errorf("--device %s: gemm is one thread's product on the CPU; a GPU's products are most of loss", f.device)
		case c.Flags().Changed("workers"):
			return nil, fmt.Errorf("--device %s: it has no --workers", f.device)
		}
	}
	if device == "sim" {
		f.shrink()
	}
	var lists [][]bench.Workload
	for _, k := range kinds {
		list, err := bench.List(k, f.sizes, m.Cores)
		if err != nil {
			return nil, err
		}
		lists = append(lists, list)
	}
	if len(args) == 0 {
		return lists, nil
	}
	for _, name := range []string{"rows", "embed", "batch", "policy", "width", "workers", "product"} {
		if c.Flags().Changed(name) && !slices.Contains(benchTakes[kinds[0]], name) {
			return nil, fmt.Errorf("--%s: the workload %s has none", name, kinds[0])
		}
	}
	return lists, nil
}

func (f *benchFlags) print(w io.Writer, lines []bench.Line, more bool) error {
	if f.json {
		enc := json.NewEncoder(w)
		for _, l := range lines {
			if err := enc.Encode(l); err != nil {
				return err
			}
		}
		return nil
	}
	if more {
		fmt.Fprintln(w)
	}
	if f.markdown {
		return bench.WriteMarkdown(w, lines)
	}
	return bench.WriteTable(w, lines)
}

// checkLeast is how long a round of --check repeats an iteration. Gates go by the fastest one, so longer rounds find it more often where
// neighbours come and go.
const checkLeast = 400 * time.Millisecond

// runCheck is sluice bench --check.
func (f *benchFlags) runCheck(ctx context.Context, c *cobra.Command, m bench.Machine, args []string) error {
	share, err := strconv.ParseFloat(f.check, 64)
	if err != nil || !(share > 0 && share <= 1) {
		return &usageError{fmt.Errorf("--check: must be a share above 0 and at most 1, is %q", f.check)}
	}
	if len(args) > 0 {
		return &usageError{fmt.Errorf("--check measures workloads of its own, not %s; a share is given as --check=0.7", args[0])}
	}
	for _, name := range []string{"rows", "embed", "batch", "policy", "width", "workers", "product", "markdown"} {
		if c.Flags().Changed(name) {
			return &usageError{fmt.Errorf("--check and --%s exclude each other", name)}
		}
	}
	if !c.Flags().Changed("least") {
		f.options.Least = checkLeast
	}
	fmt.Fprintf(os.Stderr, "sluice: checking the speed, rounds: %d\n", f.options.Rounds)
	verdicts, err := m.Check(ctx, share, f.options)
	if err != nil {
		return err
	}
	if f.json {
		enc := json.NewEncoder(c.OutOrStdout())
		for _, v := range verdicts {
			if err := enc.Encode(v); err != nil {
				return err
			}
		}
	} else if err := bench.WriteVerdicts(c.OutOrStdout(), verdicts); err != nil {
		return err
	}
	return bench.Failed(verdicts)
}

// stoppable is a context that the first Ctrl-C (or SIGTERM) ends; the second ends the process.
func stoppable() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(exitInterrupted)
	}()
	return ctx, func() { signal.Stop(signals); cancel() }
}

// stopped makes an ended context the error of an interrupted command.
func stopped(err error) error {
	if errors.Is(err, context.Canceled) {
		return interrupted{}
	}
	return err
}

// interrupted is a measurement that was asked to stop: to the exit codes the same as a run.
type interrupted struct{}

func (interrupted) Error() string { return "bench: interrupted" }

func (interrupted) Is(target error) bool { return target == run.ErrInterrupted }
