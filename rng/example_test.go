package rng_test

import (
	"fmt"

	"github.com/sluice-ml/sluice/rng"
)

// Four trajectories choose among three actions, of which the second is not allowed; then two normal numbers, drawn
// together and alone.
func Example() {
	key := rng.NewKey(1)
	logits, mask := []float32{0, 5, 1}, []uint32{0b101}
	for trajectory := range uint32(4) {
		w := key.Block(rng.Counter(trajectory, 0, 0, rng.Sample, 0))
		fmt.Print(rng.Categorical(w[0], w[1], 0.01, logits, mask), " ")
	}
	both, second := make([]float32, 2), make([]float32, 1)
	key.Fold(7).Normal(both, 0)
	key.Fold(7).Normal(second, 1)
	fmt.Println(both[1] == second[0])
	// Output:
	// 2 2 2 0 true
}
