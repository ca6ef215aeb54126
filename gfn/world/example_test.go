package world_test

import (
	"errors"
	"fmt"

	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
)

// tower is up to 8 blocks of height 1..3; it may stop at any time.
type tower struct{}

func (tower) Spec() world.Spec {
	return world.Spec{Ints: 8, Values: 4, Forward: 3, Backward: 1, Stop: true, Steps: 9} // stop counts
}

func (tower) Forward(s []int32, m world.Mask) { // moves only: the engine adds stop
	if s[7] == 0 {
		m.All()
	}
}

func (tower) Backward(s []int32, m world.Mask) {
	if s[0] != 0 {
		m.Allow(0)
	}
}

func (tower) Step(s []int32, a int) int { // returns the undo action that takes it back
	s[top(s)] = int32(a + 1)
	return 0
}

func (tower) Undo(s []int32, b int) int {
	i := top(s) - 1
	a := int(s[i]) - 1
	s[i] = 0
	return a
}

func top(s []int32) (n int) {
	for n < len(s) && s[n] != 0 {
		n++
	}
	return n
}

func ExampleEach() {
	w := world.Each(tower{})
	space, err := world.Enumerate(w, 0)
	fmt.Println(space.N, err) // 1 + 3 + 9 + ... + 3^8
	// Output: 9841 <nil>
}

// knapsack has no stop action: it holds things of weight 2, 3 and 4, several of each, and ends when nothing more fits. s[i] is how
// many things of kind i are in it.
type knapsack struct{}

var weights = [...]int32{2, 3, 4}

const capacity = 8

func left(s []int32) int32 {
	return capacity - s[0]*weights[0] - s[1]*weights[1] - s[2]*weights[2]
}

func (knapsack) Spec() world.Spec {
	return world.Spec{Ints: 3, Values: 5, Forward: 3, Backward: 3, Steps: 4} // four of the lightest fill it
}

func (knapsack) Forward(s []int32, m world.Mask) {
	for i, w := range weights {
		if w <= left(s) {
			m.Allow(i)
		}
	}
}

func (knapsack) Backward(s []int32, m world.Mask) { // whatever is in it may have come last
	for i, n := range s {
		if n > 0 {
			m.Allow(i)
		}
	}
}

func (knapsack) Step(s []int32, a int) int { s[a]++; return a }

func (knapsack) Undo(s []int32, b int) int { s[b]--; return b }

func (knapsack) Terminal(s []int32) bool { return left(s) < weights[0] }

// A world without a stop action has a Terminal method: a trajectory ends on reaching such a state.
func ExampleTerminal() {
	w := world.Each(knapsack{})
	space, err := world.Enumerate(w, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range space.N {
		if space.Ends(i) {
			fmt.Print(world.Text(w, space.State(i)), " ")
		}
	}
	fmt.Println()
	// Output: (0,1,1) (0,0,2) (2,1,0) (2,0,1) (1,2,0) (4,0,0)
}

// The tower again, as data that any device can step.
func ExampleFromMoves() {
	w := world.FromMoves(graph.Moves{Kind: graph.Append, Registers: 8, Values: 4, Stop: graph.StopAnywhere})
	s := make([]int32, 8)
	undo := make([]int32, 1)
	for _, a := range []int32{1, 0, 2} {
		w.Step(undo, s, []int32{a})
	}
	fmt.Println(world.Text(w, s))
	// Output: [2 1 3]
}

// Pushing probability: every state passes what it holds on to its children and keeps what stops.
func ExampleEnumerate() {
	w := world.Hypergrid(2, 3)
	space, err := world.Enumerate(w, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	here, stops := make([]float64, space.N), make([]float64, space.N)
	here[0] = 1
	for i := range space.N {
		share := here[i] / float64(space.ForwardMasks().Row(i).Count()) // the uniform policy
		if space.Stop[i] {
			stops[i] = share
		}
		for _, c := range space.Child[space.First[i]:space.First[i+1]] {
			here[c] += share
		}
	}
	corner := space.Index([]int32{2, 2})
	fmt.Printf("%s %.4f\n", world.Text(w, space.State(corner)), stops[corner])
	// Output: (2,2) 0.1296
}

// A world that is too large says so before anything is searched.
func ExampleTooLargeError() {
	_, err := world.Enumerate(world.Hypergrid(4, 32), 200_000)
	var large *world.TooLargeError
	fmt.Println(errors.As(err, &large), err)
	// Output: true world: 1048576 states, the limit is 200000: exact metrics are off
}

func ExampleMask() {
	spec := world.Spec{Ints: 1, Values: 2, Forward: 40, Backward: 1, Stop: true, Steps: 2}
	masks := spec.ForwardMasks(make([]uint32, 3*spec.Words()))
	masks.Reset(true) // what the engine does before it calls Forward
	m := masks.Row(1)
	m.All()
	m.Deny(7)
	fmt.Println(m.Count(), m.Allowed(7), m.Allowed(40), masks.Row(0).Count())
	// Output: 40 false true 1
}
