package main

import (
	"github.com/spf13/pflag"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/run"
)

// This file opens the device a config asks for. It is where packages cpu and run meet.

// deviceFlags override a run file's [device]; they change no result.
type deviceFlags struct {
	kind    string
	workers int
	set     *pflag.FlagSet
}

func (f *deviceFlags) register(set *pflag.FlagSet) {
	f.set = set
	set.StringVar(&f.kind, "device", "auto", "auto or cpu")
	set.IntVar(&f.workers, "workers", 0, "goroutines; 0 is one a processor. Results do not depend on it")
}

// apply puts the flags that were given into the config.
func (f *deviceFlags) apply(c *run.Config) error {
	if f.set.Changed("device") {
		c.Device.Kind = f.kind
	}
	if f.set.Changed("workers") {
		c.Device.Workers = f.workers
	}
	if err := c.Validate(); err != nil {
		return &run.ConfigError{Text: err.Error()}
	}
	return nil
}

// open is the device. auto is the CPU: there is no other yet.
func open(c run.DeviceConfig) (graph.Device, error) {
	d, err := cpu.Open(cpu.Config{Workers: c.Workers, Memory: int64(c.Memory)})
	if err != nil {
		return nil, &usageError{err} // a tier this processor has not, or a name that is none
	}
	return d, nil
}
