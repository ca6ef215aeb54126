package balance_test

import (
	"context"
	"fmt"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
)

// mixed is a balance of one's own: the residual of trajectory balance, squared, and beside it a part of the log-partition variance,
// which needs no log Z and helps while log Z is far off.
type mixed struct{ part float32 }

func (mixed) Needs() balance.Needs { return balance.Needs{LogZ: true} }

func (m mixed) Loss(b *graph.Builder, t balance.Terms) graph.Node {
	c := b.Sub(b.Add(t.LogR, b.SumT(t.LogPB)), b.SumT(t.LogPF)) // [trajs]
	r := b.Sub(t.LogZ, c)
	return b.Add(b.Mean(b.Square(r)), b.Scale(m.part, b.Variance(c)))
}

func (m mixed) String() string { return "mixed" }

func (mixed) MinBatch() int { return 2 } // for the variance

// A formula is one line a term; mistakes are kept by the Builder and come out of Train with the line they were made in.
func ExampleBalance() {
	p, err := gfn.Train(context.Background(), gfn.Job{
		Device: cpu.New(cpu.Config{}), World: world.Hypergrid(2, 5), LogReward: reward.Hypergrid{Side: 5, R0: .1, R1: .5},
		Balance: mixed{part: .5}, Iterations: 400, Seed: 1,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	exact, err := p.Exact()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("tv < 0.05:", exact.TV < .05)
	// Output: tv < 0.05: true
}
