package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/sluice-ml/sluice/run"
)

// This file is sluice resume.

func resumeCommand() *cobra.Command {
	var (
		device deviceFlags
		talk   talkFlags
		from   string
		asJSON bool
	)
	c := &cobra.Command{
		Use:   "resume DIR",
		Short: "Go on with a run that was interrupted or killed, to the same bits",
		Args:  one("DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			watch, err := talk.watcher()
			if err != nil {
				return err
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
			l, err := run.GoOn(args[0], d, from)
			if err != nil {
				return err
			}
			defer l.Dir.Close()
			l.Args, l.Watch = os.Args, watch
			announce(l, &talk, &device)
			ctx, cancel := interruptible()
			defer cancel()
			return finish(ctx, c.OutOrStdout(), l, &talk, asJSON)
		},
	}
	device.register(c.Flags())
	talk.register(c.Flags())
	c.Flags().StringVar(&from, "from", "", "an older checkpoint, such as step-00001000, instead of the newest")
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

// announce says where a run that is taken up again goes on. A finished one is not watched: it has nothing to show.
func announce(l *run.Loop, talk *talkFlags, device *deviceFlags) {
	at, of := l.At(), l.Config.Train.Iterations
	if l.Finished() {
		talk.say("sluice: %s is finished: iteration %d of %d", l.Dir.Path, at, of)
		l.Watch = nil
		return
	}
	talk.say("sluice: %s goes on at iteration %d of %d on %s%s", l.Dir.Path, at, of, l.Device.Name(), device.whyCPU())
}
