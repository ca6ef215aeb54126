package bench_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sluice-ml/sluice/bench"
)

// TestTrajectories: no other number of given trajectories comes nearer to the rows that were asked for.
func TestTrajectories(t *testing.T) {
	for rows, want := range map[int]int{1: 1, 77: 1, 115: 1, 116: 2, 256: 3, 1232: 16, 8192: 106, 65536: 851} {
		require.Equal(t, want, bench.Trajectories(rows), rows)
	}
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.IntRange(1, 1<<20).Draw(t, "rows")
		far := func(n int) int { return max(n*bench.LongestRows-rows, rows-n*bench.LongestRows) }
		n := bench.Trajectories(rows)
		require.LessOrEqual(t, far(n), far(n+1))
		if n > 1 {
			require.LessOrEqual(t, far(n), far(n-1))
		}
	})
}

// TestLongest: every trajectory takes each axis to its end and then stops, and they differ.
func TestLongest(t *testing.T) {
	list := bench.Longest(5)
	require.Len(t, list, 5)
	require.NotEqual(t, list[0], list[1])
	for _, actions := range list {
		require.Len(t, actions, bench.LongestRows)
		count := [bench.Dim + 1]int{}
		for _, a := range actions {
			count[a]++
		}
		require.Equal(t, [bench.Dim + 1]int{19, 19, 19, 19, 1}, count)
		require.EqualValues(t, bench.Dim, actions[len(actions)-1])
	}
	require.Equal(t, list, bench.Longest(5))
}

// TestRowFLOPs counts two nets by hand, 80-8-8-(5+4) and, with a dense input, 80-6-8-8-(5+4).
func TestRowFLOPs(t *testing.T) {
	forward := 4*8 + 2*8*8 + 2*8*5 + 2*8*4
	require.EqualValues(t, forward, bench.ForwardFLOPs(8, 8))
	// To the weights and to the rows below, of all layers but the first; that one adds a row into four rows of weights.
	require.EqualValues(t, forward+2*(2*8*8+2*8*9)+4*8, bench.RowFLOPs(8, 8))

	dense := 2*6*8 + 2*8*8 + 2*8*9
	require.EqualValues(t, 4*6+dense, bench.ForwardFLOPs(6, 8, 8))
	require.EqualValues(t, 4*6+dense+2*dense+4*6, bench.RowFLOPs(6, 8, 8))
}

func names(t *testing.T, kind bench.Kind, s bench.Sizes, cores int) []string {
	t.Helper()
	list, err := bench.List(kind, s, cores)
	require.NoError(t, err)
	var out []string
	for _, w := range list {
		out = append(out, w.Name())
	}
	return out
}

func TestList(t *testing.T) {
	own := names(t, bench.Loss, bench.Sizes{}, 2)
	require.Len(t, own, 4*(3+1)+2, "four numbers of rows at three widths, width 256 on one worker too, and a dense input on one and two")
	require.Contains(t, own, "loss/tb/hypergrid-20x4/embed=80/width=256/rows=1232/workers=1")
	require.Contains(t, own, "loss/tb/hypergrid-20x4/width=256/rows=1232/workers=1")
	require.Contains(t, own, "loss/tb/hypergrid-20x4/width=512/rows=65527/workers=2")
	require.NotContains(t, own, "loss/tb/hypergrid-20x4/width=512/rows=65527/workers=1")
	require.Len(t, names(t, bench.Loss, bench.Sizes{}, 1), 4*3+1)
	require.Equal(t, []string{"iteration/tb/hypergrid-20x4/fresh/width=256/batch=16/workers=2", "iteration/tb/hypergrid-20x4/fresh/width=256/batch=256/workers=2",
		"iteration/tb/hypergrid-20x4/fresh/width=256/batch=4096/workers=2"}, names(t, bench.Iteration, bench.Sizes{}, 2)[:3])
	require.Len(t, names(t, bench.Iteration, bench.Sizes{}, 2), 9)
	require.Len(t, names(t, bench.Rollout, bench.Sizes{}, 2), 9)
	require.Equal(t, []string{"rollout/tb/hypergrid-20x4/fresh/width=64/batch=8/workers=3"},
		names(t, bench.Rollout, bench.Sizes{Batches: []int{8}, Widths: []int{64}, Workers: []int{3}}, 2), "trained ones are of width 256")
	require.Contains(t, names(t, bench.GEMM, bench.Sizes{}, 2), "gemm/tn/256x1232x256")
	require.Equal(t, []string{"loss/tb/hypergrid-20x4/width=8/rows=77/workers=2"},
		names(t, bench.Loss, bench.Sizes{Rows: []int{70, 80}, Widths: []int{8}}, 2), "the same rows once")

	seen := map[string]bool{}
	for _, kind := range bench.Kinds {
		for _, name := range names(t, kind, bench.Sizes{}, 2) {
			require.False(t, seen[name], name)
			seen[name] = true
		}
	}
}

func TestParseProduct(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 1<<16)
		want := bench.Product{M: size.Draw(t, "m"), K: size.Draw(t, "k"), N: size.Draw(t, "n")}
		switch rapid.IntRange(0, 2).Draw(t, "op") {
		case 1:
			want.TA = true
		case 2:
			want.TB = true
		}
		got, err := bench.ParseProduct(want.String())
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
	for _, text := range []string{"", "nn", "nn/", "nn/1x2", "nn/1x2x3x4", "tt/1x2x3", "nn/0x2x3", "nn/1x2x65537", "nn/-1x2x3", "1x2x3", "nn/ 1x2x3"} {
		_, err := bench.ParseProduct(text)
		require.ErrorContains(t, err, "bench: product: want nn, nt or tn", text)
	}
	require.Equal(t, []string{"gemm/nt/3x4x5"}, names(t, bench.GEMM, bench.Sizes{Products: []bench.Product{{TB: true, M: 3, K: 4, N: 5}}}, 2))
}

func TestListRefuses(t *testing.T) {
	for _, c := range []struct {
		kind bench.Kind
		s    bench.Sizes
		want string
	}{
		{"los", bench.Sizes{}, `bench: no workload is called "los"; there are loss, iteration, rollout and gemm`},
		{bench.Loss, bench.Sizes{Rows: []int{77, 0}}, "bench: rows: must be 1..16777216, is 0"},
		{bench.Iteration, bench.Sizes{Batches: []int{-1}}, "bench: batch: must be 1..16777216, is -1"},
		{bench.Iteration, bench.Sizes{Policies: []bench.Policy{"old"}}, `bench: policy: must be fresh, early or converged, is "old"`},
		{bench.Rollout, bench.Sizes{Policies: []bench.Policy{bench.Early}, Widths: []int{64}}, "bench: the early policy is of width 256, not 64"},
	} {
		_, err := bench.List(c.kind, c.s, 2)
		require.EqualError(t, err, c.want)
	}
	_, err := still().Open(bench.Workload{Kind: "los"})
	require.EqualError(t, err, `bench: no workload is called "los"`)
}
