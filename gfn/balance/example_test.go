package balance_test

import (
	"fmt"

	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/graph"
)

// half is a user's own balance: trajectory balance with half the gradient, since one factor of the square is held constant.
type half struct{ balance.TB }

func (half) Loss(b *graph.Builder, t balance.Terms) graph.Node {
	r := b.Sub(b.Add(t.LogZ, b.SumT(t.LogPF)), b.Add(t.LogR, b.SumT(t.LogPB)))
	return b.Mean(b.Mul(b.StopGrad(r), r))
}

// A formula is one line a term, and one check at its end.
func ExampleBalance() {
	b := graph.NewBuilder(graph.Shape{Ints: 1, Active: 1, Features: 4, Values: 4, Actions: 2, Stop: 1, Back: 1, Steps: 4})
	steps := b.Data(graph.LogPBUniform)
	t := balance.Terms{LogPF: steps, LogPB: steps, LogR: b.Data(graph.LogR), LogZ: b.Spread(b.Param("log_z", "log_z", graph.Init{}))}
	fmt.Println(balance.TB{}.Loss(b, t), half{}.Loss(b, t), b.Err())
	// Output: scalar scalar <nil>
}
