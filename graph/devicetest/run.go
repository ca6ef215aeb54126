package devicetest

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// This file runs a Plan on a device and compares what two devices made of it.

// rig is a compiled Plan with its buffers.
type rig struct {
	plan          *graph.Plan
	program       graph.Program
	host          graph.Host
	params, grads graph.Buffer
	logR          []float32
	score         *graph.RewardTable // by which log R is told to a program that has no Score; nil: a made-up reward
}

// initial are parameters as their Init says; each is a float32 and the same for every device.
func initial(p *graph.Plan) []float64 {
	x := make([]float64, p.Params.Len())
	for i, q := range p.Params {
		u := make([]float32, q.Size())
		rng.NewKey(uint64(i)+40).Uniform(u, 0)
		for j, v := range u {
			x[q.Offset+j] = float64(q.Init.Value + q.Init.Spread*(2*v-1))
		}
	}
	return x
}

func newRig(t testing.TB, dev graph.Device, p *graph.Plan, h graph.Host) *rig {
	t.Helper()
	r := &rig{plan: p, host: h}
	var err error
	r.program, err = dev.Compile(p)
	require.NoError(t, err)
	r.params = alloc(t, dev, p.Params.Len())
	r.grads = alloc(t, dev, p.Params.Len())
	r.params.Write(initial(p), 0)
	return r
}

func alloc(t testing.TB, dev graph.Device, n int) graph.Buffer {
	t.Helper()
	b, err := dev.Alloc(n)
	require.NoError(t, err)
	require.Equal(t, n, b.Len())
	return b
}

func read(b graph.Buffer) []float64 {
	x := make([]float64, b.Len())
	b.Read(x, 0)
	return x
}

// rollout runs Step and hands out the rewards, if it has not done so itself.
func (r *rig) rollout(t testing.TB, src graph.Source) graph.Batch {
	t.Helper()
	batch, err := r.program.Rollout(r.params, src, r.host)
	require.NoError(t, err)
	ints := r.plan.World.Ints
	score := r.plan.Reward
	if score == nil {
		require.Nil(t, batch.LogR)
		score = r.score
	}
	if score == nil {
		r.logR = logR(r.logR, batch.Terminal, ints)
	} else {
		r.logR = r.logR[:0]
		for i := range batch.Count {
			r.logR = append(r.logR, score.At(batch.Terminal[i*ints:(i+1)*ints]))
		}
	}
	if r.plan.Reward != nil {
		require.Equal(t, r.logR, batch.LogR)
		return batch
	}
	r.program.Reward(r.logR)
	return batch
}

// loss runs Close and says what it came to.
func (r *rig) loss(t testing.TB) float64 {
	t.Helper()
	require.NoError(t, r.program.Close(r.params))
	out, err := r.program.Outcome(nil, -1)
	require.NoError(t, err)
	require.Zero(t, out.Param, "nothing was asked for")
	return out.Loss
}

// value is something a device computed.
type value struct {
	name string
	x    []float64
}

// values runs an iteration and returns everything that can be seen of it.
func (r *rig) values(t testing.TB, src graph.Source) []value {
	t.Helper()
	batch := r.rollout(t, src)
	out := []value{
		{"terminal states", floats(batch.Terminal)}, {"lengths", floats(batch.Length)},
		{"rows and steps", []float64{float64(batch.Rows), float64(batch.Steps)}},
	}
	out = append(out, value{"loss", []float64{r.loss(t)}})
	out = append(out, r.outputs(src.Count)...)
	out = append(out, r.heads(t, batch.Terminal)...) // between Close and Backward: Eval must leave the batch alone
	if r.plan.Loss.Class == graph.None {
		return out
	}
	require.NoError(t, r.program.Backward(r.params, r.grads))
	g := read(r.grads)
	for _, p := range r.plan.Params {
		out = append(out, value{"gradient of " + p.Name, g[p.Offset : p.Offset+p.Size()]})
	}
	return out
}

func (r *rig) outputs(count int) []value {
	var out []value
	for _, o := range r.plan.Outputs {
		x := make([]float64, count)
		if o.Ref.Class == graph.Scalar {
			x = x[:1]
		}
		r.program.Read(x, o.Ref)
		out = append(out, value{"output " + o.Name, x})
	}
	return out
}

// heads evaluates every head at states.
func (r *rig) heads(t testing.TB, states []int32) []value {
	t.Helper()
	n := len(states) / r.plan.World.Ints
	dst := make([][]float64, len(r.plan.Heads))
	var out []value
	for i, h := range r.plan.Heads {
		dst[i] = make([]float64, n*h.Ref.Cols)
		out = append(out, value{h.Name, dst[i]})
	}
	require.NoError(t, r.program.Eval(r.params, states, dst))
	return out
}

func floats(x []int32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// width is the number of bits of a device's floats.
func width(t testing.TB, dev graph.Device) int {
	b := alloc(t, dev, 1)
	b.Write([]float64{1 + 0x1p-40}, 0)
	if read(b)[0] == 1 {
		return 32
	}
	return 64
}

// compare demands equal bits, or if tolerance is positive, errors of at most tolerance times a tensor's largest number.
func compare(t testing.TB, where string, want, got []value, tolerance float64) {
	t.Helper()
	require.Equal(t, len(want), len(got))
	for i, w := range want {
		g := got[i]
		require.Equal(t, w.name, g.name)
		require.Equal(t, len(w.x), len(g.x), w.name)
		largest := 1e-3
		for _, v := range w.x {
			largest = max(largest, math.Abs(v))
		}
		for j, v := range w.x {
			if same(v, g.x[j]) || tolerance > 0 && math.Abs(v-g.x[j]) <= tolerance*largest {
				continue
			}
			require.Fail(t, "devices differ", "%s: %s, element %d: %v, want %v (%s)", where, w.name, j, g.x[j], v, bits(g.x[j], v, tolerance, largest))
		}
	}
}

// same is equality of bits, where NaN equals NaN.
func same(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
}

func bits(got, want, tolerance, largest float64) string {
	if tolerance == 0 {
		return fmt.Sprintf("bits %08x, want %08x", math.Float32bits(float32(got)), math.Float32bits(float32(want)))
	}
	return fmt.Sprintf("error %.2g of the largest, %.2g allowed", math.Abs(got-want)/largest, tolerance)
}
