package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sluice-ml/sluice/run"
)

// This file is sluice presets.

func presetsCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "presets [NAME]",
		Short:   "List the runs that come with the program, or print one",
		Example: "  sluice presets hypergrid-8x8 > grid.toml",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			list := run.Presets()
			if len(args) == 1 {
				var names []string
				for _, p := range list {
					names = append(names, p.Name)
					if p.Name == args[0] && asJSON {
						return printJSON(c.OutOrStdout(), p)
					} else if p.Name == args[0] {
						_, err := io.WriteString(c.OutOrStdout(), p.Text)
						return err
					}
				}
				return &usageError{fmt.Errorf("no preset is called %q; presets are %s", args[0], strings.Join(names, ", "))}
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), list)
			}
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 3, ' ', 0)
			for _, p := range list {
				fmt.Fprintf(w, "%s\t%s\n", p.Name, p.Summary)
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return c
}
