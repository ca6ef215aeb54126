package main

import (
	"errors"
	"fmt"
	"strconv"
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

// deviceFlags override a run file's [device]; they change no result.
type deviceFlags struct {
	kind    string
	workers int
	set     *pflag.FlagSet
}

// card is a --device of another kind than a run file knows: "cuda", "cuda:1", "sim". It is of this call and not of the run, whose
// directory keeps "auto": a run may go on anywhere, to the same bits.
var card string

// noCard is why "auto" came to mean the CPU.
var noCard error

// whyCPU ends a line that names the device: "; no GPU: no NVIDIA driver", or nothing where the CPU was asked for or a GPU found.
func whyCPU() string {
	if noCard == nil {
		return ""
	}
	for _, plain := range []error{driver.ErrNoDriver, driver.ErrNoDevice} {
		if errors.Is(noCard, plain) {
			return "; no GPU: " + strings.TrimPrefix(plain.Error(), "cuda: ")
		}
	}
	return "; no GPU: " + noCard.Error()
}

func (f *deviceFlags) register(set *pflag.FlagSet) {
	f.set = set
	set.StringVar(&f.kind, "device", "auto", "auto, cpu, cuda, cuda:N or sim (the GPU's kernels on the CPU, slowly)")
	set.IntVar(&f.workers, "workers", 0, "goroutines; 0 is one a processor. Results do not depend on it")
}

// apply puts the flags that were given into the config.
func (f *deviceFlags) apply(c *run.Config) error {
	if f.set.Changed("device") {
		c.Device.Kind, card = f.kind, ""
		if _, err := cardNumber(f.kind); err == nil || f.kind == "sim" {
			c.Device.Kind, card = "auto", f.kind
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

// cardNumber is N of "cuda:N", 0 of "cuda".
func cardNumber(kind string) (int, error) {
	name, number, numbered := strings.Cut(kind, ":")
	if name != "cuda" {
		return 0, fmt.Errorf("%q names no card, want cuda or cuda:N", kind)
	}
	if !numbered {
		return 0, nil
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q names no card, want cuda or cuda:N", kind)
	}
	return n, nil
}

// open is the device.
func open(c run.DeviceConfig) (graph.Device, error) {
	switch {
	case card == "sim":
		return cuda.New(sim.Driver(sim.Config{}), cuda.Config{Memory: int64(c.Memory), Chunk: simChunk})
	case card != "":
		n, err := cardNumber(card)
		if err != nil {
			return nil, &usageError{err}
		}
		d, err := openCard(n, c)
		if err != nil {
			return nil, &usageError{fmt.Errorf("--device %s: %w", card, err)}
		}
		return d, nil
	case c.Kind == "auto":
		d, err := openCard(0, c)
		if err == nil {
			return d, nil
		}
		noCard = err
	}
	d, err := cpu.Open(cpu.Config{Workers: c.Workers, Memory: int64(c.Memory)})
	if err != nil {
		return nil, &usageError{err} // a tier this processor has not, or a name that is none
	}
	return d, nil
}

// simChunk is small: memory that is only pretended costs real memory twice, for the simulator knows of every word whether it was written.
const simChunk = 1024

func openCard(n int, c run.DeviceConfig) (graph.Device, error) {
	drv, err := driver.Lib()
	if err != nil {
		return nil, err
	}
	return cuda.New(drv, cuda.Config{Device: n, Memory: int64(c.Memory)})
}
