package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/sluice-ml/sluice/run"
)

// This file is sluice eval.

func evalCommand() *cobra.Command {
	var (
		device deviceFlags
		asJSON bool
	)
	c := &cobra.Command{
		Use:   "eval DIR",
		Short: "Judge the newest checkpoint of a run",
		Long: "Judge the newest checkpoint of a run: exactly where its world can be listed,\n" +
			"else by sampling. The run may be going on.",
		Args: one("DIR"),
		RunE: func(c *cobra.Command, args []string) error {
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
			e, err := run.Judge(args[0], d)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), e)
			}
			_, err = io.WriteString(c.OutOrStdout(), e.Table())
			return err
		},
	}
	device.register(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object; its keys are stable")
	return c
}
