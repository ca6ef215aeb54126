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

// This file tests the Update entry.

// updateTolerance is how far parameters, moments and norms may be from a float64 reference that was given the same gradients: a few
// roundings, in parts of the largest.
const updateTolerance = 1e-6

// updatePlan has parameters in two groups, and more of them than one block of 4,096 of the norm.
func updatePlan(t testing.TB) *graph.Plan {
	f := formula{"update", grid, false, 0, func(s *symbols) graph.Want {
		pf := s.logits(s.torso(graph.ReLU, 67, 61))
		return graph.Want{Policy: pf, Loss: s.balance(s.LogPF(pf), s.Data(graph.LogPBUniform))}
	}}
	p := f.plan(t)
	require.Greater(t, p.Params.Len(), 4096)
	require.Len(t, p.Params.Groups(), 2)
	return p
}

// rules are each kind with and without clipping and decay.
func rules() []graph.Rule {
	adam := graph.Rule{Kind: graph.Adam, Beta1: .9, Beta2: .999, Eps: 1e-8, OneMinusBeta1: .1, OneMinusBeta2: .001}
	clipped, decayed := adam, adam
	clipped.Clip = 2
	decayed.Decay, decayed.Clip = .1, 1e6
	return []graph.Rule{{Kind: graph.SGD}, {Kind: graph.SGD, Clip: .5}, adam, clipped, decayed}
}

// scalars are what step number step (from 1) hands to Update; group log_z has a rate of its own.
func scalars(groups []string, step int) graph.Scalars {
	s := graph.Scalars{C1: float32(1 / (1 - math.Pow(.9, float64(step)))), C2: float32(1 / (1 - math.Pow(.999, float64(step))))}
	for _, g := range groups {
		rate, keep := float32(1e-2), float32(1-1e-3)
		if g == "log_z" {
			rate, keep = .1, 1
		}
		s.Rates, s.Keep = append(s.Rates, rate), append(s.Keep, keep)
	}
	return s
}

func testUpdate(t *testing.T, exact bool, dev, ref graph.Device) {
	p := updatePlan(t)
	n := p.Params.Len()
	tolerance := updateTolerance
	if exact {
		tolerance = 0
	}
	for i, rule := range rules() {
		t.Run(fmt.Sprintf("%d", i), func(t *testing.T) {
			a, b := newRig(t, dev, p, nil), newRig(t, ref, p, nil)
			ma, mb := alloc(t, dev, rule.Moments()*n), alloc(t, ref, rule.Moments()*n)
			defer a.program.Free()
			defer b.program.Free()
			u := make([]float32, n)
			for step := 1; step <= 3; step++ {
				g := make([]float64, n)
				rng.NewKey(uint64(step)).Uniform(u, 0)
				for _, q := range p.Params { // gaps hold 0
					for j := q.Offset; j < q.Offset+q.Size(); j++ {
						g[j] = float64((u[j] - .5) / 4)
					}
				}
				before, state := read(a.params), read(ma)
				norm := func(r *rig, moments graph.Buffer) float64 {
					r.grads.Write(g, 0)
					require.NoError(t, r.program.Update(r.params, r.grads, moments, rule, scalars(p.Params.Groups(), step)))
					at := p.Params[step%len(p.Params)].Offset
					out, err := r.program.Outcome(r.params, at)
					require.NoError(t, err)
					require.Equal(t, read(r.params)[at], out.Param, "the parameter after the update")
					return out.Norm
				}
				x, y := norm(a, ma), norm(b, mb)
				require.InEpsilon(t, math.Sqrt(dot(g, g)), x, 1e-5, "the norm is taken before clipping")
				compare(t, fmt.Sprintf("rule %d, step %d", i, step), []value{{"norm", []float64{y}}, {"parameters", read(b.params)}, {"moments", read(mb)}},
					[]value{{"norm", []float64{x}}, {"parameters", read(a.params)}, {"moments", read(ma)}}, tolerance)
				formulaOf(t, rule, p, step, x, g, before, state, read(a.params))
			}
		})
	}
}

func dot(a, b []float64) (s float64) {
	for i, v := range a {
		s += v * b[i]
	}
	return s
}

// formulaOf holds new parameters against the rule as graph.Rule has it, written out in float64.
func formulaOf(t *testing.T, rule graph.Rule, p *graph.Plan, step int, norm float64, g, before, moments, after []float64) {
	t.Helper()
	s := scalars(p.Params.Groups(), step)
	scale := 1.0
	if clip := float64(rule.Clip); clip > 0 && norm > clip {
		scale = clip / norm
	}
	for _, q := range p.Params {
		group := slices.Index(p.Params.Groups(), q.Group)
		rate, keep := float64(s.Rates[group]), 1.0
		if rule.Decay != 0 {
			keep = float64(s.Keep[group])
		}
		for j := q.Offset; j < q.Offset+q.Size(); j++ {
			x := scale * g[j]
			want := before[j] - rate*x
			if rule.Kind == graph.Adam {
				m := float64(rule.Beta1)*moments[j] + float64(rule.OneMinusBeta1)*x
				v := float64(rule.Beta2)*moments[len(g)+j] + float64(rule.OneMinusBeta2)*x*x
				want = before[j]*keep - rate*m*float64(s.C1)/(math.Sqrt(v*float64(s.C2))+float64(rule.Eps))
			}
			require.InDelta(t, want, after[j], 1e-6, q.Name)
		}
	}
}

