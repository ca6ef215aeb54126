package cpu

import "time"

// Peak measures how many float32 operations a second one thread of this machine can do in fused multiply-adds, two each, on the tier
// that New would use. Benchmarks divide by it: a rate alone says little on a shared machine. It takes a quarter of a second.
func Peak() float64 {
	t, err := tierFromEnv()
	if err != nil {
		t = tierGo
	}
	return peakFLOPs(t, 250*time.Millisecond)
}
