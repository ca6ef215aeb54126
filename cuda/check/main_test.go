package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ran is what the program prints and ends with.
func ran(args ...string) (string, error) {
	var b strings.Builder
	err := command(args, &b)
	return b.String(), err
}

// house is a copy of what the program reads and writes.
func house(t *testing.T) string {
	root := t.TempDir()
	for _, file := range []string{"cuda/kernel/kernels.ptx", "cuda/check/testdata/registers.txt", "cuda/kernel/testdata/costs.txt", "cuda/testdata/launches.txt",
		"docs/cuda.md"} {
		text, err := os.ReadFile(filepath.Join("../..", file))
		require.NoError(t, err)
		change(t, root, file, string(text))
	}
	return root
}

// hut is a house with four kernels: what the assemblers take of each is made up anyway.
func hut(t *testing.T) string {
	root := house(t)
	const file = "cuda/check/testdata/registers.txt"
	text, table := "", ""
	for i, l := range strings.SplitAfter(read(t, root, file), "\n") {
		name, _, _ := strings.Cut(l, " ")
		if few := slices.Contains([]string{"adam", "add", "linear_128x64", "linear_64x64"}, name); few {
			text += ".visible .entry " + name + "()\n"
		} else if i > 1 {
			continue
		}
		table += l
	}
	change(t, root, file, table)
	change(t, root, "cuda/kernel/kernels.ptx", text)
	return root
}

func change(t *testing.T, root, file, text string) {
	t.Helper()
	at := filepath.Join(root, file)
	require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o755))
	require.NoError(t, os.WriteFile(at, []byte(text), 0o644))
}

func read(t *testing.T, root, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, file))
	require.NoError(t, err)
	return string(text)
}

// What assemblers may do with the kernels, and what is found of it. It takes seconds: most of the eleven runs are 68 short processes.
func TestCheck(t *testing.T) {
	cache := fakeCache(t)
	if _, err := findTools(cache, false); err != nil {
		t.Skip(err)
	}
	root := hut(t)
	out, err := ran("-root", root, "-cache", cache, "-v")
	require.NoError(t, err, out)
	require.Contains(t, out, "4 kernels for 17 targets: no spill, no local memory, no contraction, registers as in the table, loops as they should be")
	require.Contains(t, out, "13.5 sm_90 linear_64x64: 313 instructions, 95.8 % multiply-adds, loads ahead of use by [300]")
	for _, c := range []struct {
		fault, line, err string
	}{
		{"spills", "13.5 sm_120: adam: 16 bytes of stack, 16 and 16 spilled, 0 local\n", "17 findings"},
		{"registers", "12.9 sm_70: adam: 25 registers, the table has 24\n", "17 findings"},
		{"fuses", "12.9 sm_70: all kernels: allowing contraction changes the code\n", "17 findings"},
		{"mute", "adam: in the table but not in the PTX\n", "1 findings"},
		{"shared", "", "12.9 sm_75: adam: 75 bytes of shared memory, elsewhere 70"},
		{"half", "", "the assembler's report has another form"},
		{"fails", "", "ptxas fatal: out of patience"},
		{"lost", "", "no such file"},
		{"nvdisasm", "", "nvdisasm fatal"},
		{"empty", "", "the disassembly has another form"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Setenv("FAKE", c.fault)
			out, err := ran("-root", root, "-cache", cache)
			require.ErrorContains(t, err, c.err)
			require.Contains(t, out, c.line)
		})
	}
}

