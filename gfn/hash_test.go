package gfn_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/nn"
	"github.com/sluice-ml/sluice/nn/optim"
)

func small(b balance.Balance, back gfn.Backward) gfn.Job {
	j := grid8(1, b, back)
	j.Net, j.Batch, j.Iterations = nn.MLP{Hidden: []int{32, 32}}, 16, 20
	return j
}

func train(t *testing.T, j gfn.Job) string {
	t.Helper()
	p, err := gfn.Train(context.Background(), j)
	require.NoError(t, err)
	return p.Hash()
}

func TestDump(t *testing.T) {
	for _, b := range []balance.Balance{balance.TB{}, balance.DB{}, balance.VarGrad{}} {
		for _, back := range []gfn.Backward{gfn.Uniform, gfn.Learned} {
			t.Log(b, back, train(t, small(b, back)))
		}
	}
	j := grid8(1, balance.TB{}, gfn.Learned)
	j.Iterations = 50
	j.Explore = optim.Linear(.2, 0, 25)
	for _, w := range []int{1, 2, 4} {
		for _, ch := range []int{16, 100, 256} {
			for _, m := range []int64{0, 1, 1 << 20} {
				j.Device = cpu.New(cpu.Config{Workers: w, Chunk: ch, Memory: m})
				t.Log(w, ch, m, train(t, j))
			}
		}
	}
	_ = graph.Params{}
	j = small(balance.TB{}, gfn.Uniform)
	j.World = world.Each(tower{})
	j.LogReward = reward.Each(logReward)
	t.Log(train(t, j))
	j.World = world.FromMoves(graph.Moves{Kind: graph.Append, Registers: 8, Values: 4})
	t.Log(train(t, j))
	fmt.Println()
}
