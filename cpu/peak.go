package cpu

import (
	"math"
	"time"
)

// Tiers are the values of SLUICE_CPU that this processor and this build can do, slowest first.
func Tiers() (names []string) {
	for _, t := range tiers() {
		names = append(names, t.String())
	}
	return names
}

// Peak measures how many float32 operations a second one thread of this machine can do in fused multiply-adds, two each, on the tier
// that New would use, NaN where SLUICE_CPU asks for one that this machine has not. Benchmarks divide by it: a rate alone says little on a
// shared machine. It takes a quarter of a second.
func Peak() float64 {
	t, err := tierFromEnv()
	if err != nil {
		return math.NaN()
	}
	return peakFLOPs(t, 250*time.Millisecond)
}
