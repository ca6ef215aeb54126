package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/cuda"
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/sim"
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/nn"
	"github.com/sluice-ml/sluice/run"
)

// This file is sluice doctor: whether this machine's devices compute the defined bits, and how fast.

// checkError is a check that did not hold.
type checkError struct{ error }

func (e *checkError) Unwrap() error { return e.error }

// diagnosis is what doctor prints.
type diagnosis struct {
	Driver  string    `json:"driver,omitempty"`
	CUDA    string    `json:"cuda,omitempty"`
	Missing string    `json:"missing,omitempty"` // why there is no GPU to use
	Devices []patient `json:"devices"`
}

// patient is one device.
type patient struct {
	Name     string      `json:"name"`
	Card     string      `json:"card,omitempty"`
	Memory   int64       `json:"memory_bytes,omitempty"`
	Checks   []checked   `json:"checks"`
	Training string      `json:"training"` // "has the defined bits", or what differs
	Speed    *cuda.Speed `json:"speed,omitempty"`
	Unusable string      `json:"unusable,omitempty"` // why the kernels are not for this card, which is no fault of it
	Error    string      `json:"error,omitempty"`
	failed   bool
}

type checked struct {
	Name   string `json:"name"`
	Passed bool   `json:"passed"`
}

// verdict is the first device that is not sound.
func (d *diagnosis) verdict() error {
	for _, p := range d.Devices {
		if p.failed {
			return &checkError{fmt.Errorf("%s is not sound", p.Name)}
		}
	}
	return nil
}

func doctorCommand() *cobra.Command {
	var asJSON bool
	var kind string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check that this machine's devices compute the defined bits",
		Long: "Look for the NVIDIA driver, its GPUs and cuBLAS; on the CPU and on each GPU\n" +
			"run every kernel and a short training and compare their bits with committed\n" +
			"hashes; measure each GPU. Ends with 3 if anything differs. Without a GPU, or\n" +
			"with one that is too old, it says so and ends with 0.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			k, err := parseDevice(kind)
			if err != nil {
				return err
			}
			d, err := diagnose(c.Context(), k, driver.Lib)
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(c.OutOrStdout(), d)
			} else {
				err = d.print(c.OutOrStdout())
			}
			if err != nil {
				return err
			}
			return d.verdict()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	c.Flags().StringVar(&kind, "device", "auto", "auto (the CPU and every GPU), cpu, cuda, cuda:N or sim")
	return c
}

// diagnose examines the devices of a kind; load finds the GPUs' driver.
func diagnose(ctx context.Context, kind run.DeviceKind, load func() (driver.Driver, error)) (*diagnosis, error) {
	d := &diagnosis{Devices: []patient{}}
	if kind == "auto" || kind == "cpu" {
		d.Devices = append(d.Devices, examine(ctx, "cpu", func() (graph.Device, error) { return cpu.Open(cpu.Config{}) }))
	}
	if kind == "cpu" {
		return d, nil
	}
	if kind == "sim" {
		d.Driver = "simulator"
		d.Devices = append(d.Devices, examine(ctx, "sim", func() (graph.Device, error) {
			return cuda.New(sim.Driver(sim.Config{}), cuda.Config{Chunk: simChunk})
		}))
		return d, nil
	}
	drv, err := load()
	if err == nil {
		d.Driver = drv.Name()
		err = d.cards(ctx, kind, drv)
	}
	if err != nil && kind != "auto" {
		return nil, &usageError{fmt.Errorf("--device %s: %w", kind, err)}
	}
	if err != nil {
		d.Missing = err.Error()
	}
	return d, nil
}

// cards examines those of drv that the kind names. An error is that there is none to examine.
func (d *diagnosis) cards(ctx context.Context, kind run.DeviceKind, drv driver.Driver) error {
	version, err := drv.Version()
	if err != nil {
		return err
	}
	d.CUDA = driver.Release(version)
	cards, err := drv.Devices()
	if err != nil {
		return err
	}
	if len(cards) == 0 {
		return driver.ErrNoDevice
	}
	only, one := kind.Card()
	if one && only >= len(cards) {
		return fmt.Errorf("the driver finds %d", len(cards))
	}
	for i, info := range cards {
		if one && only != i {
			continue
		}
		dev, err := cuda.New(drv, cuda.Config{Device: i})
		if one && errors.Is(err, driver.ErrNoDevice) {
			return err // who asked for this card asked for what is not to be had
		}
		p := patient{Name: fmt.Sprintf("cuda:%d", i), Checks: []checked{}}
		if errors.Is(err, driver.ErrNoDevice) {
			p.Unusable = err.Error()
		} else {
			p = examine(ctx, p.Name, func() (graph.Device, error) { return dev, err })
		}
		p.Card, p.Memory = info.Name, info.Memory
		d.Devices = append(d.Devices, p)
	}
	return nil
}

