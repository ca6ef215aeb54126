package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/cuda"
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/sim"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/run"
)

// This file opens the device a config or a flag asks for. It is where packages cpu, cuda and run meet.

const deviceHelp = "auto (a GPU if there is one), cpu, cuda, cuda:N or sim (the GPU's kernels on the CPU, slowly)"

// deviceFlags override a run file's [device]; they change no result.
type deviceFlags struct {
	kind    string
	workers int
	set     *pflag.FlagSet
	noCard  error // why "auto" came to mean the CPU
}

func (f *deviceFlags) register(set *pflag.FlagSet) {
	f.set = set
	set.StringVar(&f.kind, "device", "", deviceHelp+". Over the run's device.kind; results do not depend on it (default: the run's, else auto)")
	set.IntVar(&f.workers, "workers", 0, "goroutines of the CPU; 0 is one a processor. Results do not depend on it")
}

// apply puts the flags that were given into the config.
func (f *deviceFlags) apply(c *run.Config) (err error) {
	if f.set.Changed("device") {
		if c.Device.Kind, err = parseDevice(f.kind); err != nil {
			return err
		}
	}
	if f.set.Changed("workers") {
		c.Device.Workers = f.workers
	}
	if err := c.Validate(); err != nil {
		return &run.ConfigError{Text: err.Error()}
	}
	return nil
}

// parseDevice is what --device says.
func parseDevice(kind string) (run.DeviceKind, error) {
	k, err := run.ParseDevice(kind)
	if err != nil {
		return "", &usageError{fmt.Errorf("--device: %w", err)}
	}
	return k, nil
}

// open is the device the config asks for, flags applied. An error says who asked for it, and what to ask for instead.
func (f *deviceFlags) open(c run.DeviceConfig) (graph.Device, error) {
	d, noCard, err := openDevice(c.Kind, c.Mode == "fast", cpu.Config{Workers: c.Workers, Memory: int64(c.Memory)})
	f.noCard = noCard
	if err != nil && c.Kind != "cpu" && c.Kind != "auto" {
		asked := fmt.Sprintf("device.kind = %q", c.Kind)
		if f.set.Changed("device") {
			asked = "--device " + string(c.Kind)
		}
		return nil, &usageError{fmt.Errorf("%s: %w; --device cpu gives the same results", asked, err)}
	}
	if err != nil {
		return nil, &usageError{err} // a tier this processor has not, or a name that is none
	}
	return d, nil
}

// whyCPU ends a line that names the device: "; no GPU: no NVIDIA driver", or nothing where the CPU was asked for or a GPU found.
func (f *deviceFlags) whyCPU() string { return whyCPU(f.noCard) }

func whyCPU(noCard error) string {
	if noCard == nil {
		return ""
	}
	why := noCard.Error()
	var call *driver.Error // whose text is for people who know the driver's calls
	switch {
	case errors.Is(noCard, driver.ErrNoDriver):
		why = driver.ErrNoDriver.Error()
	case errors.Is(noCard, driver.ErrNoDevice) && errors.As(noCard, &call):
		why = driver.ErrNoDevice.Error()
	}
	return "; no GPU: " + strings.TrimPrefix(why, "cuda: ")
}

// openDevice opens a device of a kind: a GPU in the fast mode or not, the CPU as c has it. noCard is why auto came to mean the CPU.
func openDevice(kind run.DeviceKind, fast bool, c cpu.Config) (d graph.Device, noCard, err error) {
	gpu := cuda.Config{Memory: c.Memory}
	if fast {
		gpu.Mode = cuda.Fast
	}
	n, isCard := kind.Card()
	switch {
	case kind == "sim":
		gpu.Chunk = simChunk
		d, err = cuda.New(sim.Driver(sim.Config{}), gpu)
		return d, nil, err
	case isCard:
		drv, err := driver.Lib()
		if err != nil {
			return nil, nil, err
		}
		gpu.Device = n
		d, err = cuda.New(drv, gpu)
		return d, nil, err
	case kind == "auto":
		drv, err := driver.Lib()
		if err == nil {
			d, err = firstCard(drv, gpu)
		}
		if err == nil {
			return d, nil, nil
		}
		noCard = err
	}
	d, err = cpu.Open(c)
	return d, noCard, err
}

// simChunk is small: memory that is only pretended costs real memory twice, for the simulator knows of every word whether it was written.
const simChunk = 1024

// firstCard is the first card that opens: one may be too old or in another's exclusive use. Where none does, the error is card 0's.
func firstCard(drv driver.Driver, c cuda.Config) (graph.Device, error) {
	cards, err := drv.Devices()
	if err != nil {
		return nil, err
	}
	var first error
	for i := range max(len(cards), 1) { // of no cards, New says so
		c.Device = i
		d, err := cuda.New(drv, c)
		if err == nil {
			return d, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}
