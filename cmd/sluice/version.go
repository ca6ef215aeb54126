package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sluice-ml/sluice/run"
)

// This file is sluice version.

func versionCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "version",
		Short: "Say which program this is",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			b := run.ReadBuild()
			if asJSON {
				return printJSON(c.OutOrStdout(), b)
			}
			dirty := ""
			if b.Dirty {
				dirty = ", changed"
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "sluice %s (commit %s%s) %s %s/%s\n", b.Version, b.Commit, dirty, b.Go, b.OS, b.Arch)
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return c
}
