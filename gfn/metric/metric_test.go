package metric_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/gfn/metric"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
)

// This file is what the tests share: policies by state index, and a second way to every exact number, by walking trajectories.

type tb interface {
	require.TestingT
	Helper()
}

func enumerate(t tb, w world.World) *world.Space {
	t.Helper()
	space, err := world.Enumerate(w, 0)
	require.NoError(t, err)
	return space
}

// worlds are small ones of every shape: many paths and stop anywhere, many paths and one end, a tree with stop, a tree without.
func worlds() map[string]world.World {
	return map[string]world.World{
		"grid":         world.Hypergrid(2, 4),
		"grid to end":  world.FromMoves(graph.Moves{Kind: graph.Increment, Registers: 2, Values: 3, Stop: graph.StopFull}),
		"words":        world.FromMoves(graph.Moves{Kind: graph.Append, Registers: 3, Values: 3, Stop: graph.StopAnywhere}),
		"full words":   world.FromMoves(graph.Moves{Kind: graph.Append, Registers: 3, Values: 3, Stop: graph.StopFull}),
		"any dim grid": world.Hypergrid(3, 3),
	}
}

// table is a policy given by its logits, [N x actions].
func table(space *world.Space, logits []float64) metric.Logits {
	width := space.Spec().Actions()
	return func(states []int32, dst []float64) error {
		for i := range len(states) / space.Ints {
			at := space.Index(states[i*space.Ints : (i+1)*space.Ints])
			copy(dst[i*width:(i+1)*width], logits[at*width:(at+1)*width])
		}
		return nil
	}
}

func randomLogits(space *world.Space, r *rand.Rand, scale float64) []float64 {
	logits := make([]float64, space.N*space.Spec().Actions())
	for i := range logits {
		logits[i] = scale * r.NormFloat64()
	}
	return logits
}

func randomLogR(space *world.Space, r *rand.Rand) []float64 {
	logR := make([]float64, space.N)
	for i := range logR {
		logR[i] = 2 * r.NormFloat64()
	}
	return logR
}

// perfect is the policy of the exact flows under the uniform backward policy: F(s) = [s ends] R(s) + Σ_children F(s')/n(s'),
// n the number of undo actions of s', and log P_F(s'|s) = log F(s') - log n(s') - log F(s).
func perfect(space *world.Space, logR []float64) (logits []float64, logZ float64) {
	width, stop := space.Spec().Actions(), space.ForwardMasks().Moves
	undo := space.BackwardMasks()
	flow := make([]float64, space.N)
	logits = make([]float64, space.N*width)
	for i := range logits {
		logits[i] = math.NaN() // forbidden actions must not be read
	}
	for i := space.N - 1; i >= 0; i-- {
		if space.Ends(i) {
			flow[i] = math.Exp(logR[i])
		}
		if space.Stop[i] {
			logits[i*width+stop] = logR[i]
		}
		for e := space.First[i]; e < space.First[i+1]; e++ {
			c := int(space.Child[e])
			f := flow[c] / float64(undo.Row(c).Count())
			flow[i] += f
			logits[i*width+int(space.Action[e])] = math.Log(f)
		}
	}
	return logits, math.Log(flow[0])
}

// path is one whole trajectory.
type path struct {
	end                int // state index
	logPF, logPB, logR float64
}

// paths walks every trajectory through the world itself, never through the space's edges.
func paths(w world.World, space *world.Space, logits, logR []float64) []path {
	spec := w.Spec()
	width := spec.Actions()
	var out []path
	var walk func(state []int32, logPF, logPB float64)
	walk = func(state []int32, logPF, logPB float64) {
		at := space.Index(state)
		end := path{end: at, logPF: logPF, logPB: logPB, logR: logR[at]}
		if t, ok := w.(world.Terminal); ok && !spec.Stop {
			var is [1]bool
			if t.Terminal(is[:], state); is[0] {
				out = append(out, end)
				return
			}
		}
		m := spec.ForwardMasks(make([]uint32, spec.Words()))
		m.Reset(spec.Stop)
		w.Forward(m, state)
		sum := 0.0
		for a := range width {
			if m.Row(0).Allowed(a) {
				sum += math.Exp(logits[at*width+a])
			}
		}
		for a := range width {
			if !m.Row(0).Allowed(a) {
				continue
			}
			next := logPF + logits[at*width+a] - math.Log(sum)
			if a == spec.Forward {
				stopped := end
				stopped.logPF = next
				out = append(out, stopped)
				continue
			}
			child := append([]int32(nil), state...)
			w.Step(make([]int32, 1), child, []int32{int32(a)})
			b := spec.BackwardMasks(make([]uint32, spec.BackwardWords()))
			w.Backward(b, child)
			walk(child, next, logPB-math.Log(float64(b.Row(0).Count())))
		}
	}
	source := make([]int32, spec.Ints)
	w.Reset(source)
	walk(source, 0, 0)
	return out
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func sumExp(v []float64) (sum float64) {
	for _, x := range v {
		sum += math.Exp(x)
	}
	return sum
}

var _ tb = (*testing.T)(nil)
