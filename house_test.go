package sluice_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/sluice-ml/sluice/"

// mayImport is the import table: what each package may import of ours, "name/" meaning a package and all below it. f32 is free for all.
var mayImport = map[string][]string{
	"f32":                    {},
	"rng":                    {"f32"},
	"graph":                  {"f32", "rng"},
	"graph/oracle":           {"f32", "rng", "graph"},
	"graph/devicetest":       {"f32", "rng", "graph"},
	"cpu":                    {"f32", "graph", "rng"},
	"cpu/asmsim":             {"f32"},
	"cuda":                   {"f32", "graph", "rng", "cuda/driver", "cuda/kernel"},
	"cuda/check":             {"f32", "cuda/kernel", "cuda/ptx", "cuda/sim", "cuda/driver"},
	"cuda/check/gpu":         {""},
	"cuda/driver":            {},
	"cuda/driver/drivertest": {"cuda/driver"},
	"cuda/driver/libsim":     {"cuda/driver", "cuda/sim"},
	"cuda/kernel":            {},
	"cuda/kernel/gen":        {},
	"cuda/ptx":               {},
	"cuda/sim":               {"f32", "cuda/ptx", "cuda/driver"},
	"nn":                     {"f32", "graph", "rng", "nn/"},
	"nn/optim":               {"f32", "graph", "rng"},
	"gfn/world":              {"f32", "rng", "graph"},
	"gfn/world/worldtest":    {"f32", "rng", "graph", "gfn/world"},
	"gfn/reward":             {"f32", "rng", "graph", "gfn/world"},
	"gfn/balance":            {"f32", "graph"},
	"gfn/metric":             {"f32", "gfn/world", "graph", "rng"},
	"gfn":                    {"f32", "gfn/world", "gfn/reward", "gfn/balance", "gfn/metric", "nn/", "graph", "rng"},
	"gfn/gfntest":            {"f32", "gfn/", "nn/", "graph", "rng"},
	"run":                    {"f32", "gfn/", "nn/", "graph", "rng"},
	"bench":                  {"gfn", "gfn/world", "gfn/reward", "gfn/balance", "graph", "nn/", "rng"},
	"cmd/sluice":             {""},
	"testdata":               {},
	"":                       {},
}

type pkg struct {
	ImportPath string
	Dir        string
	Imports    []string
	Name       string
}

func packages(t *testing.T) []pkg {
	// ./... leaves testdata out, for its name.
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,Name", "./...", "./testdata").Output()
	require.NoError(t, err)
	var list []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p pkg
		require.NoError(t, dec.Decode(&p))
		list = append(list, p)
	}
	require.Greater(t, len(list), 10)
	return list
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath+"/", module)
		name = strings.TrimSuffix(name, "/")
		allowed, known := mayImport[name]
		require.True(t, known, "package %q is not in the import table", name)
		for _, imp := range p.Imports {
			if imp == "gorgonia.org/gorgonia" || imp == "github.com/chewxy/hm" {
				require.Contains(t, []string{"graph", "graph/oracle"}, name, "only graph and graph/oracle import %s", imp)
			}
			ours, ok := strings.CutPrefix(imp, module)
			if !ok {
				continue
			}
			require.True(t, allows(allowed, ours), "%s must not import %s", name, ours)
		}
	}
}

func allows(table []string, imp string) bool {
	for _, a := range table {
		if a == "" || a == imp || strings.HasSuffix(a, "/") && (imp+"/" == a || strings.HasPrefix(imp, a)) {
			return true
		}
	}
	return false
}

// A user of gfn links no TOML, plot or command line library.
func TestGfnIsLight(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./gfn").Output()
	require.NoError(t, err)
	for _, heavy := range []string{"go-toml", "gonum.org/v1/plot", "spf13/cobra", "progressbar", "testify"} {
		require.NotContains(t, string(out), heavy)
	}
}

