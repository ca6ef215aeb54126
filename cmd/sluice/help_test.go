package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// TestEightyColumns: help and the list of presets fit a terminal of 80 columns. The help of each shell's completion is the library's.
func TestEightyColumns(t *testing.T) {
	dir := t.TempDir()
	pages := [][]string{{"--help"}, {"help"}, {"completion", "--help"}, {"presets"}, {"reproduce"}}
	for _, c := range root().Commands() {
		pages = append(pages, []string{c.Name(), "--help"})
	}
	require.Greater(t, len(pages), 10)
	for _, page := range pages {
		out := do(t, dir, page...)
		require.Greater(t, strings.Count(out, "\n"), 3, "%v", page)
		for line := range strings.Lines(out) {
			require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 80, "%v: %s", page, line)
		}
	}
	require.NotContains(t, do(t, dir, "train", "--help"), "FlagUsages")
}
