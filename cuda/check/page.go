package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// This file keeps docs/cuda.md at what the commands print.

// tables are the parts of the page that a flag prints.
func (o *options) tables() map[string]func(io.Writer) error {
	return map[string]func(io.Writer) error{"registers": o.writeRegisters, "costs": o.writeCosts, "estimate": o.estimate}
}

func (o *options) writeRegisters(w io.Writer) error {
	t, err := o.committed()
	if err != nil {
		return err
	}
	return t.markdown(w)
}

// writeCosts is the counters of a row, or element, of each kernel.
func (o *options) writeCosts(w io.Writer) error {
	_, err := fmt.Fprint(w, "| kernel | shape | rows | lane instructions a row | sectors a row | over the fewest | shared turns over the fewest |\n|---|---|---|---|---|---|---|\n")
	return errors.Join(err, fields(filepath.Join(o.root, "cuda/kernel/testdata/costs.txt"), 2, func(f []string, n []float64) {
		turns := "-"
		if n[11] > 0 {
			turns = fmt.Sprintf("%.2f", n[10]/n[11])
		}
		fmt.Fprintf(w, "| %s | %s | %.0f | %.4g | %.3g | %.2f | %s |\n", f[0], f[1], n[0], n[4]/n[0], n[8]/n[0], n[8]/n[9], turns)
	}))
}

func (o *options) pageFile() string { return filepath.Join(o.root, "docs/cuda.md") }

// page is the page with its tables written anew.
func (o *options) page() (string, error) {
	raw, err := os.ReadFile(o.pageFile())
	if err != nil {
		return "", err
	}
	text := string(raw)
	for name, write := range o.tables() {
		begin, end := "<!-- begin: go run ./cuda/check -"+name+" -->\n", "<!-- end -->"
		before, rest, found := strings.Cut(text, begin)
		_, after, closed := strings.Cut(rest, end)
		if !found || !closed {
			return "", fmt.Errorf("%s: no place for the table of -%s", o.pageFile(), name)
		}
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return "", err
		}
		text = before + begin + "\n" + strings.TrimSpace(b.String()) + "\n\n" + end + after
	}
	return text, nil
}

func (o *options) writePage() error {
	text, err := o.page()
	if err != nil {
		return err
	}
	return os.WriteFile(o.pageFile(), []byte(text), 0o644)
}
