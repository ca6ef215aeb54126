package gfn_test

import (
	"context"
	"math"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
)

// counted is a Scorer whose LogReward counts the objects it is asked for.
type counted struct {
	reward.Scorer
	reward.Reward
	asked *atomic.Int64
}

func count(r reward.Reward) counted {
	return counted{Scorer: r.(reward.Scorer), Reward: r, asked: new(atomic.Int64)}
}

func (c counted) LogReward(dst []float32, s []int32, ints int) ([]float32, error) {
	c.asked.Add(int64(len(s) / ints))
	return c.Reward.LogReward(dst, s, ints)
}

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
// data and worlds that are code, drawn and given. Its LogReward is asked for the first batch alone.
func TestScoreIsTheReward(t *testing.T) {
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
				asked := count(j.LogReward)
				var trainers [2]*gfn.Trainer
				for i, r := range []reward.Reward{asked, hidden(j.LogReward)} {
					tr, err := gfn.New(withReward(j, r))
					require.NoError(t, err)
					defer tr.Close()
					trainers[i] = tr
				}
				a, b := trainers[0], trainers[1]
				require.NotNil(t, a.Plan().Score)
				require.Nil(t, b.Plan().Score)
				for range 4 {
					p, err := a.Step()
					require.NoError(t, err)
					q, err := b.Step()
					require.NoError(t, err)
					same(t, q, p)
				}
				require.EqualValues(t, 16, asked.asked.Load(), "of the first batch alone")
				draws, err := a.Policy().Sample(20, 9)
				require.NoError(t, err)
				want, err := b.Policy().Sample(20, 9)
				require.NoError(t, err)
				require.Equal(t, want, draws)
				require.EqualValues(t, 16, asked.asked.Load())
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
func TestScoreIsNotTold(t *testing.T) {
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

// scoring says what a test wants as Score, and nothing else.
type scoring struct {
	reward.Reward
	score *graph.Score
}

func (s scoring) Score(world.World) *graph.Score { return s.score }

// A reward of one's own may be data, too. One that is broken is refused when the job is built; one that is another than its LogReward,
// as where a Scorer is embedded and rewarded otherwise, at the first batch.
func TestRefusedScores(t *testing.T) {
	grid := reward.Hypergrid{Side: 8, R0: .1, R1: .5, R2: 2}
	score := grid.Score(world.Hypergrid(2, 8))
	j := withReward(grid8(1, balance.TB{}, gfn.Uniform), scoring{grid, score})
	j.Iterations = 3
	_, err := gfn.Train(context.Background(), j)
	require.NoError(t, err)
	none := withReward(j, scoring{grid, nil})
	_, err = gfn.Train(context.Background(), none)
	require.NoError(t, err)

	broken := *score
	broken.Class = append([]int32{3}, score.Class[1:]...)
	_, err = gfn.New(withReward(j, scoring{grid, &broken}))
	require.EqualError(t, err, "gfn: LogReward gfn_test.scoring: graph: Score.Class[0] is 3, want 0..2")

	warm := withReward(j, tempered{grid})
	_, err = gfn.Train(context.Background(), warm)
	require.ErrorContains(t, err, "gfn: iteration 0: LogReward gfn_test.tempered: log R of state (")
	tr, err := gfn.New(warm)
	require.NoError(t, err)
	_, err = tr.Policy().Sample(5, 1)
	require.ErrorContains(t, err, "by LogReward, ")
	_, err = tr.Policy().Sample(5, 1)
	require.ErrorContains(t, err, "by LogReward, ", "again")
}

// tempered forgets that Hypergrid is a Scorer.
type tempered struct{ reward.Hypergrid }

func (r tempered) LogReward(dst []float32, s []int32, ints int) ([]float32, error) {
	dst, err := r.Hypergrid.LogReward(dst, s, ints)
	for i := range dst {
		dst[i] /= 2
	}
	return dst, err
}
