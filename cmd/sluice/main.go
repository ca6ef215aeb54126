package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-ml/sluice/bench"
	"github.com/sluice-ml/sluice/run"
)

// This file is the root command and what each error means to a script.

func main() { os.Exit(execute()) }

// Exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// exits is the table of errors and codes; the first that fits decides, anything else has failed.
var exits = []struct {
	is   func(error) bool
	code int
}{
	{func(err error) bool { return errors.Is(err, run.ErrInterrupted) }, exitInterrupted},
	{is[*usageError], exitUsage},
	{is[*checkError], exitCheck},
	{is[*run.ConfigError], exitUsage},
	{func(err error) bool { return errors.Is(err, run.ErrExists) }, exitUsage},
	{func(err error) bool { return errors.Is(err, run.ErrNoRun) }, exitUsage},
	{func(err error) bool { return errors.Is(err, bench.ErrGate) }, exitCheck},
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// usageError is a command that was given what it does not take.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func execute() int {
	running := false
	root := root()
	root.PersistentPreRun = func(*cobra.Command, []string) { running = true }
	err := root.Execute()
	if err == nil {
		return exitDone
	}
	if !running { // an unknown command or flag, a missing argument
		err = &usageError{err}
	}
	fmt.Fprintln(os.Stderr, "sluice:", strings.TrimSpace(err.Error()))
	return exitCode(err)
}

// exitCode is what an error means to a script.
func exitCode(err error) int {
	for _, e := range exits {
		if e.is(err) {
			return e.code
		}
	}
	return exitFailed
}

// helpColumns is how wide lines of help may be.
const helpColumns = 78

func root() *cobra.Command {
	c := &cobra.Command{
		Use:           "sluice",
		Short:         "Train generative flow networks and judge them exactly",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	// The library asks the terminal for nothing: lines of flags are as long as their texts unless they are told.
	c.SetUsageTemplate(strings.ReplaceAll(c.UsageTemplate(), ".FlagUsages", fmt.Sprintf(".FlagUsagesWrapped %d", helpColumns)))
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%s; see %s --help", parsing.ReplaceAllString(err.Error(), ""), c.CommandPath())
	})
	c.AddCommand(trainCommand(), resumeCommand(), evalCommand(), sampleCommand(), planCommand(), presetsCommand(), benchCommand(), doctorCommand(), reproduceCommand(reproductions), versionCommand())
	return c
}

// parsing is what the flag library says of its own works.
var parsing = regexp.MustCompile(`strconv\.\w+: parsing ".*": `)

// one is a command's single argument, by what it is.
func one(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return fmt.Errorf("%s takes one %s, got %d; see %s --help", c.CommandPath(), what, len(args), c.CommandPath())
	}
}
