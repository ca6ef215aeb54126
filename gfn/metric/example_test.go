package metric_test

import (
	"fmt"
	"math"

	"github.com/sluice-ml/sluice/gfn/metric"
	"github.com/sluice-ml/sluice/gfn/world"
)

// The uniform policy on the 2 x 2 grid, judged against the uniform target: it ends too often where it starts and in the far corner.
func Example() {
	space, err := world.Enumerate(world.Hypergrid(2, 2), 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	logP, err := metric.Terminal(space, func(_ []int32, logits []float64) error { clear(logits); return nil })
	if err != nil {
		fmt.Println(err)
		return
	}
	exact, err := metric.Judge(space, logP, make([]float64, space.N), math.Log(5))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("tv %.4f, kl %.4f nats, log Z off by %.4f\n", exact.TV, exact.KLNats, exact.LogZError)
	// Output: tv 0.1667, kl 0.0589 nats, log Z off by 0.2231
}
