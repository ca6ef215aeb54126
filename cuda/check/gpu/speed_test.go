package gpu

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/bench"
	"github.com/sluice-ml/sluice/cuda"
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/graph"
)

// This file measures: the loss path and iterations in both modes, and iterations without graphs.

// lanesOf is the float32 lanes of a multiprocessor.
func lanesOf(info driver.Info) int {
	switch {
	case info.Major == 7, info.Major == 8 && info.Minor == 0:
		return 64
	}
	return 128
}

// way is a table: how the card is driven.
type way struct {
	name string
	mode cuda.Mode
	drv  driver.Driver
	list []bench.Workload
}

func TestSpeed(t *testing.T) {
	d, info := card(t)
	out := os.Getenv("SLUICE_GPU_OUT")
	if out == "" {
		t.Skip("SLUICE_GPU_OUT names no folder for the tables")
	}
	rows, batches, short, width := []int{1232, 8162, 65527, 315392}, []int{16, 256, 1024, 4096, 16384, 65536}, []int{16, 256, 4096}, 256
	o := bench.Options{Rounds: 3, Least: 200 * time.Millisecond}
	policies := []bench.Policy{bench.Fresh, bench.Converged}
	if simulated {
		rows, batches, short, width = []int{77}, []int{2}, []int{2}, 8
		o = bench.Options{Rounds: 1, Least: time.Millisecond}
		policies = policies[:1]
	}
	list := func(kind bench.Kind, s bench.Sizes) []bench.Workload {
		s.Widths, s.Workers = []int{width}, []int{1}
		l, err := bench.List(kind, s, 1)
		require.NoError(t, err)
		return l
	}
	ways := []way{
		{"iteration, deterministic", cuda.Deterministic, d, list(bench.Iteration, bench.Sizes{Batches: batches, Policies: policies})},
		{"loss path, deterministic", cuda.Deterministic, d, list(bench.Loss, bench.Sizes{Rows: rows})},
		{"iteration, deterministic, streamed and not captured", cuda.Deterministic, &streamed{Driver: d}, list(bench.Iteration, bench.Sizes{Batches: short, Policies: policies})},
		{"iteration, fast", cuda.Fast, d, list(bench.Iteration, bench.Sizes{Batches: batches, Policies: policies})},
		{"loss path, fast", cuda.Fast, d, list(bench.Loss, bench.Sizes{Rows: rows})},
	}
	if simulated {
		ways = ways[:3] // its cuBLAS is for results and would say nothing of speed
	}
	peak := 2e3 * float64(info.Multiprocessors*lanesOf(info)) * float64(max(info.ClockKHz, 1)) // the simulator has no clock
	page, err := os.Create(filepath.Join(out, "speed.md"))
	require.NoError(t, err)
	defer page.Close()
	lines, err := os.Create(filepath.Join(out, "speed.jsonl"))
	require.NoError(t, err)
	defer lines.Close()
	fmt.Fprintf(page, "%s, sm_%d%d, %d multiprocessors at %.2f GHz: %.1f TFLOP/s at most in float32. Medians of %d rounds.\n",
		info.Name, info.Major, info.Minor, info.Multiprocessors, float64(info.ClockKHz)/1e6, peak/1e12, o.Rounds)
	for _, w := range ways {
		fmt.Fprintf(page, "\n**%s**\n\n", w.name)
		m := bench.Machine{Cores: 1, Peak: func() float64 { return peak }, Device: func(int, string) (graph.Device, error) {
			cfg := cuda.Config{Mode: w.mode}
			if simulated {
				cfg.Chunk = simChunk
			}
			return cuda.New(w.drv, cfg)
		}}
		// One workload at a time: each takes its own memory, and a card has no second user to be fair to.
		var all []bench.Line
		for _, load := range w.list {
			l, err := m.Measure(context.Background(), []bench.Workload{load}, o)
			if err != nil {
				fmt.Fprintf(page, "not measured: %v\n\n", err)
				if short := (*cuda.MemoryError)(nil); !errors.As(err, &short) { // a smaller card need not hold the largest batch
					t.Errorf("%s: %v", w.name, err)
				}
				continue
			}
			all = append(all, l...)
			text, err := json.Marshal(struct {
				Way string `json:"way"`
				bench.Line
			}{w.name, l[0]})
			require.NoError(t, err)
			fmt.Fprintf(lines, "%s\n", text)
		}
		if len(all) > 0 {
			var b bytes.Buffer
			require.NoError(t, bench.WriteMarkdown(&b, all))
			_, err = b.WriteTo(page)
			require.NoError(t, err)
		}
	}
}
