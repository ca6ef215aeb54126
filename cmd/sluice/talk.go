package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/run"
)

// This file is how commands talk: the progress on stderr, JSON on stdout, Ctrl-C.

// talkFlags say how much a command talks while it works.
type talkFlags struct {
	quiet  bool
	format string
}

func (f *talkFlags) register(set *pflag.FlagSet) {
	set.BoolVar(&f.quiet, "quiet", false, "no progress and no talk")
	set.StringVar(&f.format, "log-format", "", "text or json log lines; without it, one progress line on a terminal and text elsewhere")
}

// watcher is the progress that suits stderr.
func (f *talkFlags) watcher() (run.Watcher, error) {
	var handler slog.Handler
	switch f.format {
	case "":
		if fd := int(os.Stderr.Fd()); !f.quiet && term.IsTerminal(fd) && os.Getenv("TERM") != "dumb" {
			width := func() int {
				if w, _, err := term.GetSize(fd); err == nil && w > 0 {
					return w
				}
				return 80
			}
			return run.NewBar(os.Stderr, width, os.Getenv("NO_COLOR") == ""), nil
		}
		handler = slog.NewTextHandler(os.Stderr, nil)
	case "text":
		handler = slog.NewTextHandler(os.Stderr, nil)
	case "json":
		handler = slog.NewJSONHandler(os.Stderr, nil)
	default:
		return nil, &usageError{fmt.Errorf("--log-format: must be text or json, is %q", f.format)}
	}
	if f.quiet {
		return nil, nil
	}
	return run.NewLogger(slog.New(handler)), nil
}

// say is talk.
func (f *talkFlags) say(format string, args ...any) {
	if !f.quiet {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
	}
}

// begin gives a loop that is about to run what it runs on and who watches, and announces it.
func (f *talkFlags) begin(name string, device graph.Device, watch run.Watcher, flags *deviceFlags) func(*run.Loop) {
	return func(l *run.Loop) {
		l.Device, l.Args, l.Watch = device, os.Args, watch
		if l.Resume {
			announce(l, f, flags)
			return
		}
		f.say("sluice: %s on %s, seed %d, into %s%s", name, device.Name(), l.Config.Seed, l.Dir.Path, flags.whyCPU())
	}
}

// interruptible is a context that the first Ctrl-C (or SIGTERM) cancels; the second ends the process at once.
func interruptible() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		fmt.Fprintln(os.Stderr, "\nsluice: stopping after this iteration, with a checkpoint; once more stops at once")
		<-signals
		os.Exit(exitInterrupted)
	}()
	return ctx, cancel
}

// printJSON writes one object, indented, keys in declared order.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
