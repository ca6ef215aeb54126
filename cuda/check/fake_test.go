package main

import (
	"archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// This file is NVIDIA's assemblers and pip for tests: this program itself, under their names. They say what the committed table says,
// and what FAKE names they do wrongly.

func TestMain(m *testing.M) {
	fakes := map[string]func(fault string, args []string) error{"ptxas": fakePtxas, "nvdisasm": fakeDisasm, "pip3": fakePip}
	if f := fakes[filepath.Base(os.Args[0])]; f != nil {
		if err := f(os.Getenv("FAKE"), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// as puts this program somewhere under another name.
func as(t *testing.T, at string) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o755))
	if err := os.Symlink(self, at); err != nil {
		t.Skip("no links here:", err)
	}
}

// fakeCache holds the three programs, as if fetched.
func fakeCache(t *testing.T) string {
	dir := t.TempDir()
	for _, w := range []wheel{ptxas12, ptxas13, disasm} {
		as(t, filepath.Join(dir, w.name+"-"+w.version, w.program))
	}
	return dir
}

var entry = regexp.MustCompile(`\.visible \.entry (\w+)\(`)

// kernelsOf are the kernels of a text file, in order.
func kernelsOf(file string) (names []string, err error) {
	text, err := os.ReadFile(file)
	for _, m := range entry.FindAllSubmatch(text, -1) {
		names = append(names, string(m[1]))
	}
	return names, err
}

func fakePtxas(fault string, args []string) error {
	if fault == "fails" {
		return fmt.Errorf("ptxas fatal: out of patience")
	}
	file, out := args[3], args[5]
	arch, err := strconv.Atoi(strings.TrimPrefix(args[1], "-arch=sm_"))
	if err != nil {
		return err
	}
	release := "12.9"
	if strings.Contains(os.Args[0], ptxas13.name+"-"+ptxas13.version) {
		release = "13.5"
	}
	committed, err := (&options{root: "../.."}).committed()
	if err != nil {
		return err
	}
	names, err := kernelsOf(file)
	if err != nil {
		return err
	}
	for _, k := range names {
		stack, registers, shared := 0, committed.registers[k][target{release, arch}], committed.shared[k]
		if k == "adam" {
			stack += map[string]int{"spills": 16}[fault]
			registers += map[string]int{"registers": 1}[fault]
			shared += map[string]int{"shared": arch}[fault]
		}
		if k == "adam" && fault == "mute" {
			continue
		}
		fmt.Printf("ptxas info    : Compiling entry function '%s' for 'sm_%d'\nptxas info    : Function properties for %s\n", k, arch, k)
		fmt.Printf("    %d bytes stack frame, %d bytes spill stores, %d bytes spill loads\n", stack, stack, stack)
		if k == "add" && fault == "half" {
			continue
		}
		fmt.Printf("ptxas info    : Used %d registers, used 1 barriers, %d bytes smem, 352 bytes cmem[0]\n", registers, shared)
	}
	if fault == "lost" {
		return nil
	}
	code := file
	if fault == "fuses" {
		code += "\n" + args[2]
	}
	return os.WriteFile(out, []byte(code), 0o644)
}

func fakeDisasm(fault string, args []string) error {
	text, err := os.ReadFile(args[1])
	if err != nil || fault == "nvdisasm" {
		return fmt.Errorf("nvdisasm fatal: %w", err)
	}
	file, fused, _ := strings.Cut(string(text), "\n")
	names, err := kernelsOf(file)
	if err != nil || fault == "empty" {
		return err
	}
	for _, k := range names {
		code := loopText(300, 10)
		if !tiled.MatchString(k) {
			code = "\t.section\t.text.linear_128x64,\"ax\"\n        /*0000*/                   EXIT ;\n"
		}
		fmt.Print(strings.ReplaceAll(code, "linear_128x64", k))
		if fused == "-fmad=true" {
			fmt.Print("        /*0080*/                   FFMA R1, R1, R1, R1 ;\n")
		}
	}
	return nil
}

// fakePip downloads wheels: a program in a folder bin, and files beside it.
func fakePip(fault string, args []string) error {
	if args[len(args)-1] == "--version" {
		return nil
	}
	if fault == "offline" {
		return fmt.Errorf("no route to the registry")
	}
	if fault == "nothing comes" {
		return nil
	}
	name, version, _ := strings.Cut(args[len(args)-1], "==")
	f, err := os.Create(filepath.Join(args[len(args)-2], name+"-"+version+".whl"))
	if err != nil {
		return err
	}
	if fault == "broken" {
		_, err = f.WriteString("no archive")
		return err
	}
	z := zip.NewWriter(f)
	for _, file := range []string{"nvidia/README", "nvidia/bin/ptxas", "nvidia/bin/nvdisasm"} {
		if fault == "empty wheel" && strings.Contains(file, "bin") {
			continue
		}
		w, err := z.Create(file)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s of %s %s", filepath.Base(file), name, version)
	}
	return z.Close()
}