// The budget: median 150 lines, nine in ten under 400, none over 600; generated files aside.
func TestFileSizes(t *testing.T) {
	var sizes []int
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || bytes.Contains(text[:min(len(text), 200)], []byte("DO NOT EDIT")) {
			return err
		}
		lines := bytes.Count(text, []byte("\n"))
		require.LessOrEqual(t, lines, 600, path)
		sizes = append(sizes, lines)
		return nil
	})
	require.NoError(t, err)
	slices.Sort(sizes)
	require.LessOrEqual(t, sizes[len(sizes)/2], 150, "the median file is too long")
	require.LessOrEqual(t, sizes[len(sizes)*9/10], 400, "more than one file in ten is longer than 400 lines")
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range packages(t) {
		text, err := os.ReadFile(filepath.Join(p.Dir, "doc.go"))
		require.NoError(t, err, "%s has no doc.go", p.ImportPath)
		want := "// Package " + p.Name + " "
		if p.Name == "main" {
			want = "// Command "
		}
		require.Contains(t, string(text), want, p.ImportPath)
	}
}

// A file of the library says first what it is: rule 1 of the house.
func TestEveryFileSaysWhatItIs(t *testing.T) {
	for _, p := range packages(t) {
		top, _, _ := strings.Cut(strings.TrimPrefix(p.ImportPath, module), "/")
		if !slices.Contains([]string{"gfn", "graph", "nn"}, top) {
			continue
		}
		files, err := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		require.NoError(t, err)
		for _, f := range files {
			if filepath.Base(f) == "doc.go" || strings.HasSuffix(f, "_test.go") {
				continue
			}
			text, err := os.ReadFile(f)
			require.NoError(t, err)
			require.Contains(t, string(text), "\n// This file ", f)
		}
	}
}

// Every folder of the module with Go code in it is named on the front page.
func TestFrontPageNamesEveryFolder(t *testing.T) {
	page, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	for _, p := range packages(t) {
		top, _, _ := strings.Cut(strings.TrimPrefix(p.ImportPath+"/", module), "/")
		require.Regexp(t, `\b`+top+`\b`, string(page), p.ImportPath)
	}
}

// What README.md shows as Go is a program that compiles, made of the declarations of gfn's Example, layout and comments aside.
func TestReadmeExample(t *testing.T) {
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(page), "```go\n")
	require.True(t, found, "README.md has no Go")
	program, _, _ := strings.Cut(rest, "```")
	file := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(file, []byte(program), 0o644))
	out, err := exec.Command("go", "vet", file).CombinedOutput()
	require.NoError(t, err, "%s", out)

	example, err := os.ReadFile("gfn/example_test.go")
	require.NoError(t, err)
	want := declarations(t, string(example))
	have := declarations(t, program)
	delete(have, "main")
	require.Greater(t, len(have), 6)
	for name, tokens := range have {
		require.Equal(t, want[name], tokens, name)
	}
}

// declarations are a file's types and functions as tokens, by name with the receiver's type. Comments and semicolons, which a line
// break stands for, are left out.
func declarations(t *testing.T, text string) map[string]string {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", text, parser.SkipObjectResolution)
	require.NoError(t, err)
	out := map[string]string{}
	for _, d := range file.Decls {
		name := ""
		switch d := d.(type) {
		case *ast.FuncDecl:
			name = d.Name.Name
			if d.Recv != nil {
				name = fmt.Sprint(d.Recv.List[0].Type, ".", name)
			}
		case *ast.GenDecl:
			if spec, ok := d.Specs[0].(*ast.TypeSpec); ok {
				name = spec.Name.Name
			}
		}
		if name == "" {
			continue
		}
		source := text[set.Position(d.Pos()).Offset:set.Position(d.End()).Offset]
		var list []string
		var scan scanner.Scanner
		scan.Init(set.AddFile("", -1, len(source)), []byte(source), nil, 0)
		for {
			_, tok, lit := scan.Scan()
			if tok == token.EOF {
				break
			}
			if tok != token.SEMICOLON {
				list = append(list, tok.String()+lit)
			}
		}
		out[name] = strings.Join(list, " ")
	}
	return out
}
