// This file writes every unit: one assembly file and one file of Go declarations.

package main

import (
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

// units are the families of kernels; NAME becomes NAME_amd64.s and NAME_stubs_amd64.go.
var units = []struct {
	name string
	emit func(a *asm)
}{
	{"matmul", matmul},
	{"gather", gather},
	{"linear", linear},
	{"softmax", softmax},
	{"update", update},
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("gen: ")
	dir := flag.String("dir", "..", "directory of package cpu")
	flag.Parse()
	files, err := generateAll()
	if err != nil {
		log.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(*dir, name), text, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// generateAll returns the text of every file, by its name.
func generateAll() (map[string][]byte, error) {
	all := map[string][]byte{}
	for _, u := range units {
		files, err := generate(u.name, u.emit)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, files)
	}
	for _, u := range neonUnits {
		files, err := generateNEON(u.name, u.emit)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, files)
	}
	return all, nil
}

// generate returns the text of the two files of an x86-64 unit, by file name.
func generate(name string, emit func(a *asm)) (map[string][]byte, error) {
	a := &asm{build.NewContext()}
	a.ConstraintExpr("amd64,!noasm")
	emit(a)
	f, err := a.Result()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := pass.Compile.Execute(f); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	// A fixed command line: the header must not depend on where the output goes.
	cfg := printer.Config{Argv: []string{"go", "generate", "./cpu"}, Pkg: "cpu"}
	text, err := printer.NewGoAsm(cfg).Print(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	stubs, err := printer.NewStubs(cfg).Print(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return map[string][]byte{name + "_amd64.s": text, name + "_stubs_amd64.go": stubs}, nil
}
