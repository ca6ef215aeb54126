package nn_test

import (
	"fmt"

	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/nn"
)

// A policy's network on the 8 x 8 hypergrid: 16 one-hot features, three actions.
func ExampleMLP() {
	b := graph.NewBuilder(graph.Shape{Ints: 2, Active: 2, Features: 16, Values: 8, Actions: 3, Stop: 2, Back: 2, Steps: 15})
	net := nn.MLP{Hidden: []int{64, 32}}
	torso := net.Torso(b, 16, 2)
	logits := nn.Head(b, torso, "policy.forward", 3)
	fmt.Println(torso, logits, b.Err())
	for _, p := range b.Params() {
		fmt.Println(p.Name, p.Shape)
	}
	// Output:
	// [rows, 32] [rows, 3] <nil>
	// policy.torso.0.weight [16 64]
	// policy.torso.0.bias [64]
	// policy.torso.1.weight [64 32]
	// policy.torso.1.bias [32]
	// policy.forward.weight [32 3]
	// policy.forward.bias [3]
}
