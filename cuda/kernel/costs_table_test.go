package kernel_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/cuda/sim"
)

// This file holds the counters of costs_test.go to the committed ones.

const costsFile = "testdata/costs.txt"

// costsHead describes the columns; go run ./cuda/check -estimate reads them.
const costsHead = "# A launch of each kernel, counted by the simulator: see costs_test.go. go test ./cuda/kernel -run TestCosts -update-costs rewrites it.\n" +
	"# kernel shape rows blocks warps instructions lanes ffma loaded stored sectors fewest turns fewest-turns\n"

// costs are all kernels, in the order of their numbers, some at two shapes.
func costs() []cost {
	list := []cost{}
	for _, id := range []kernel.ID{kernel.Begin, kernel.Leave, kernel.Moves, kernel.Settle, kernel.Append, kernel.Advance, kernel.Tally} {
		list = append(list, rolloutCost(id))
	}
	return append(list, replayCost(), placeCost(), scoreCost(), plainCost(kernel.Features, 4*8192),
		gatherCost(kernel.Gather, 4), gatherCost(kernel.GatherAny, 1), scatterCost(kernel.GatherGrad, 4, hidden),
		scatterCost(kernel.GatherGrad, 0, hidden), gatedCost(heads-1, hidden), gatedCost(0, hidden), besideCost(heads-1, hidden), scatterCost(kernel.GatherGradAny, 4, hidden), scatterCost(kernel.GatherGradWide, 4, hidden),
		linearCost(kernel.Linear128x64, stepRows, hidden, hidden), linearCost(kernel.Linear64x64, stepRows, hidden, hidden),
		linearCost(kernel.LinearAny, stepRows, hidden, hidden), linearCost(kernel.LinearFew, 16, hidden, hidden),
		backCost(kernel.LinearBack128x64, hidden, hidden), backCost(kernel.LinearBack64x64, hidden, hidden), backCost(kernel.LinearBackAny, hidden, hidden),
		gradCost(kernel.LinearGrad128x64, hidden, hidden), gradCost(kernel.LinearGrad64x64, hidden, hidden), gradCost(kernel.LinearGradAny, hidden, hidden),
		headsCost(kernel.LinearNarrow, heads, heads-1), headsCost(kernel.LinearBackNarrow, heads, heads-1),
		headsCost(kernel.LinearGradNarrow, heads-1, heads),
		rowsCost(kernel.Act), rowsCost(kernel.ActBack),
		headsCost(kernel.LogProb, heads, heads-1), headsCost(kernel.LogProbBack, heads-1, heads),
		softmaxCost(kernel.LogProbWide, wide, false), softmaxCost(kernel.LogProbBackWide, wide, true),
		sampleCost(kernel.Sample, heads), sampleCost(kernel.SampleWide, wide),
		walkCost(kernel.Walk, 32), walkCost(kernel.WalkFew, 8),
		rowsCost(kernel.Rows_), plainCost(kernel.Joint, costBatch), closeCost(kernel.Collect), closeCost(kernel.Carry), plainCost(kernel.Total, costBatch),
		plainCost(kernel.Reduce, costSize), plainCost(kernel.Add, costSize), plainCost(kernel.Norm, costSize), plainCost(kernel.Scale, 22),
		plainCost(kernel.SGD, hidden*hidden), plainCost(kernel.Adam, hidden*hidden))
}

// scattered are the kernels that touch more than 1.2 times the sectors their bytes need, and how many times at most. docs/cuda.md says why.
var scattered = map[string]float64{
	"begin 20^4": 2.3, "leave 20^4": 2.7, "moves 20^4": 2.1, "append 20^4": 2.2, "advance 20^4": 2.4, "replay 20^4": 2.4, "place 20^4": 3.4, "score 20^4": 2.7,
	"linear_any 256x256": 1.5, "linear_back_any 256x256": 1.65, "linear_grad_any 256x256": 1.6,
	"log_prob 5+4": 3.3, "log_prob_back 4+5": 3.8, "log_prob_wide 64": 1.4, "log_prob_back_wide 64": 1.5,
	"sample 5": 2.7, "carry -": 1.35, "total -": 4, "reduce -": 1.25,
}

// counted is a line of the table: kernel and shape, and the numbers of a launch.
func (c *cost) counted(t testing.TB) (string, []uint64) {
	r := &rig{t, sim.New(sim.Config{}), map[kernel.ID]*sim.Module{}, rand.New(rand.NewPCG(1, 2))}
	g := c.run(r)
	n := r.m.Counters()[c.id.String()]
	require.Equal(t, uint64(1), n.Launches, c.id.String())
	blocks := g.X * g.Y
	return c.id.String() + " " + c.shape, []uint64{uint64(c.rows), uint64(blocks), uint64(blocks * g.Threads / 32), n.Instructions, n.Lanes, n.FFMA,
		n.Loaded, n.Stored, n.Sectors, n.FewestSector, n.Banks, n.FewestBanks}
}

const sectorsColumn = 8

// TestCosts takes some seconds: it runs the products at the size they have in training.
func TestCosts(t *testing.T) {
	list := costs()
	names, found := make([]string, len(list)), make([][]uint64, len(list))
	var wg sync.WaitGroup
	turns := make(chan struct{}, runtime.NumCPU())
	for i := range list {
		wg.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			names[i], found[i] = list[i].counted(t)
		})
	}
	wg.Wait()
	if *updateCosts {
		text := costsHead
		for i, name := range names {
			text += name + strings.TrimSuffix(fmt.Sprint(" ", found[i]), "]") + "\n"
		}
		require.NoError(t, os.WriteFile(costsFile, []byte(strings.ReplaceAll(text, "[", "")), 0o644))
	}
	committed := readCosts(t)
	require.Len(t, committed, len(list))
	seen := map[kernel.ID]bool{}
	for i, name := range names {
		seen[list[i].id] = true
		want, ok := committed[name]
		require.True(t, ok, "%s is not in the table", name)
		for k, n := range found[i] {
			require.InDelta(t, float64(want[k]), float64(n), .02*float64(want[k]), "%s, column %d", name, k)
		}
		ratio := float64(found[i][sectorsColumn]) / float64(found[i][sectorsColumn+1])
		most := 1.2
		if s := scattered[name]; s != 0 {
			most = s
		}
		assert.LessOrEqual(t, ratio, most, "%s: sectors over the fewest", name)
	}
	require.Len(t, seen, int(kernel.Count), "a kernel whose cost nobody counts")
}

// readCosts is the committed table by kernel and shape.
func readCosts(t *testing.T) map[string][]uint64 {
	text, err := os.ReadFile(costsFile)
	require.NoError(t, err)
	out := map[string][]uint64{}
	for l := range strings.Lines(string(text)) {
		if strings.HasPrefix(l, "#") {
			continue
		}
		f := strings.Fields(l)
		require.Len(t, f, 14, l)
		for _, s := range f[2:] {
			n, err := strconv.ParseUint(s, 10, 64)
			require.NoError(t, err)
			out[f[0]+" "+f[1]] = append(out[f[0]+" "+f[1]], n)
		}
	}
	return out
}
