package gfn_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
)

// hidden is the reward as a plain function, so that Go is asked for every object.
func hidden(r reward.Reward) reward.Reward {
	return reward.Each(func(s []int32) float32 {
		logR, err := r.LogReward(nil, s, len(s))
		if err != nil {
			panic(err)
		}
		return logR[0]
	})
}

// wordTable is a table over a world in which not every combination of registers is a state.
func wordTable(m graph.Moves) (reward.Table, world.World) {
	w := world.FromMoves(m)
	n, err := w.(world.Enumerator).States()
	if err != nil {
		panic(err)
	}
	table := reward.Table{World: w, LogR: make([]float32, n)}
	for i := range table.LogR {
		table.LogR[i] = float32(i%7)/3 - 1
	}
	return table, w
}

// A reward that is data gives what it gives as code, to the bit: progress of every iteration, draws, and parameters; in worlds that are
// data and worlds that are code, drawn and given.
func TestRewardAsData(t *testing.T) {
	jobs := map[string]gfn.Job{"grid": grid8(3, balance.TB{}, gfn.Learned), "flow": grid8(4, balance.DB{}, gfn.Uniform), "code": towers(world.Each(tower{}))}
	grid := jobs["code"]
	words, w := wordTable(graph.Moves{Kind: graph.Append, Registers: 4, Values: 4})
	grid.World, grid.LogReward, grid.Balance = w, words, balance.VarGrad{}
	jobs["words"] = grid
	full, w := wordTable(graph.Moves{Kind: graph.Increment, Registers: 3, Values: 3, Stop: graph.StopFull})
	grid.World, grid.LogReward, grid.Balance, grid.Backward = w, full, balance.DB{}, gfn.Learned
	jobs["full"] = grid
	jobs["code"] = withReward(jobs["code"], reward.Hypergrid{Side: 4, R0: .1, R1: .5, R2: 2}) // a height is a coordinate
	for name, j := range jobs {
		for _, d := range devices {
			t.Run(name, func(t *testing.T) {
				dev := d(t)
				j.Net.Hidden, j.Batch, j.Device = []int{16}, 16, dev
				var trainers [2]*gfn.Trainer
				for i, r := range []reward.Reward{j.LogReward, hidden(j.LogReward)} {
					tr, err := gfn.New(withReward(j, r))
					require.NoError(t, err)
					defer tr.Close()
					trainers[i] = tr
				}
				a, b := trainers[0], trainers[1]
				require.NotNil(t, a.Plan().Reward)
				require.Nil(t, b.Plan().Reward)
				for range 4 {
					p, err := a.Step()
					require.NoError(t, err)
					q, err := b.Step()
					require.NoError(t, err)
					same(t, q, p)
				}
				draws, err := a.Policy().Sample(20, 9)
				require.NoError(t, err)
				want, err := b.Policy().Sample(20, 9)
				require.NoError(t, err)
				require.Equal(t, want, draws)
				require.Equal(t, b.Policy().Hash(), a.Policy().Hash())
			})
		}
	}
}

func withReward(j gfn.Job, r reward.Reward) gfn.Job {
	j.LogReward = r
	return j
}

// same is equality of what iterations showed; without log Z it is NaN.
func same(t *testing.T, want, got gfn.Progress) {
	t.Helper()
	require.Equal(t, math.Float64bits(want.LogZ), math.Float64bits(got.LogZ))
	want.LogZ, got.LogZ = 0, 0
	require.Equal(t, want, got)
}

// untold is a device that is told no reward.
type untold struct{ graph.Device }

func (d untold) Compile(p *graph.Plan) (graph.Program, error) {
	q, err := d.Device.Compile(p)
	return untoldProgram{q}, err
}

type untoldProgram struct{ graph.Program }

func (untoldProgram) Reward([]float32) { panic("told a reward") }

// A device that computes the reward is not told it.
func TestRewardAsDataIsNotTold(t *testing.T) {
	j := grid8(1, balance.TB{}, gfn.Uniform)
	j.Device = untold{j.Device}
	tr, err := gfn.New(j)
	require.NoError(t, err)
	defer tr.Close()
	for range 2 {
		_, err = tr.Step()
		require.NoError(t, err)
	}
	code, err := gfn.New(withReward(j, hidden(j.LogReward)))
	require.NoError(t, err)
	defer code.Close()
	require.PanicsWithValue(t, "told a reward", func() { _, _ = code.Step() })
}

// A type that embeds a reward and rewards otherwise is code, and what it says is what is trained on.
func TestEmbeddedRewardIsCode(t *testing.T) {
	grid := reward.Hypergrid{Side: 8, R0: .1, R1: .5, R2: 2}
	j := withReward(grid8(1, balance.TB{}, gfn.Uniform), tempered{grid})
	j.Iterations = 3
	want := train(t, withReward(j, hidden(tempered{grid})))
	require.Equal(t, want, train(t, j))
	require.NotEqual(t, want, train(t, withReward(j, grid)))
}

type tempered struct{ reward.Hypergrid }

func (r tempered) LogReward(dst []float32, s []int32, ints int) ([]float32, error) {
	dst, err := r.Hypergrid.LogReward(dst, s, ints)
	for i := range dst {
		dst[i] /= 2
	}
	return dst, err
}
