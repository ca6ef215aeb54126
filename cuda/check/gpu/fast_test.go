package gpu

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/bench"
	"github.com/sluice-ml/sluice/cuda"
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/nn"
	"github.com/sluice-ml/sluice/rng"
)

// This file holds the fast mode to the deterministic one: what cuBLAS rounds, and in what order it adds, nobody defines.

// Of one job both modes draw the same actions, which is left to the defined kernels, and their gradients are near each other, launched one
// by one and from graphs; trained on given trajectories their losses stay so. TF32 keeps 10 bits of a product's inputs, which leaves some
// parts in 10,000 of a gradient. Where a sum that was rounded falls on the other side of 0 a gate of ReLU opens for all that row's gradient: in
// some rows of 10,000, so the square root of that, and more in the simulator's small batch.
func TestFast(t *testing.T) {
	d, _ := card(t)
	modes := []graph.Device{open(t, d, cuda.Deterministic), open(t, d, cuda.Fast)}
	gates := 5e-2
	if simulated {
		gates = .2
	}
	t.Log(modes[1].Name()) // with cuBLAS, or without, when this is the defined products twice
	for _, c := range []struct {
		act       graph.Act
		tolerance float64
	}{{graph.Tanh, 5e-3}, {graph.ReLU, gates}} {
		t.Run(c.act.String(), func(t *testing.T) { fast(t, modes, c.act, c.tolerance) })
	}
}

func fast(t *testing.T, modes []graph.Device, act graph.Act, tolerance float64) {
	batch, width := 4096, 256
	if simulated {
		batch, width = 8, 20
	}
	var trainers [2]*gfn.Trainer
	var programs [2]program
	for i, dev := range modes {
		job := bench.Job(dev, batch, width, width)
		job.Net.Act = act
		var err error
		trainers[i], err = gfn.New(job)
		require.NoError(t, err)
		t.Cleanup(trainers[i].Close)
		programs[i] = compiled(t, dev, trainers[i].Plan())
	}
	for iteration := range 3 { // launched, captured, replayed
		src := graph.Source{Key: rng.NewKey(2), Iteration: uint32(iteration), Count: batch, Epsilon: .1}
		want, got := programs[0].run(t, src), programs[1].run(t, src)
		require.Equal(t, want.actions, got.actions)
		require.InEpsilon(t, want.loss, got.loss, tolerance)
		for _, p := range trainers[0].Plan().Params {
			off := apart(want.grads[p.Offset:][:p.Size()], got.grads[p.Offset:][:p.Size()])
			t.Logf("%s: gradients %.2g apart", p.Name, off)
			require.LessOrEqual(t, off, tolerance, p.Name)
		}
	}
	given := bench.Longest(batch)
	for range 3 {
		want, err := trainers[0].StepOn(given)
		require.NoError(t, err)
		got, err := trainers[1].StepOn(given)
		require.NoError(t, err)
		t.Logf("loss %g and %g, gradient %g and %g, log Z %g and %g", want.Loss, got.Loss, want.GradNorm, got.GradNorm, want.LogZ, got.LogZ)
		require.InEpsilon(t, want.Loss, got.Loss, tolerance)
		require.InEpsilon(t, want.GradNorm, got.GradNorm, tolerance)
		require.InDelta(t, want.LogZ, got.LogZ, 1e-3)
	}
}

// apart is how far two vectors are apart, of the first one's length.
func apart(want, got []float64) float64 {
	var d, n float64
	for i, v := range want {
		d, n = d+(v-got[i])*(v-got[i]), n+v*v
	}
	return math.Sqrt(d / n)
}

// program is a Plan on a device, with its initial parameters.
type program struct {
	graph.Program
	plan          *graph.Plan
	params, grads graph.Buffer
}

func compiled(t *testing.T, dev graph.Device, plan *graph.Plan) (p program) {
	t.Helper()
	var err error
	p.plan = plan
	p.Program, err = dev.Compile(plan)
	require.NoError(t, err)
	t.Cleanup(p.Free)
	for _, b := range []*graph.Buffer{&p.params, &p.grads} {
		*b, err = dev.Alloc(plan.Params.Len())
		require.NoError(t, err)
	}
	x := make([]float64, plan.Params.Len())
	for i, v := range nn.Initial(plan.Params, rng.NewKey(1)) {
		x[i] = float64(v)
	}
	p.params.Write(x, 0)
	return p
}

// seen is what a program's iteration shows.
type seen struct {
	actions [][]int32
	loss    float64
	grads   []float64
}

func (p program) run(t *testing.T, src graph.Source) (s seen) {
	t.Helper()
	b, err := p.Rollout(p.params, src, nil)
	require.NoError(t, err)
	logR := make([]float32, b.Count)
	for i := range b.Count {
		s.actions = append(s.actions, p.Actions(nil, i))
		logR[i] = -float32(b.Length[i]) / 8
	}
	p.Reward(logR)
	require.NoError(t, p.Close(p.params))
	require.NoError(t, p.Backward(p.params, p.grads))
	out, err := p.Outcome(nil, -1)
	require.NoError(t, err)
	s.loss, s.grads = out.Loss, make([]float64, p.plan.Params.Len())
	p.grads.Read(s.grads, 0)
	return s
}
