package bench

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// wide are lines with the longest numbers a table is likely to meet.
func wide(t *testing.T, kind Kind) []Line {
	t.Helper()
	list, err := List(kind, Sizes{}, 64)
	require.NoError(t, err)
	var lines []Line
	for i, w := range list {
		l := Line{Name: w.Name(), BestMS: 1234.5, MedianMS: 1304.5, WorstMS: 16456.7, Rows: w.Batch * 77, Batch: w.Batch, Width: w.Width, Workers: w.Workers,
			Policy: w.Policy, PerSecond: 23456.7, TrajPerSecond: 123456, TransitionsPerSecond: 3.456e6, MeanLength: 40.33, GFLOPs: 6543.2, PeakShare: .873,
			Device: "cpu/avx512", kind: kind}
		if i%2 == 0 {
			l.BestMS, l.MedianMS, l.WorstMS, l.PerSecond = .03914, .04567, .05, 21895.2
		}
		lines = append(lines, l)
	}
	return lines
}

// TestTable: a terminal of 80 columns is enough, and columns stand below their names.
func TestTable(t *testing.T) {
	for _, kind := range Kinds {
		var b bytes.Buffer
		require.NoError(t, WriteTable(&b, wide(t, kind)))
		lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
		list, _ := List(kind, Sizes{}, 64)
		require.Len(t, lines, len(list)+2)
		for _, line := range lines {
			require.LessOrEqual(t, utf8.RuneCountInString(line), 80, "%s", line)
		}
		for _, line := range lines[1:] {
			require.Len(t, line, len(lines[1]))
			require.Len(t, strings.Fields(line), len(columns(kind)))
		}
		require.True(t, strings.HasSuffix(lines[0], ", cpu/avx512"))
	}
	var b bytes.Buffer
	require.NoError(t, WriteTable(&b, nil))
	require.Empty(t, b.String())
}

func TestMarkdown(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WriteMarkdown(&b, wide(t, Rollout)[:1]))
	require.Equal(t, `rollout: drawing alone, 20^4 hypergrid, cpu/avx512

| policy | batch | width | wk |     ms | spread |  it/s | traj/s | trans/s | length | GFLOP/s | peak |
|--------|------:|------:|---:|-------:|-------:|------:|-------:|--------:|-------:|--------:|-----:|
| fresh  |    16 |   256 | 64 | 0.0457 |    24% | 21.9k |   123k |   3.46M |   40.3 |    6543 | 0.87 |
`, b.String())
}

// What no share of a peak is known of has no column for it, and null in JSON.
func TestNoPeak(t *testing.T) {
	l := wide(t, Rollout)[0]
	text, err := json.Marshal(l)
	require.NoError(t, err)
	require.Contains(t, string(text), `"peak_share":0.873`)
	l.PeakShare, l.Device = 0, "cuda/H100"
	text, err = json.Marshal(l)
	require.NoError(t, err)
	require.Contains(t, string(text), `"peak_share":null,"device":"cuda/H100"`)
	var b bytes.Buffer
	require.NoError(t, WriteTable(&b, []Line{l}))
	require.True(t, strings.HasPrefix(b.String(), titles[Rollout]+", cuda/H100\n"), b.String())
	require.NotContains(t, b.String(), "peak")
}

func TestShort(t *testing.T) {
	for x, want := range map[float64]string{0: "0", .04567: "0.0457", .9994: "0.999", 1: "1.00", 9.99: "9.99", 9.996: "10.0", 99.96: "100", 1234.5: "1234", 9994: "9994",
		9996: "10k", 12345: "12.3k", 999400: "999k", 999600: "1M", 3.456e6: "3.46M"} {
		require.Equal(t, want, short(x), x)
	}
}
