package cuda

import (
	"cmp"
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

const guard = `@%p\d+ bra[^;]*;` // the first branch of a kernel that begins with its bounds check

var bugs = []bug{
	{"a thread too many reads a state", "features", guard, "", false, sim.Uninitialised, ""},
	{"a thread too many joins", "joint", guard, "", false, sim.Uninitialised, ""},
	{"a trajectory too many is collected", "collect", guard, "", false, sim.OutOfBounds, ""},
	{"an element too many is updated", "adam", guard, "", false, sim.OutOfBounds, ""},
	{"an element too many is added over the lanes", "reduce", guard, "", false, sim.OutOfBounds, ""},
	{"rows that a lane has not are drawn for", "sample", `setp\.(le|ge)\.s32[^;]*;\s*` + guard, "", false, sim.Uninitialised, ""},
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
	plan := smallest(t, tinyGrid, false)
	want, err := trained(t, nil, plan)
	require.NoError(t, err)
	for i, b := range bugs {
		if testing.Short() && i%4 != 0 {
			continue
		}
		t.Run(b.name, func(t *testing.T) {
			got, err := trained(t, &b, plan)
			if b.fault != "" {
				require.ErrorContains(t, err, string(b.fault)+" in kernel "+cmp.Or(b.sees, b.kernel))
				return
			}
			require.NoError(t, err)
			require.NotEqual(t, want, got)
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
	if it = w.run(graph.Source{Key: rng.NewKey(1), Count: 11, Lanes: 3}, nil); it.Err != nil {
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
