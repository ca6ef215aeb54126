package cuda

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/cuda/sim"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// withScore is a Plan that scores its objects by itself.
func withScore(p *graph.Plan, s *graph.RewardTable) *graph.Plan {
	q := *p
	q.Reward = s
	return &q
}

// A table that is larger than the stage comes over in parts, and counts as memory.
func TestLargeTable(t *testing.T) {
	m := graph.Moves{Kind: graph.Increment, Registers: 19, Values: 2, Stop: graph.StopAnywhere}
	bare := smallest(t, m, false)
	plan := withScore(bare, tabled(m))
	require.Equal(t, 2*stageBytes, 4*len(plan.Reward.LogR))
	dev, ref := open(t, sim.Driver(strict), Config{Chunk: 24}), cpu.New(cpu.Config{})
	a, b := newTwin(t, dev, plan), newTwin(t, ref, plan)
	src := graph.Source{Key: rng.NewKey(4), Count: 9, Lanes: 2, Epsilon: 1}
	want := b.run(src, nil)
	require.NoError(t, want.Err)
	require.Len(t, want.LogR, src.Count)
	require.Equal(t, want, a.run(src, nil))
	first := map[int32]bool{}
	for i := range src.Count {
		first[want.Terminal[i*m.Registers]] = true
	}
	require.Len(t, first, 2, "both halves of the table are read")

	none := newTwin(t, dev, bare)
	none.run(src, nil)
	require.Equal(t, none.program.Memory().Scratch+4*(m.Values+len(plan.Reward.LogR)), a.program.Memory().Scratch)
}

// Nothing is uploaded or waited for between the objects and the outcome; a reward that is told is, and takes the place of the Plan's
// until the next batch.
func TestScoreIsNotUploaded(t *testing.T) {
	bare := smallest(t, tinyGrid, false)
	calls := func(plan *graph.Plan, tell bool) (of map[string]int) {
		drv := &brittle{lanes: 2}
		w := newTwin(t, open(t, drv, Config{Chunk: 24}), plan)
		for range 4 { // memory grows, launches are captured
			drv.calls = nil
			_, err := w.program.Rollout(w.params, graph.Source{Count: 5, Lanes: 2}, nil)
			require.NoError(t, err)
			if tell {
				w.program.Reward(make([]float32, 5))
			}
			require.NoError(t, w.program.Close(w.params))
			_, err = w.program.Outcome(nil, -1)
			require.NoError(t, err)
		}
		of = map[string]int{}
		for _, c := range drv.calls {
			of[c]++
		}
		return of
	}
	told, scored := calls(bare, true), calls(withScore(bare, tabled(tinyGrid)), false)
	require.Equal(t, told["ToDevice"]-1, scored["ToDevice"])
	require.Equal(t, told["ToHost"]+1, scored["ToHost"])
	require.Equal(t, told["Sync"], scored["Sync"])
	require.Equal(t, told["ToDevice"], calls(withScore(bare, tabled(tinyGrid)), true)["ToDevice"])

	dev, ref := open(t, sim.Driver(strict), Config{Chunk: 24}), cpu.New(cpu.Config{})
	plan := withScore(bare, tabled(tinyGrid))
	a, b := newTwin(t, dev, plan), newTwin(t, ref, plan)
	src := graph.Source{Key: rng.NewKey(4), Count: 9, Lanes: 2}
	var losses [2]float64
	for i, w := range []*twin{a, b} {
		require.NoError(t, w.run(src, nil).Err)
		w.program.Reward([]float32{1, 2, 3, 4, 5, 6, 7, 8, 9})
		require.NoError(t, w.program.Close(w.params))
		out, err := w.program.Outcome(nil, -1)
		require.NoError(t, err)
		losses[i] = out.Loss
	}
	require.Equal(t, losses[1], losses[0])
	want := b.run(src, nil)
	require.NotEqual(t, losses[1], want.Loss)
	require.Equal(t, want, a.run(src, nil))
}

// What an earlier batch left behind does not show, whatever the size of either, drawn or given.
func TestScoreOfGrowingBatches(t *testing.T) {
	dev, ref := open(t, sim.Driver(strict), Config{Chunk: 24}), cpu.New(cpu.Config{})
	plan := withScore(smallest(t, longGrid, false), tabled(longGrid))
	a, b := newTwin(t, dev, plan), newTwin(t, ref, plan)
	var list [][]int32
	for i, count := range []int{5, 40, 12, 5} {
		src := graph.Source{Key: rng.NewKey(6), Iteration: uint32(i), Count: count, Lanes: 2}
		if i == 3 {
			src.Given = list
		}
		want := b.run(src, nil)
		require.NoError(t, want.Err)
		require.Equal(t, want, a.run(src, nil), "%d trajectories", count)
		for k := range count {
			if i == 0 {
				list = append(list, b.program.Actions(nil, k))
			}
		}
	}
}

// stray ends trajectories in values that its world has not.
type stray struct{ coded }

func (h stray) Step(undo, states, actions []int32) {
	h.coded.Step(undo, states, actions)
	for i, a := range actions {
		if a == 2 {
			states[i] = 99
		}
	}
}

// An object of a world in Go that has no log R is refused in the words of package cpu, and the next batch is none the worse.
func TestScoreOfStrays(t *testing.T) {
	m := graph.Moves{Kind: graph.Append, Registers: 1, Values: 4, Stop: graph.StopFull}
	plan := withScore(smallest(t, m, true), tabled(m))
	dev, ref := open(t, sim.Driver(strict), Config{Chunk: 24}), cpu.New(cpu.Config{})
	a, b := newTwin(t, dev, plan), newTwin(t, ref, plan)
	src := graph.Source{Count: 3, Lanes: 2, Given: [][]int32{{0}, {2}, {2}}}
	want := b.run(src, stray{coded{m}})
	require.Equal(t, &graph.WorldError{Promise: "registers are in 0..3", Trajectory: 1, Step: 1, State: []int32{99}}, want.Err)
	require.Equal(t, want, a.run(src, stray{coded{m}}))
	want = b.run(src, coded{m})
	require.NoError(t, want.Err)
	require.Equal(t, want, a.run(src, coded{m}))
}