// examine runs all checks on one device. A failure of the device is part of the diagnosis.
func examine(ctx context.Context, name string, open func() (graph.Device, error)) (p patient) {
	p = patient{Name: name, Checks: []checked{}}
	dev, err := open()
	if err != nil {
		p.fail(err)
		return p
	}
	defer dev.Close()
	p.Name = dev.Name()
	checks, err := cuda.SelfTest(dev)
	for _, c := range checks {
		p.Checks = append(p.Checks, checked{c.Name, c.Passed()})
		p.failed = p.failed || !c.Passed()
	}
	if err != nil {
		p.fail(err)
		return p
	}
	got, err := trained(ctx, dev)
	if err != nil {
		p.fail(err)
		return p
	}
	if p.Training = "has the defined bits"; got != trainedHash {
		p.Training, p.failed = fmt.Sprintf("parameters %.12s, should be %.12s", got, trainedHash), true
	}
	if _, err := cuda.Describe(dev); err == nil && name != "sim" { // else there is nothing to measure
		p.measure(dev)
	}
	return p
}

func (p *patient) fail(err error) { p.Error, p.failed = err.Error(), true }

// measure adds the speed, as far as it can be measured: what others have on the card, and a cuBLAS that is broken, are no fault of it.
func (p *patient) measure(dev graph.Device) {
	speed, err := cuda.Measure(dev)
	if err != nil {
		p.fail(err)
		return
	}
	p.Speed = &speed
}

// trainedHash is what trained has to be on every device, the CPU too: the plain Go loops of package cpu, which are the definition, give it
// (SLUICE_CPU=go). It changes only with the defined arithmetic, as testdata/hashes.txt does.
const trainedHash = "4a534f3d3ce15a0d89e6192d93ad061743c40915acf9dd9e073ae777b5f2e0ed"

// trained is the hash of a short training: 8x8 grid, learned P_B, detailed balance.
func trained(ctx context.Context, dev graph.Device) (string, error) {
	w := world.FromMoves(graph.Moves{Kind: graph.Increment, Registers: 2, Values: 8, Stop: graph.StopAnywhere})
	logR := reward.Each(func(s []int32) float32 { return -float32((s[0]-5)*(s[0]-5)+(s[1]-2)*(s[1]-2)) / 8 })
	p, err := gfn.Train(ctx, gfn.Job{Device: dev, World: w, LogReward: logR, Balance: balance.DB{}, Backward: gfn.Learned,
		Net: nn.MLP{Hidden: []int{32, 32}}, Batch: 16, Iterations: 10, Seed: 1})
	if err != nil {
		return "", err
	}
	return p.Hash(), nil
}

func (d *diagnosis) print(w io.Writer) error {
	var errs []error
	say := func(format string, args ...any) {
		_, err := fmt.Fprintf(w, format+"\n", args...)
		errs = append(errs, err)
	}
	if d.Driver != "" {
		say("driver    %s %s", d.Driver, d.CUDA)
	}
	if d.Missing != "" {
		say("no GPU    %s", d.Missing)
	}
	for _, p := range d.Devices {
		say("%s", p.Name)
		if p.Card != "" {
			say("  card      %s, %.1f GiB", p.Card, float64(p.Memory)/(1<<30))
		}
		bad := 0
		for _, c := range p.Checks {
			if !c.Passed {
				bad++
				say("  DIFFERS   %s", c.Name)
			}
		}
		if len(p.Checks) > 0 {
			say("  kernels   %d of %d checks have the defined bits", len(p.Checks)-bad, len(p.Checks))
		}
		if p.Training != "" {
			say("  training  %s", p.Training)
		}
		if p.Speed != nil {
			say("  speed     %s", p.Speed)
			if p.Speed.MemoryMissing != "" {
				say("  memory    too little is free to measure %s", p.Speed.MemoryMissing)
			}
			if p.Speed.BLASMissing != "" {
				say("  cuBLAS    %s (only the fast mode wants it)", p.Speed.BLASMissing)
			}
			if p.Speed.SpilledBytes > 0 {
				say("  spills    %d bytes: slower than meant, right all the same", p.Speed.SpilledBytes)
			}
		}
		if p.Unusable != "" {
			say("  unusable  %s", p.Unusable)
		}
		if p.Error != "" {
			say("  FAILED    %s", p.Error)
		}
	}
	return errors.Join(errs...)
}
