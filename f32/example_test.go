package f32_test

import (
	"fmt"

	"github.com/sluice-ml/sluice/f32"
)

// The log-probability of a long trajectory, summed without losing the small steps.
func Example() {
	var logPF f32.Sum[float32]
	logPF.Add(-20)
	for range 10_000 {
		logPF.Add(-5e-7) // less than half an ulp of 20: plain float32 sums stay at -20
	}
	fmt.Println(logPF.Value())
	fmt.Println(f32.Exp(-1), f32.Tanh(0.5))
	// Output:
	// -20.005
	// 0.36787945 0.46211717
}