// A norm that is not finite leaves everything as it is.
func testNotFinite(t *testing.T, dev graph.Device) {
	p := updatePlan(t)
	n := p.Params.Len()
	r := newRig(t, dev, p, nil)
	defer r.program.Free()
	moments := alloc(t, dev, 2*n)
	rule := rules()[3]
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e30} { // the square of the last is beyond float32
		if bad == 1e30 && width(t, dev) == 64 {
			continue
		}
		g := make([]float64, n)
		g[p.Params[1].Offset] = bad
		r.grads.Write(g, 0)
		moments.Write(slices.Repeat([]float64{.5}, 2*n), 0)
		params, state := read(r.params), read(moments)
		require.NoError(t, r.program.Update(r.params, r.grads, moments, rule, scalars(p.Params.Groups(), 1)))
		out, err := r.program.Outcome(nil, -1)
		require.NoError(t, err)
		require.True(t, math.IsNaN(out.Norm) || math.IsInf(out.Norm, 0), "norm %v of a gradient with %v", out.Norm, bad)
		require.Equal(t, params, read(r.params))
		require.Equal(t, state, read(moments))
	}
}

// testLossNotFinite: a loss that is not finite leaves everything as it is, also where its gradient and the norm are finite; the next
// finite one is applied again.
func testLossNotFinite(t *testing.T, dev graph.Device) {
	if width(t, dev) == 64 {
		t.Skip("no float32 log R has a square beyond float64")
	}
	p := updatePlan(t)
	r := newRig(t, dev, p, nil)
	defer r.program.Free()
	for i, rule := range []graph.Rule{rules()[0], rules()[3]} {
		moments := alloc(t, dev, rule.Moments()*p.Params.Len())
		batch := r.rollout(t, graph.Source{Key: rng.NewKey(3), Count: 400})
		for _, c := range []struct {
			logR float32
			bad  bool
		}{{2, false}, {-2e19, true}, {2, false}} { // its square is beyond float32, a 400th of it is not
			logR := logR(nil, batch.Terminal, p.World.Ints)
			logR[7] = c.logR
			r.program.Reward(logR)
			params, state := read(r.params), read(moments)
			require.NoError(t, r.program.Close(r.params))
			require.NoError(t, r.program.Backward(r.params, r.grads))
			require.NoError(t, r.program.Update(r.params, r.grads, moments, rule, scalars(p.Params.Groups(), 1)))
			out, err := r.program.Outcome(nil, -1)
			require.NoError(t, err)
			require.False(t, math.IsNaN(out.Norm) || math.IsInf(out.Norm, 0), "the norm is to be finite, so that it is the loss that counts")
			require.Equal(t, c.bad, math.IsInf(out.Loss, 0), "loss %v", out.Loss)
			require.Equal(t, c.bad, slices.Equal(params, read(r.params)), "rule %d, loss %v", i, out.Loss)
			if rule.Moments() > 0 {
				require.Equal(t, c.bad, slices.Equal(state, read(moments)))
			}
		}
	}
}

// testHandedIn: entries whose outcome nobody asks for in between give what they give one by one, whatever their arguments' memory is used
// for afterwards.
func testHandedIn(t *testing.T, dev graph.Device) {
	p := updatePlan(t)
	rule := rules()[3]
	run := func(wait bool) []value {
		r := newRig(t, dev, p, nil)
		defer r.program.Free()
		moments := alloc(t, dev, rule.Moments()*p.Params.Len())
		batch := r.rollout(t, graph.Source{Key: rng.NewKey(3), Count: 40})
		rewards := logR(nil, batch.Terminal, p.World.Ints)
		s := scalars(p.Params.Groups(), 1)
		for step := range 4 {
			if step < 2 { // then Update alone, on the same gradient
				r.program.Reward(rewards)
				require.NoError(t, r.program.Close(r.params))
				require.NoError(t, r.program.Backward(r.params, r.grads))
			}
			require.NoError(t, r.program.Update(r.params, r.grads, moments, rule, s))
			if wait {
				_, err := r.program.Outcome(nil, -1)
				require.NoError(t, err)
			}
			for i := range rewards {
				rewards[i] += float32(step + 1)
			}
			for i := range s.Rates {
				s.Rates[i] *= .25
			}
			s.C1 /= 2
		}
		out, err := r.program.Outcome(r.params, 0)
		require.NoError(t, err)
		return []value{{"outcome", []float64{out.Loss, out.Norm, out.Param}}, {"parameters", read(r.params)}, {"moments", read(moments)}}
	}
	compare(t, "handed in", run(true), run(false), 0)
}
