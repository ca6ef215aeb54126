package kernel_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/cuda/sim"
	"github.com/sluice-ml/sluice/graph"
)

// scoreOf is a table of objects of ints registers with values values, each log R another; every class of it occurs.
func scoreOf(r *rig, kind graph.RewardKey, ints, values int) *graph.RewardTable {
	s := &graph.RewardTable{Key: kind, Base: min(values, 3)}
	keys := s.Base
	if kind == graph.Digits {
		keys = 1
		for range ints {
			keys *= s.Base
		}
	}
	for v := range values {
		s.Class = append(s.Class, int32((v+r.rnd.IntN(2))%s.Base))
	}
	for key := range keys {
		s.LogR = append(s.LogR, float32(key)-r.rnd.Float32())
	}
	s.LogR[0] = float32(math.Inf(-1))
	return s
}

// scoreArgs scores count objects of ints registers.
func scoreArgs(r *rig, s *graph.RewardTable, x []int32, ints int) kernel.ScoreArgs {
	n := len(x) / ints
	return kernel.ScoreArgs{State: up(r, x), Classes: up(r, s.Class), LogR: up(r, s.LogR), Out: r.blank(n), Count: int32(n), Ints: int32(ints),
		Values: int32(len(s.Class)), Kind: int32(s.Key), Base: int32(s.Base)}
}

// Every object has what graph.RewardTable says, whatever the order of warps; one whose registers are none of the world's has NaN, and is not
// looked up.
func TestScore(t *testing.T) {
	for _, count := range []int{1, 31, 32, 33, 255, 256, 257, 1000} {
		for _, kind := range []graph.RewardKey{graph.Least, graph.Digits} {
			for _, ints := range []int{1, 4, 9} {
				for seed := range uint64(3) {
					r := newRig(t)
					r.m = sim.New(sim.Config{Seed: seed, Race: true, Init: true})
					values := []int{1, 2, 20}[seed]
					s := scoreOf(r, kind, ints, values)
					require.NoError(t, s.Validate(ints, values))
					x := make([]int32, count*ints)
					for i := range x {
						x[i] = int32(r.rnd.IntN(values))
					}
					for i, bad := range []int32{int32(values), -1, math.MaxInt32, math.MinInt32} {
						if count > 31 { // at either end of an object
							x[(7*i+3)*ints+i%2*(ints-1)] = bad
						}
					}
					want := make([]float32, count)
					for i := range want {
						want[i] = float32(math.NaN())
						if o := x[i*ints : (i+1)*ints]; s.Has(o) {
							want[i] = s.At(o)
						}
					}
					a := scoreArgs(r, s, x, ints)
					run(r, kernel.Score, kernel.JointGrid(count), a)
					same(t, want, down[float32](r, a.Out, count), fmt.Sprintf("%d objects of %d registers, %v, seed %d", count, ints, kind, seed))
				}
			}
		}
	}
}
