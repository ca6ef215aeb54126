package cuda

import (
	"cmp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/sim"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// This file plants bugs into the PTX and says what catches each: a fault of the simulator by name, or bits that are not the defined ones.

// bug is an edit of one kernel: the first match of a pattern, or every one, gives way to a text.
type bug struct {
	name, kernel, pattern, text string
	all                         bool
	fault                       sim.FaultKind // "": the bits differ
	sees                        string        // the kernel that meets the fault, if it is another
}

// walked are the kernels that only a Plan which walk takes runs.
var walked = []string{"walk_few", "replay", "place"}

const guard = `@%p\d+ bra[^;]*;` // the first branch of a kernel that begins with its bounds check

var bugs = []bug{
	{"a thread too many reads a state", "features", guard, "", false, sim.Uninitialised, ""},
	{"a thread too many joins", "joint", guard, "", false, sim.Uninitialised, ""},
	{"a trajectory too many is collected", "collect", guard, "", false, sim.OutOfBounds, ""},
	{"an element too many is updated", "adam", guard, "", false, sim.OutOfBounds, ""},
	{"an element too many is added over the lanes", "reduce", guard, "", false, sim.OutOfBounds, ""},
	{"rows that a lane has not are drawn for", "sample", `setp\.(le|ge)\.s32[^;]*;\s*` + guard, "", false, sim.Uninitialised, ""},
	{"an object too many is scored", "score", guard, "", false, sim.OutOfBounds, ""},
	{"floats two bytes apart", "adam", `, 4;`, ", 2;", false, sim.Misaligned, ""},
	{"no barrier in the rollout", "begin", `bar\.sync[^;]*;`, "", false, sim.Race, ""},
	{"no barrier in a product", "linear_narrow", `bar\.sync[^;]*;`, "", true, sim.Race, ""},
	{"no barrier in a head's gradient", "linear_back_narrow", `bar\.sync[^;]*;`, "", true, sim.Race, ""},
	{"no barrier in a head's weights' gradient", "linear_grad_narrow", `bar\.sync[^;]*;`, "", true, sim.Race, ""},
	{"a warp that does not wait for its list", "gather_grad_any", `bar\.warp\.sync[^;]*;`, "", true, sim.Race, ""},
	{"a list without its end", "gather_grad_any", `st\.shared\.u32[^;]*;`, "", true, sim.Uninitialised, ""},
	{"no barrier in a tree", "total", `bar\.sync[^;]*;`, "", true, sim.Race, ""},
	{"logits that nobody writes", "linear_narrow", `st\.global\.f32[^;]*;`, "", true, sim.Uninitialised, "sample"},
	{"half a warp is asked to shuffle", "norm", `31, -1;`, "31, 65535;", false, sim.Divergence, ""},

	{"no barrier before a walk reads who lives", "walk_few", `bar\.sync[^;]*;`, "", false, sim.Uninitialised, ""},
	{"a walk's layer that nobody writes", "walk_few", `st\.shared\.v4\.f32[^;]*;`, "", true, sim.Uninitialised, ""},
	{"no barrier among places", "place", `bar\.sync[^;]*;`, "", true, sim.Race, ""},
	{"places of lanes in one", "place", `mul\.lo\.s32`, "add.s32", false, sim.OutOfBounds, ""},
	{"a warp's rows in one place", "place", `popc\.b32`, "mov.b32", true, sim.Race, ""},
	{"steps that are not summed", "place", `shfl\.sync\.up[^;]*;`, "", true, sim.Uninitialised, "gather"},
	{"rows of a place taken away", "place", `add\.s32`, "sub.s32", true, sim.OutOfBounds, ""},
	{"counts that nobody writes", "place", `st\.global\.u32[^;]*;`, "", true, sim.Uninitialised, "tally"},
	{"no barrier in the replay", "replay", `bar\.sync[^;]*;`, "", true, sim.Race, ""},
	{"a replay before its lane's rows", "replay", `add\.s32`, "sub.s32", false, sim.OutOfBounds, ""},
	{"a replay of lanes in one place", "replay", `mul\.lo\.s32`, "add.s32", false, sim.Race, ""},

	{"a walk with one tile for two", "walk_few", `\+8192\]`, "+0]", true, sim.Race, ""},
	{"a walk with another word of the generator", "walk_few", `mul\.hi\.u32`, "mul.lo.s32", true, "", ""},
	{"a walk without its first layer's sum", "walk_few", `add\.rn\.f32`, "sub.rn.f32", true, "", ""},
	{"digits scored by the least", "score", `setp\.eq\.s32`, "setp.ne.s32", false, "", ""},
	{"adam without a root", "adam", `sqrt\.rn\.f32`, "abs.f32", false, "", ""},
	{"adam adds where it multiplies", "adam", `mul\.rn\.f32`, "add.rn.f32", false, "", ""},
	{"the norm without a root", "scale", `sqrt\.rn\.f32`, "abs.f32", false, "", ""},
	{"a butterfly that leaves partials out", "norm", `16, 31, -1;`, "8, 31, -1;", false, "", ""},
	{"log probability without the maximum", "log_prob", `sub\.rn\.f32`, "add.rn.f32", false, "", ""},
	{"its gradient divides the wrong way", "log_prob_back", `div\.rn\.f32`, "mul.rn.f32", false, "", ""},
	{"another word of the generator", "sample", `mul\.hi\.u32`, "mul.lo.s32", false, "", ""},
	{"the lanes' tree takes away", "reduce", `add\.rn\.f32`, "sub.rn.f32", false, "", ""},
	{"a sum along trajectories takes away", "collect", `add\.rn\.f32`, "sub.rn.f32", false, "", ""},
	{"the batch's mean is a product", "total", `div\.rn\.f32`, "mul.rn.f32", true, "", ""},
	{"a head beside another is left out", "linear_narrow", `%ctaid\.z`, "%tid.z", false, sim.Race, ""},
	{"a gather-sum takes away", "gather_any", `add\.rn\.f32`, "sub.rn.f32", true, "", ""},
	{"its gradient takes away", "gather_grad_any", `add\.rn\.f32`, "sub.rn.f32", true, "", ""},
}

// Each bug runs one iteration of a small Plan.
func TestPlantedBugs(t *testing.T) {
	plans := map[bool]*graph.Plan{false: smallest(t, tinyGrid, false), true: small(t, tinyGrid, false, 8, 12)}
	for _, plan := range plans {
		plan.Reward = tabled(tinyGrid)
	}
	want := map[bool]iteration{}
	for is, plan := range plans {
		var err error
		want[is], err = trained(t, nil, plan)
		require.NoError(t, err)
	}
	for i, b := range bugs {
		if testing.Short() && i%4 != 0 {
			continue
		}
		t.Run(b.name, func(t *testing.T) {
			is := slices.Contains(walked, b.kernel)
			got, err := trained(t, &b, plans[is])
			if b.fault != "" {
				require.ErrorContains(t, err, string(b.fault)+" in kernel "+cmp.Or(b.sees, b.kernel))
				return
			}
			require.NoError(t, err)
			require.NotEqual(t, want[is], got)
		})
	}
}

// trained is an iteration on the simulator whose kernels have a bug, and the parameters after it.
func trained(t *testing.T, b *bug, plan *graph.Plan) (it iteration, err error) {
	drv := &edited{Driver: sim.Driver(strict)}
	if b != nil {
		drv.edit = func(ptx string) string { return replaced(t, ptx, b.kernel, b.pattern, b.text, b.all) }
	}
	dev := open(t, drv, Config{Chunk: 24})
	w := newTwin(t, dev, plan)
	moments, err := dev.Alloc(2 * plan.Params.Len())
	require.NoError(t, err)
	src := graph.Source{Key: rng.NewKey(1), Count: 11, Lanes: 3}
	if it = w.run(src, nil); b != nil && b.kernel == "replay" { // of what is given
		for i := range src.Count {
			src.Given = append(src.Given, w.program.Actions(nil, i))
		}
		it = w.run(src, nil)
	}
	if it.Err != nil {
		return it, it.Err
	}
	rates := graph.Scalars{Rates: []float32{.01, .1}, Keep: []float32{1, 1}, C1: 10, C2: 1000}
	if err = w.program.Update(w.params, w.grads, moments, selftests()[0].rule, rates); err != nil {
		return it, err
	}
	out, err := w.program.Outcome(nil, -1)
	x := make([]float64, plan.Params.Len())
	w.params.Read(x, 0)
	it.Grads = append(append(it.Grads, out.Norm), x...)
	return it, err
}
