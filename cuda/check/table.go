package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// This file is the table of registers: a change of the kernels or of an assembler shows there, line by line.

// table is registers by kernel and target.
type table struct {
	kernels   []string // in the text's order
	shared    map[string]int
	registers map[string]map[target]int
}

// tabulate gathers results. The kernels' order is the first result's; shared memory must be the same everywhere.
func tabulate(results []result) (*table, error) {
	t := &table{shared: map[string]int{}, registers: map[string]map[target]int{}}
	for i, r := range results {
		for _, u := range r.usage {
			if i == 0 {
				t.kernels = append(t.kernels, u.kernel)
				t.shared[u.kernel] = u.shared
				t.registers[u.kernel] = map[target]int{}
			}
			if n, ok := t.shared[u.kernel]; !ok || n != u.shared {
				return nil, fmt.Errorf("%v: %s: %d bytes of shared memory, elsewhere %d", r.target, u.kernel, u.shared, n)
			}
			t.registers[u.kernel][r.target] = u.registers
		}
	}
	slices.Sort(t.kernels)
	return t, nil
}

const tableHead = "# Registers a thread and bytes of shared memory a block, as assembled by ptxas. go run ./cuda/check -update rewrites it."

// write is the committed form: a header line with the targets, then a line a kernel.
func (t *table) write(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s\n%-20s %6s", tableHead, "kernel", "shared")
	for _, to := range targets {
		fmt.Fprintf(b, " %8s", column(to))
	}
	fmt.Fprintln(b)
	for _, k := range t.kernels {
		fmt.Fprintf(b, "%-20s %6d", k, t.shared[k])
		for _, to := range targets {
			fmt.Fprintf(b, " %8d", t.registers[k][to])
		}
		fmt.Fprintln(b)
	}
	return b.Flush()
}

func column(t target) string { return fmt.Sprintf("%s:%d", t.release, t.arch) }

// readTable reads what write wrote.
func readTable(text string) (*table, error) {
	t := &table{shared: map[string]int{}, registers: map[string]map[target]int{}}
	for i, l := range strings.Split(strings.TrimSpace(text), "\n") {
		f := strings.Fields(l)
		if i == 0 || i == 1 {
			continue
		}
		if len(f) != 2+len(targets) {
			return nil, fmt.Errorf("line %d: %d columns, want %d", i+1, len(f), 2+len(targets))
		}
		k := f[0]
		t.kernels = append(t.kernels, k)
		t.registers[k] = map[target]int{}
		for j, s := range f[1:] {
			n, err := strconv.Atoi(s)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			if j == 0 {
				t.shared[k] = n
			} else {
				t.registers[k][targets[j-1]] = n
			}
		}
	}
	return t, nil
}

// differences says where t is not as the committed table has it.
func (t *table) differences(committed *table) (found []string) {
	for _, k := range t.kernels {
		if committed.registers[k] == nil {
			found = append(found, k+": not in the table")
			continue
		}
		if t.shared[k] != committed.shared[k] {
			found = append(found, fmt.Sprintf("%s: %d bytes of shared memory, the table has %d", k, t.shared[k], committed.shared[k]))
		}
		for _, to := range targets {
			if got, want := t.registers[k][to], committed.registers[k][to]; got != want {
				found = append(found, fmt.Sprintf("%v: %s: %d registers, the table has %d", to, k, got, want))
			}
		}
	}
	for _, k := range committed.kernels {
		if t.registers[k] == nil {
			found = append(found, k+": in the table but not in the PTX")
		}
	}
	return found
}

// markdown is the table for people: one column an architecture; where the releases differ, both.
func (t *table) markdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	var arches []int
	for _, to := range targets {
		if !slices.Contains(arches, to.arch) {
			arches = append(arches, to.arch)
		}
	}
	fmt.Fprint(b, "| kernel | shared bytes |")
	for _, a := range arches {
		fmt.Fprintf(b, " sm_%d |", a)
	}
	fmt.Fprintf(b, "\n|---|%s\n", strings.Repeat("---|", 1+len(arches)))
	for _, k := range t.kernels {
		fmt.Fprintf(b, "| %s | %d |", k, t.shared[k])
		for _, a := range arches {
			old, had := t.registers[k][target{"12.9", a}]
			now, has := t.registers[k][target{"13.5", a}]
			if had && has && old != now {
				fmt.Fprintf(b, " %d, %d |", old, now)
			} else {
				fmt.Fprintf(b, " %d |", max(old, now))
			}
		}
		fmt.Fprintln(b)
	}
	return b.Flush()
}
