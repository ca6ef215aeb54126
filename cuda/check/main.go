package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
)

// options are the flags.
type options struct {
	root            string // of the module
	cache           string
	update, verbose bool
	print           map[string]*bool // by table
	rewrite         bool
	coverage        string // a profile
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("check: ")
	if err := command(os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// command is the program with its arguments; it writes what was asked for, or found, to w.
func command(args []string, w io.Writer) error {
	o := options{print: map[string]*bool{}}
	cache, _ := os.UserCacheDir()
	flags := flag.NewFlagSet("check", flag.ExitOnError)
	flags.StringVar(&o.root, "root", ".", "folder of the module")
	flags.StringVar(&o.cache, "cache", filepath.Join(cache, "sluice"), "folder for the assemblers")
	flags.BoolVar(&o.update, "update", false, "write the table of registers")
	for name := range o.tables() {
		o.print[name] = flags.Bool(name, false, "print this table of docs/cuda.md and do no more")
	}
	flags.BoolVar(&o.rewrite, "page", false, "write the tables into docs/cuda.md and do no more")
	flags.StringVar(&o.coverage, "coverage", "", "judge this coverage profile and do no more")
	flags.BoolVar(&o.verbose, "v", false, "print the inner loops of the tiled products")
	_ = flags.Parse(args) // it exits
	return o.run(w)
}

func (o *options) registersFile() string {
	return filepath.Join(o.root, "cuda/check/testdata/registers.txt")
}

func (o *options) ptxFile() string { return filepath.Join(o.root, "cuda/kernel/kernels.ptx") }

func (o *options) run(w io.Writer) error {
	if o.coverage != "" {
		return o.judgeCoverage(w)
	}
	if o.rewrite {
		return o.writePage()
	}
	for name, write := range o.tables() {
		if *o.print[name] {
			return write(w)
		}
	}
	t, err := findTools(o.cache, true)
	if errors.Is(err, errNoTools) {
		log.Printf("nothing was checked: %v", err)
		return nil
	}
	if err != nil {
		return err
	}
	return o.check(t, w)
}

func (o *options) committed() (*table, error) {
	text, err := os.ReadFile(o.registersFile())
	if err != nil {
		return nil, err
	}
	t, err := readTable(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.registersFile(), err)
	}
	return t, nil
}

// check is the whole of it.
func (o *options) check(t tools, w io.Writer) error {
	ptx, err := os.ReadFile(o.ptxFile())
	if err != nil {
		return err
	}
	found := judgeText(string(ptx))
	results, err := t.examineAll(o.ptxFile())
	if err != nil {
		return err
	}
	for i := range results {
		found = append(found, results[i].judge()...)
		if o.verbose {
			results[i].describe(w)
		}
	}
	now, err := tabulate(results)
	if err != nil {
		return err
	}
	if o.update {
		var text bytes.Buffer
		if err := errors.Join(now.write(&text), os.WriteFile(o.registersFile(), text.Bytes(), 0o644)); err != nil {
			return err
		}
	} else {
		committed, err := o.committed()
		if err != nil {
			return err
		}
		found = append(found, now.differences(committed)...)
	}
	for _, f := range found {
		fmt.Fprintln(w, f)
	}
	if len(found) > 0 {
		return fmt.Errorf("%d findings", len(found))
	}
	fmt.Fprintf(w, "%d kernels for %d targets: no spill, no local memory, no contraction, registers as in the table, loops as they should be\n",
		len(now.kernels), len(results))
	return nil
}

// examineAll assembles for every target, one processor each.
func (t tools) examineAll(ptx string) ([]result, error) {
	dir, err := os.MkdirTemp("", "sluice-check-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	results := make([]result, len(targets))
	errs := make([]error, len(targets))
	var wg sync.WaitGroup
	turns := make(chan struct{}, runtime.NumCPU())
	for i, to := range targets {
		wg.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			results[i], errs[i] = t.examine(to, ptx, dir)
		})
	}
	wg.Wait()
	return results, errors.Join(errs...)
}

// describe prints the inner loops.
func (r *result) describe(w io.Writer) {
	for i := range r.code {
		if f := &r.code[i]; tiled.MatchString(f.name) {
			loop := f.loop()
			ahead := loadsAhead(loop)
			slices.Sort(ahead)
			fmt.Fprintf(w, "%v %s: %d instructions, %.1f %% multiply-adds, loads ahead of use by %v\n", r.target, f.name, len(loop), 100*share(loop), ahead)
		}
	}
}