// The table is written anew from what the assemblers say, and read again.
func TestUpdate(t *testing.T) {
	cache, root := fakeCache(t), hut(t)
	if _, err := findTools(cache, false); err != nil {
		t.Skip(err)
	}
	const file = "cuda/check/testdata/registers.txt"
	before := read(t, root, file)
	t.Setenv("FAKE", "registers")
	_, err := ran("-root", root, "-cache", cache, "-update")
	require.NoError(t, err)
	after := read(t, root, file)
	require.NotEqual(t, before, after)
	changed := 0
	for i, l := range strings.Split(after, "\n") {
		if old := strings.Split(before, "\n")[i]; l != old {
			changed++
			require.True(t, strings.HasPrefix(l, "adam "), l)
		}
	}
	require.Equal(t, 1, changed)
	change(t, root, file, before[:len(before)-20])
	_, err = ran("-root", root, "-cache", cache)
	require.ErrorContains(t, err, "registers.txt: line ")
	require.NoError(t, os.Remove(filepath.Join(root, file)))
	for _, args := range [][]string{{}, {"-registers"}, {"-estimate"}} {
		_, err = ran(append([]string{"-root", root, "-cache", cache}, args...)...)
		require.ErrorIs(t, err, os.ErrNotExist)
	}
	require.NoError(t, os.Remove(filepath.Join(root, "cuda/kernel/kernels.ptx")))
	_, err = ran("-root", root, "-cache", cache)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// The tables print, and go into the page between its marks.
func TestTables(t *testing.T) {
	root := house(t)
	page := read(t, root, "docs/cuda.md")
	for flag, head := range map[string]string{"-registers": "| kernel | shared bytes |", "-costs": "| kernel | shape | rows |", "-estimate": "**deterministic: "} {
		out, err := ran("-root", root, flag)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(out, head), out)
		require.Contains(t, page, strings.TrimSpace(out))
	}
	change(t, root, "docs/cuda.md", strings.ReplaceAll(page, "| adam |", "| eve |"))
	_, err := ran("-root", root, "-page")
	require.NoError(t, err)
	require.Equal(t, page, read(t, root, "docs/cuda.md"))

	change(t, root, "docs/cuda.md", strings.Replace(page, "<!-- begin: go run ./cuda/check -costs -->", "", 1))
	_, err = ran("-root", root, "-page")
	require.ErrorContains(t, err, "no place for the table of -costs")
	require.NoError(t, os.Remove(filepath.Join(root, "docs/cuda.md")))
	_, err = ran("-root", root, "-page")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// Files that are not in their form are named, with the line.
func TestFilesInAnotherForm(t *testing.T) {
	const registers, costs, launches = "cuda/check/testdata/registers.txt", "cuda/kernel/testdata/costs.txt", "cuda/testdata/launches.txt"
	for _, c := range []struct{ flag, file, text, want string }{
		{"-costs", costs, "# head\nadam - 1 x 3", "costs.txt:2: "},
		{"-costs", costs, "adam - 1 2", `costs.txt:1: "adam - 1 2" is no line of this table`},
		{"-costs", costs, "adam", `costs.txt:1: "adam" is no line of this table`},
		{"-estimate", launches, "deterministic rollout adam - 1 x 1", "launches.txt:1: "},
		{"-estimate", launches, "fast rollout cublas 1x2 1 1 1", "unexpected EOF"},
		{"-estimate", launches, "fast rollout fill many 1 1 1", `parsing "many"`},
		{"-estimate", launches, "fast rollout eve - 1 1 1", `nothing is known of kernel "eve"`},
		{"-estimate", costs, "adam - 1 2", "is no line of this table"},
		{"-registers", registers, "head\nhead\nadam 1 2", "line 3: 3 columns"},
		{"-registers", registers, "head\nhead\nadam" + strings.Repeat(" x", 1+len(targets)), "line 3: "},
		{"-page", costs, "adam", "is no line of this table"},
	} {
		root := house(t)
		change(t, root, c.file, c.text)
		_, err := ran("-root", root, c.flag)
		require.ErrorContains(t, err, c.want, c.text)
	}
	root := house(t)
	for _, file := range []string{launches, costs} {
		require.NoError(t, os.Remove(filepath.Join(root, file)))
		_, err := ran("-root", root, "-estimate")
		require.ErrorIs(t, err, os.ErrNotExist)
	}
}

// What is not in the cache is fetched with pip, or is not to be had, which is no finding.
func TestFetched(t *testing.T) {
	if _, err := findTools(t.TempDir(), false); err == nil || !strings.Contains(err.Error(), "is not in the cache") {
		t.Skip("no assemblers for this machine")
	}
	bin, w := t.TempDir(), ptxas13
	t.Setenv("PATH", bin)
	_, err := w.find(t.TempDir(), true)
	require.ErrorIs(t, err, errNoTools)
	require.ErrorContains(t, err, "there is no pip")

	as(t, filepath.Join(bin, "pip3"))
	cache := t.TempDir()
	tools, err := findTools(cache, true)
	require.NoError(t, err)
	for at, want := range map[string]wheel{tools.ptxas12: ptxas12, tools.ptxas13: ptxas13, tools.disasm: disasm} {
		text, err := os.ReadFile(at)
		require.NoError(t, err)
		require.Equal(t, want.program+" of "+want.name+" "+want.version, string(text))
		info, err := os.Stat(at)
		require.NoError(t, err)
		require.NotZero(t, info.Mode()&0o100, "it can be run")
		left, err := filepath.Glob(filepath.Join(filepath.Dir(at), "*"))
		require.NoError(t, err)
		require.Equal(t, []string{at}, left, "the wheel is gone")
	}
	for fault, want := range map[string]string{"offline": "no route to the registry", "nothing comes": "no wheel came", "broken": "not a valid zip file",
		"empty wheel": "holds no /bin/ptxas"} {
		t.Setenv("FAKE", fault)
		cache := t.TempDir()
		_, err := w.find(cache, true)
		require.ErrorContains(t, err, want)
		_, err = w.find(cache, false)
		require.ErrorIs(t, err, errNoTools, "nothing half fetched is taken for the program")
	}
	t.Setenv("FAKE", "offline")
	out, err := ran("-root", "../..", "-cache", t.TempDir())
	require.NoError(t, err)
	require.Empty(t, out)
	change(t, cache, "file", "")
	_, err = w.find(filepath.Join(cache, "file"), true)
	require.ErrorContains(t, err, "not a directory")
}
