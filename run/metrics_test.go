package run

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMetricsAreCutBack: lines after the checkpoint, and a line that a kill left half written, go.
func TestMetricsAreCutBack(t *testing.T) {
	d := newDir(t, tiny())
	path := filepath.Join(d.Path, metricsName)
	text := "{\"iteration\":5,\"trajectories\":80}\n{\"iteration\":10,\"trajectories\":160}\n{\"iteration\":15,\"trajectories\":240}\n{\"iterat"
	for at, want := range map[int]string{4: "", 5: text[:34], 9: text[:34], 10: text[:70], 15: text[:len(text)-8], 99: text[:len(text)-8]} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		m, err := d.openMetrics(at)
		require.NoError(t, err)
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, want, string(got), "at %d", at)
		require.NoError(t, m.add(Line{Iteration: 100}))
		require.NoError(t, m.close())
		lines, err := ReadMetrics(d.Path)
		require.NoError(t, err)
		require.Equal(t, 100, lines[len(lines)-1].Iteration, "and goes on")
	}
}

// TestOneNameForOneThing: what is judged has the same name in metrics.jsonl as in eval --json, and every name is snake_case.
func TestOneNameForOneThing(t *testing.T) {
	names := func(of reflect.Type) (out []string) {
		for i := range of.NumField() {
			if name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ","); name != "" {
				out = append(out, name)
			}
		}
		return out
	}
	judged := names(reflect.TypeFor[Evaluation]())
	for _, name := range slices.Concat(judged, names(reflect.TypeFor[Line]()), names(reflect.TypeFor[Manifest]())) {
		require.Regexp(t, `^((train|eval|perf)/)?[a-z][a-z0-9_]*$`, name)
		if tail, ok := strings.CutPrefix(name, "eval/"); ok {
			require.Contains(t, judged, tail)
		}
	}
}
