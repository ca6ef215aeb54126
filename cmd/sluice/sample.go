package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/run"
)

// This file is sluice sample.

// drawLine is one sampled object in JSON.
type drawLine struct {
	Text      string   `json:"text"`
	State     []int32  `json:"state"`
	LogReward *float64 `json:"log_reward"` // null: minus infinity
	LogPF     float64  `json:"log_pf"`     // of the trajectory, under the model
}

func sampleCommand() *cobra.Command {
	var (
		device deviceFlags
		count  int
		seed   uint64
		asJSON bool
		file   string
	)
	c := &cobra.Command{
		Use:     "sample DIR",
		Short:   "Draw objects from the newest checkpoint of a run",
		Example: "  sluice sample runs/hypergrid-8x8-1 -n 5\n  sluice sample runs/hypergrid-8x8-1 -n 100000 --json -o draws.jsonl",
		Args:    one("DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			if count < 1 {
				return &usageError{fmt.Errorf("-n: must be at least 1, is %d", count)}
			}
			config, err := run.ReadConfig(args[0])
			if err != nil {
				return err
			}
			if err := device.apply(&config); err != nil {
				return err
			}
			d, err := device.open(config.Device)
			if err != nil {
				return err
			}
			defer d.Close()
			t, _, err := run.Revive(args[0], d)
			if err != nil {
				return err
			}
			defer t.Close()
			draws, err := t.Policy().Sample(count, seed)
			if err != nil {
				return err
			}
			write := func(w io.Writer) error { return writeDraws(w, t.Policy(), draws, asJSON) }
			if file == "-" {
				return write(c.OutOrStdout())
			}
			return run.WriteFile(file, write)
		},
	}
	device.register(c.Flags())
	c.Flags().IntVarP(&count, "count", "n", 10, "objects to draw")
	c.Flags().Uint64Var(&seed, "seed", 1, "of the draws; the same seed draws the same objects")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line instead of tab-separated columns")
	c.Flags().StringVarP(&file, "output", "o", "-", "file to write; - is stdout")
	return c
}

func writeDraws(w io.Writer, p *gfn.Policy, draws []gfn.Draw, asJSON bool) error {
	b := bufio.NewWriter(w)
	enc := json.NewEncoder(b)
	if !asJSON {
		fmt.Fprintln(b, "state\tlog_reward\tlog_pf")
	}
	for _, d := range draws {
		if !asJSON {
			fmt.Fprintf(b, "%s\t%.6f\t%.6f\n", p.Text(d.State), d.LogR, d.LogPF)
			continue
		}
		line := drawLine{Text: p.Text(d.State), State: d.State, LogPF: d.LogPF}
		if !math.IsInf(d.LogR, 0) {
			line.LogReward = &d.LogR
		}
		if err := enc.Encode(line); err != nil {
			return err
		}
	}
	return b.Flush()
}
