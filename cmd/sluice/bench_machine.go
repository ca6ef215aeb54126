package main

import (
	"os"
	"runtime"
	"sync"

	"github.com/sluice-ml/sluice/bench"
	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/run"
)

// This file is where package bench meets the devices.

// machineOf is this machine's CPU, or another device: then nothing is known of a peak, and there are no workers.
func machineOf(kind run.DeviceKind, fast bool) bench.Machine {
	if kind != "cpu" {
		return bench.Machine{Cores: 1, Device: func(int, string) (graph.Device, error) {
			d, _, err := openDevice(kind, fast, cpu.Config{})
			return d, err
		}}
	}
	return bench.Machine{
		Cores: runtime.GOMAXPROCS(0),
		Device: func(workers int, tier string) (graph.Device, error) {
			defer forceTier(tier)()
			return cpu.Open(cpu.Config{Workers: workers})
		},
		Tiers:   cpu.Tiers(),
		Peak:    cpu.Peak,
		Product: func(p bench.Product) (func(), error) { return cpu.Product(p.TA, p.TB, p.M, p.K, p.N) },
	}
}

const tierVariable = "SLUICE_CPU"

var tierLock sync.Mutex

// forceTier sets the variable that package cpu chooses its tier by, unless tier is empty, and returns what sets it back: a device keeps
// the tier it was opened with.
func forceTier(tier string) (back func()) {
	if tier == "" {
		return func() {}
	}
	tierLock.Lock()
	before, was := os.LookupEnv(tierVariable)
	_ = os.Setenv(tierVariable, tier) // fails for a zero byte only
	return func() {
		defer tierLock.Unlock()
		if was {
			_ = os.Setenv(tierVariable, before)
			return
		}
		_ = os.Unsetenv(tierVariable)
	}
}
