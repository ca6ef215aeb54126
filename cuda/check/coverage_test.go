package main

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// profileText is a profile of two packages' tests: of the second file run statements of 100 in stretches of one, half of them by either.
func profileText(run int) string {
	const m = "github.com/sluice-ml/sluice/"
	text := "mode: set\n"
	for pass := range 2 {
		text += m + "cuda/sim/a.go:3.2,4.10 100 1\n" + m + "graph/plan.go:3.2,4.10 5000 0\n" + m + "cuda/driver/purego.go:3.2,4.10 5000 0\n"
		for i := range 100 {
			hit := 0
			if i < run && i%2 == pass {
				hit = 7
			}
			text += fmt.Sprintf("%scuda/ptx/b.go:%d.2,%d.9 1 %d\n", m, i+1, i+1, hit)
		}
	}
	return text
}

// A statement is run if any package's tests run it; what is not cuda's, or a binding, does not count; 95 of a hundred are enough.
func TestCoverage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "profile")
	judge := func(text string) (string, error) {
		change(t, filepath.Dir(file), filepath.Base(file), text)
		return ran("-coverage", file)
	}
	out, err := judge(profileText(90))
	require.NoError(t, err)
	require.Equal(t, "cuda/ptx                 90.0 % of 100 statements\ncuda/sim                 100.0 % of 100 statements\n"+
		"cuda, without bindings   95.0 % of 200 statements, at least 95\n", out)
	out, err = judge(profileText(89))
	require.EqualError(t, err, "the tests run 94.50 % of cuda, at least 95")
	require.Contains(t, out, "\ncuda/ptx/b.go: not run: 90 91 92 93 94 95 96 97 98 99 100\n")
	require.NotContains(t, out, "purego")
	for text, want := range map[string]string{"mode: set\n": "nothing of cuda", "mode: set\nx.go:1.1 2": "line 2: the coverage profile has another form", "": "line 1"} {
		_, err = judge(text)
		require.ErrorIs(t, err, errProfile)
		require.ErrorContains(t, err, want)
	}
	_, err = ran("-coverage", file+"s")
	require.ErrorContains(t, err, "profiles: no such file")
}

// The files that are left out are there, so that a name that changes is not left out for good.
func TestBindings(t *testing.T) {
	for _, file := range bindings {
		require.FileExists(t, filepath.Join("../..", file))
	}
}
