// This file measures how fast a tier could be, so that benchmarks can say what share of it they reach.

package cpu

import (
	"runtime"
	"time"
)

// peakFLOPs is the best rate, in operations a second, at which one thread does fused multiply-adds (two operations
// each) in registers, over bursts of about a millisecond that take at least d together.
func peakFLOPs(t tier, d time.Duration) float64 {
	kernel, flops := peakGo, float64(2)
	if t != tierGo {
		kernel, flops = peakKernel(t)
	}
	n, best := 1000, 0.0
	for begin := time.Now(); best == 0 || time.Since(begin) < d; {
		start := time.Now()
		kernel(n)
		took := time.Since(start)
		if took < time.Millisecond {
			n *= 2
			continue
		}
		best = max(best, float64(n)*flops/took.Seconds())
	}
	return best
}

func peakGo(n int) {
	var s [4]float32 // independent chains, as in matmulDef
	for range n / 4 {
		for i, x := range s {
			s[i] = fma(x, x, x)
		}
	}
	runtime.KeepAlive(s) // or the compiler drops the loop
}
