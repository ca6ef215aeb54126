package devicetest

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// This file tests rewards that are data: what Rollout says of every object, and that it counts for what Reward would say.

// scores are one of each kind for a world: classes in no order, every log R another and one of them -Inf.
func scores(m graph.Moves) []*graph.RewardTable {
	least := &graph.RewardTable{Key: graph.Least, LogR: []float32{.5, -1, 2, -.25, 3}}
	digits := &graph.RewardTable{Key: graph.Digits, Base: 3}
	for v := range m.Values {
		least.Class = append(least.Class, int32(4-(v*3+1)%5))
		digits.Class = append(digits.Class, int32((v+2)%3))
	}
	keys := 1
	for range m.Registers {
		keys *= digits.Base
	}
	for key := range keys {
		digits.LogR = append(digits.LogR, float32(key%97)/8-float32(key/97))
	}
	return []*graph.RewardTable{least, digits}
}

// scored is trajectory balance with a reward as data, nil for none.
func scored(m graph.Moves, s *graph.RewardTable) formula {
	return formula{"score", m, m.Backward() > 1, 0, func(b *symbols) graph.Want {
		h := b.torso(graph.ReLU, 8)
		pf, pb := b.logits(h), b.Data(graph.LogPBUniform)
		if m.Backward() > 1 {
			pb = b.logPB(h)
		}
		return graph.Want{Policy: pf, Loss: b.balance(b.LogPF(pf), pb), Heads: heads(pf), Outputs: named(b.Data(graph.LogR)), Reward: s}
	}}
}

func testScore(t *testing.T, dev graph.Device) {
	for _, m := range []graph.Moves{grid, letter, full, row} {
		for _, s := range scores(m) {
			t.Run(fmt.Sprint(m, ", ", s.Key), func(t *testing.T) {
				for _, code := range []bool{false, true} {
					testScored(t, dev, m, s, code)
				}
			})
		}
	}
	t.Run("nothing", func(t *testing.T) { testScoreOfNothing(t, dev) })
	t.Run("outside", func(t *testing.T) { testScoreOutside(t, dev) })
}

// testScored runs batches of all kinds: drawn, of growing and of small size, drawn again, given, given in part. A program with the reward
// has the numbers of one without it that is told the same log R.
func testScored(t *testing.T, dev graph.Device, m graph.Moves, s *graph.RewardTable, code bool) {
	plans := [2]*graph.Plan{scored(m, s).plan(t), scored(m, nil).plan(t)}
	var rigs [2]*rig
	for i, p := range plans {
		var h graph.Host
		if code {
			q := *p
			q.World.Moves = nil
			p, h = &q, host{m}
		}
		rigs[i] = newRig(t, dev, p, h)
		defer rigs[i].program.Free()
	}
	rigs[1].score = s
	src := graph.Source{Key: rng.NewKey(21), Purpose: rng.Eval, Epsilon: .3}
	var list [][]int32
	for k, count := range []int{1, 33, 70, 33, 33, 33} {
		src.Count, src.Given = count, nil
		if src.Iteration = uint32(k); k >= 4 {
			src.Given = list
		}
		compare(t, fmt.Sprintf("batch %d", k), rigs[1].values(t, src), rigs[0].values(t, src), 0)
		switch k {
		case 3:
			for i := range count {
				list = append(list, rigs[0].program.Actions(nil, i))
			}
			slices.Reverse(list) // so that what this batch was given is not what the next is
		case 4:
			list[5] = nil
		}
	}
	// What Reward says takes the place of it, until the next batch.
	other := make([]float32, src.Count)
	for i := range other {
		other[i] = float32(i) / 4
	}
	for _, r := range rigs {
		r.rollout(t, src)
		r.program.Reward(other)
	}
	require.Equal(t, rigs[1].loss(t), rigs[0].loss(t))
	require.Equal(t, rigs[1].outputs(src.Count), rigs[0].outputs(src.Count))
	require.Equal(t, rigs[1].values(t, src), rigs[0].values(t, src))
	require.Equal(t, rigs[1].loss(t), rigs[0].loss(t), "Close again")
}

// testScoreOfNothing: R = 0 is said as such.
func testScoreOfNothing(t *testing.T, dev graph.Device) {
	s := scores(row)[0]
	nothing := float32(math.Inf(-1))
	s.LogR[4] = nothing
	r := newRig(t, dev, scored(row, s).plan(t), nil)
	defer r.program.Free()
	b := r.rollout(t, graph.Source{Key: rng.NewKey(5), Count: 60, Epsilon: 1})
	require.Contains(t, b.LogR, nothing)
}

// outside ends trajectories with a value that the world has not promised.
type outside struct{ host }

func (h outside) Step(undo, states, actions []int32) {
	h.host.Step(undo, states, actions)
	for i, v := range states {
		if v == 3 {
			states[i] = 99
		}
	}
}

// testScoreOutside: an object that a world in Go made up has no log R, and is refused with its trajectory; the next batch is none the worse.
func testScoreOutside(t *testing.T, dev graph.Device) {
	p := *scored(row, scores(row)[1]).plan(t)
	p.World.Moves = nil
	r := newRig(t, dev, &p, host{row})
	defer r.program.Free()
	src := graph.Source{Count: 4, Lanes: 2, Given: [][]int32{{0}, {1}, {2}, {2}}}
	_, err := r.program.Rollout(r.params, src, outside{host{row}})
	require.Equal(t, &graph.WorldError{Promise: "registers are in 0..5", Trajectory: 2, Step: 1, State: []int32{99}}, err)
	r.rollout(t, src)
}
