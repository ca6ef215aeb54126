package bench

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// This file prints lines for people: columns for a terminal, and Markdown for a page.

// column is one column of a table.
type column struct {
	name string
	left bool
	text func(l Line) string
}

var (
	policyColumn = column{"policy", true, func(l Line) string { return string(l.Policy) }}
	shapeColumn  = column{"product", true, func(l Line) string { return strings.TrimPrefix(l.Name, string(GEMM)+"/") }}
	batchColumn  = column{"batch", false, func(l Line) string { return strconv.Itoa(l.Batch) }}
	rowsColumn   = column{"rows", false, func(l Line) string { return strconv.Itoa(l.Rows) }}
	widthColumn  = column{"width", false, func(l Line) string {
		if l.Embed > 0 {
			return fmt.Sprintf("%d+%d", l.Embed, l.Width)
		}
		return strconv.Itoa(l.Width)
	}}
	workersColumn = column{"wk", false, func(l Line) string { return strconv.Itoa(l.Workers) }}
	lengthColumn  = column{"length", false, func(l Line) string { return fmt.Sprintf("%.1f", l.MeanLength) }}
	times         = []column{
		{"ms", false, func(l Line) string { return short(l.MedianMS) }},
		{"spread", false, func(l Line) string { return fmt.Sprintf("%.0f%%", 100*l.Spread()) }},
		{"it/s", false, func(l Line) string { return short(l.PerSecond) }},
	}
	rates = []column{
		{"traj/s", false, func(l Line) string { return short(l.TrajPerSecond) }},
		{"trans/s", false, func(l Line) string { return short(l.TransitionsPerSecond) }},
	}
	peakColumn = column{"peak", false, func(l Line) string { return fmt.Sprintf("%.2f", l.PeakShare) }}
	arithmetic = []column{{"GFLOP/s", false, func(l Line) string { return short(l.GFLOPs) }}, peakColumn}
)

// columns are those of a kind's table.
func columns(kind Kind) []column {
	join := func(first []column, rest ...[]column) []column {
		for _, r := range rest {
			first = append(first, r...)
		}
		return first
	}
	switch kind {
	case GEMM:
		return join([]column{shapeColumn}, times, arithmetic)
	case Loss:
		return join([]column{rowsColumn, widthColumn, workersColumn}, times, rates, []column{lengthColumn}, arithmetic)
	}
	return join([]column{policyColumn, batchColumn, widthColumn, workersColumn}, times, rates, []column{lengthColumn}, arithmetic)
}

// titles say what a table holds.
var titles = map[Kind]string{
	Loss:      "loss path: 20^4 hypergrid, TB, learned P_B, given trajectories",
	Iteration: "iteration: 20^4 hypergrid, TB, learned P_B, drawn trajectories",
	Rollout:   "rollout: drawing alone, 20^4 hypergrid",
	GEMM:      "gemm: one matrix product m x k x n on one thread",
}

// WriteTable prints the lines of one kind in at most 80 columns.
func WriteTable(w io.Writer, lines []Line) error { return write(w, lines, false) }

// WriteMarkdown prints the lines of one kind as a Markdown table.
func WriteMarkdown(w io.Writer, lines []Line) error { return write(w, lines, true) }

func write(w io.Writer, lines []Line, markdown bool) error {
	if len(lines) == 0 {
		return nil
	}
	cols := columns(lines[0].kind)
	if lines[0].PeakShare == 0 {
		cols = slices.DeleteFunc(cols, func(c column) bool { return c.name == peakColumn.name })
	}
	cells := make([][]string, len(lines)+1)
	widths := make([]int, len(cols))
	for i, c := range cols {
		cells[0] = append(cells[0], c.name)
		for j, l := range lines {
			cells[j+1] = append(cells[j+1], c.text(l))
		}
		for _, row := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	var b strings.Builder
	device := ""
	if d := lines[0].Device; d != "" {
		device = ", " + d
	}
	fmt.Fprintf(&b, "%s%s\n", titles[lines[0].kind], device)
	if markdown {
		b.WriteByte('\n')
	}
	for j, row := range cells {
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if cols[i].left {
				cell += pad
			} else {
				cell = pad + cell
			}
			switch {
			case markdown:
				cell = "| " + cell + " "
			case i > 0:
				cell = " " + cell
			}
			b.WriteString(cell)
		}
		if markdown {
			b.WriteByte('|')
		}
		b.WriteByte('\n')
		if markdown && j == 0 {
			for i, c := range cols {
				rule := strings.Repeat("-", widths[i]+1)
				if c.left {
					fmt.Fprintf(&b, "|%s-", rule)
				} else {
					fmt.Fprintf(&b, "|%s:", rule)
				}
			}
			b.WriteString("|\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// short is x in three figures or so, large numbers in thousands and millions.
func short(x float64) string {
	switch {
	case x >= 999.5e3:
		return fmt.Sprintf("%.3gM", x/1e6)
	case x >= 9995:
		return fmt.Sprintf("%.3gk", x/1e3)
	case x >= 99.95:
		return fmt.Sprintf("%.0f", x)
	case x >= 9.995:
		return fmt.Sprintf("%.1f", x)
	case x >= .9995:
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.3g", x)
}
