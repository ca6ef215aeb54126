package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/run"
)

// This file is sluice plan.

// planSummary is a plan in numbers.
type planSummary struct {
	Name        string   `json:"name"`
	Device      string   `json:"device"`
	Lanes       int      `json:"lanes"`
	Parameters  int      `json:"parameters"` // numbers, padding left out
	RowBytes    int      `json:"bytes_per_row"`
	Step        int      `json:"step_instructions"`
	Close       int      `json:"close_instructions"`
	Backward    int      `json:"backward_instructions"`
	ParamShapes []tensor `json:"tensors"`
	Text        string   `json:"text"`
}

type tensor struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
	Group string `json:"group"`
}

func planCommand() *cobra.Command {
	var (
		device deviceFlags
		set    []string
		asJSON bool
	)
	c := &cobra.Command{
		Use:   "plan PRESET|FILE",
		Short: "Print what one iteration of a run executes",
		Long:  "Print what one iteration of a run executes, instruction by instruction.",
		Args:  one("PRESET or FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			config, name, err := run.Load(args[0], set)
			if err != nil {
				return err
			}
			if err := device.apply(&config); err != nil {
				return err
			}
			s, err := summarise(&device, config, name)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), s)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s on %s: %d parameters, %d lanes, %d bytes a row\n%s\n",
				s.Name, s.Device, s.Parameters, s.Lanes, s.RowBytes, s.Text)
			return err
		},
	}
	device.register(c.Flags())
	c.Flags().StringArrayVar(&set, "set", nil, "key=value over the file; may be repeated")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}

func summarise(device *deviceFlags, c run.Config, name string) (*planSummary, error) {
	d, err := device.open(c.Device)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	job, err := c.Job(d)
	if err != nil {
		return nil, err
	}
	t, err := gfn.New(job)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	p := t.Plan()
	s := &planSummary{Name: name, Device: d.Name(), Lanes: t.Lanes(), Step: len(p.Step), Close: len(p.Close), Backward: len(p.Backward),
		RowBytes: p.BytesPerRow(), Text: p.String()}
	for _, x := range p.Params {
		s.Parameters += x.Size()
		s.ParamShapes = append(s.ParamShapes, tensor{x.Name, x.Shape, x.Group})
	}
	return s, nil
}
