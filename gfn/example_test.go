package gfn_test

import (
	"context"
	"fmt"
	"log"
	"math"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/nn"
)

type tower struct{} // up to 8 blocks of height 1..3, may stop at any time

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

func logReward(s []int32) float32 {
	h := int32(0)
	for _, v := range s {
		h += v
	}
	return -float32(max(h-12, 12-h)) / 2
}

func ExampleTrain() {
	p, err := gfn.Train(context.Background(), gfn.Job{
		Device: cpu.New(cpu.Config{}), World: world.Each(tower{}), LogReward: reward.Each(logReward),
		Balance: balance.TB{}, Net: nn.MLP{Hidden: []int{64, 64}}, Batch: 64, Iterations: 1500, Seed: 1,
	})
	if err != nil {
		log.Fatal(err)
	}
	exact, err := p.Exact()
	if err != nil {
		log.Fatal(err)
	}
	draws, err := p.Sample(5, 7) // count, seed
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("tv < 0.05:", exact.TV < 0.05)
	fmt.Println("draws:", len(draws))
	if exact.TV >= 0.05 {
		fmt.Println(exact.TV, exact.LogZ, exact.LogZTrue)
	}
	// Output:
	// tv < 0.05: true
	// draws: 5
}

// Exact's laws are by state index; its Space says which state that is, and in which a trajectory may end (on a grid, all).
func ExamplePolicy_Exact() {
	p, err := gfn.Train(context.Background(), gfn.Job{
		Device: cpu.New(cpu.Config{}), World: world.Hypergrid(2, 4), LogReward: reward.Table{World: world.Hypergrid(2, 4), LogR: corner()},
		Balance: balance.TB{}, Iterations: 500, Seed: 1,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	e, err := p.Exact()
	if err != nil {
		log.Fatal(err)
	}
	for i, q := range e.True {
		if e.Space.Ends(i) && q > .2 {
			fmt.Printf("%s %.2f, learned within .05: %v\n", p.Text(e.Space.State(i)), q, math.Abs(e.Learned[i]-q) < .05)
		}
	}
	at := e.Space.Index([]int32{1, 2}) // and the way back
	fmt.Println(p.Text(e.Space.State(at)))
	// Output:
	// (3,3) 0.35, learned within .05: true
	// (1,2)
}

// corner is log R of the 16 cells: 8 in the last, 1 elsewhere.
func corner() []float32 {
	r := make([]float32, 16)
	r[15] = float32(math.Log(8))
	return r
}
