package gfn_test

import (
	"context"
	"fmt"
	"runtime"
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
	"github.com/sluice-ml/sluice/testdata"
)

func train(t *testing.T, j gfn.Job) string {
	t.Helper()
	p, err := gfn.Train(context.Background(), j)
	require.NoError(t, err)
	return p.Hash()
}

// small is 8x8, MLP 32x32, batch 16, 20 iterations.
func small(b balance.Balance, back gfn.Backward) gfn.Job {
	j := grid8(1, b, back)
	j.Net, j.Batch, j.Iterations = nn.MLP{Hidden: []int{32, 32}}, 16, 20
	return j
}

// fifty is 8x8 with every feature on: learned P_B, exploration that ends half-way, 50 iterations of 32.
func fifty() gfn.Job {
	j := grid8(1, balance.TB{}, gfn.Learned)
	j.Iterations, j.Explore = 50, optim.Linear(.2, 0, 25)
	return j
}

func towers(w world.World) gfn.Job {
	return gfn.Job{Device: cpu.New(cpu.Config{}), World: w, LogReward: reward.Each(logReward), Balance: balance.TB{},
		Net: nn.MLP{Hidden: []int{32, 32}}, Batch: 16, Iterations: 20, Seed: 1}
}

func TestHashOfEachBalance(t *testing.T) {
	want := testdata.Hashes()
	for _, b := range []balance.Balance{balance.TB{}, balance.DB{}, balance.VarGrad{}} {
		for back, name := range map[gfn.Backward]string{gfn.Uniform: "uniform", gfn.Learned: "learned"} {
			for _, n := range []int{20, 100} {
				key, j := fmt.Sprintf("%s-%s-%d", b, name, n), small(b, back)
				j.Iterations = n
				require.Equal(t, want[key], train(t, j), key)
			}
		}
	}
}

// Workers, chunk size and recomputation never show in a result.
func TestHashOfAnySchedule(t *testing.T) {
	want := testdata.Hashes()["tb-learned-50"]
	for _, workers := range []int{1, 2, 4} {
		for _, chunk := range []int{16, 100, 256} {
			for _, memory := range []int64{0, 1, 1 << 20} { // all kept, all recomputed, some of each
				j := fifty()
				d := cpu.New(cpu.Config{Workers: workers, Chunk: chunk, Memory: memory})
				j.Device = d
				require.Equal(t, want, train(t, j), "%d workers, chunk %d, memory %d", workers, chunk, memory)
				require.NoError(t, d.Close())
			}
		}
	}
}

// Every tier this machine has; package cpu's tests run AVX-512 on machines without it.
func TestHashOfEachTier(t *testing.T) {
	want := testdata.Hashes()["tb-learned-50"]
	ran := 0
	for _, tier := range []string{"go", "neon", "avx2", "avx512"} {
		t.Setenv("SLUICE_CPU", tier)
		d, err := cpu.Open(cpu.Config{})
		if err != nil {
			t.Log(err)
			continue
		}
		j := fifty()
		j.Device = d
		require.Equal(t, want, train(t, j), tier)
		ran++
	}
	require.NotZero(t, ran)
	if runtime.GOARCH == "amd64" {
		t.Logf("%d tiers", ran)
	}
}

// A world in Go and the same world as data walk the same way.
func TestHashOfTower(t *testing.T) {
	want := testdata.Hashes()["tower-20"]
	require.Equal(t, want, train(t, towers(world.Each(tower{}))))
	require.Equal(t, want, train(t, towers(world.FromMoves(graph.Moves{Kind: graph.Append, Registers: 8, Values: 4}))))
}

// Stopped at iteration 23 and resumed in a new trainer, a run ends in the bits of one that never stopped.
func TestHashAfterResume(t *testing.T) {
	a, err := gfn.New(fifty())
	require.NoError(t, err)
	for range 23 {
		_, err := a.Step()
		require.NoError(t, err)
	}
	b, err := gfn.New(fifty())
	require.NoError(t, err)
	require.NoError(t, b.Restore(a.State()))
	require.Equal(t, 23, b.Iteration())
	for b.Iteration() < 50 {
		_, err := b.Step()
		require.NoError(t, err)
	}
	require.Equal(t, testdata.Hashes()["tb-learned-50"], b.Policy().Hash())
	require.NotEqual(t, a.Policy().Hash(), b.Policy().Hash())
}
