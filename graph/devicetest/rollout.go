package devicetest

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/f32"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// This file tests the Step entry and Eval: what a device may draw, must reproduce and must refuse.

// sampler draws from logits that differ much, so that a mask that is not heeded would be seen.
func sampler(m graph.Moves) formula {
	return formula{"sampler", m, true, 0, func(s *symbols) graph.Want {
		h := s.torso(graph.Tanh, 8)
		pf := s.Scale(4, s.logits(h))
		list, pb := heads(pf, s.Column(s.layer(h, 1))), s.Data(graph.LogPBUniform)
		if s.World().Back > 1 {
			back := s.layer(h, s.World().Back)
			list, pb = append(list, graph.Named{Name: "backward", Node: back}), s.Next(s.LogPB(back))
		}
		flow := s.SumT(list[1].Node)
		return graph.Want{Policy: pf, Heads: list, Outputs: named(s.sums(pf), s.SumT(pb), flow, s.First(list[1].Node))}
	}}
}

// follow steps a host through actions and calls each with every state, its forward mask and the action taken there.
func follow(m graph.Moves, actions []int32, each func(state []int32, mask []uint32, a int)) (terminal []int32) {
	s := make([]int32, m.Registers)
	mask := make([]uint32, graph.Words(m.Forward()+1))
	for _, a := range actions {
		m.MaskForward(mask, s)
		each(s, mask, int(a))
		if m.Stop == graph.StopAnywhere && int(a) == m.Forward() {
			break
		}
		m.Step(s, int(a))
	}
	return s
}

// testAllowed draws a million actions, with and without exploration, and finds none of them forbidden.
func testAllowed(t *testing.T, dev graph.Device) {
	const million = 1_000_000
	worlds := []graph.Moves{
		{Kind: graph.Increment, Registers: 2, Values: 4, Stop: graph.StopAnywhere},
		{Kind: graph.Increment, Registers: 40, Values: 2, Stop: graph.StopAnywhere},
		{Kind: graph.Append, Registers: 12, Values: 33, Stop: graph.StopAnywhere},
		{Kind: graph.Increment, Registers: 33, Values: 2, Stop: graph.StopFull},
	}
	want := million / len(worlds)
	if testing.Short() {
		want /= 100
	}
	for _, m := range worlds {
		r := newRig(t, dev, sampler(m).plan(t), nil)
		draws, forbidden, batch := 0, 0, min(want/8, 2048)
		used := map[int]bool{}
		for it := uint32(0); draws < want; it++ {
			src := graph.Source{Key: rng.NewKey(3), Iteration: it, Purpose: rng.Eval, Count: batch, Epsilon: float32(it % 2 / 2)}
			b := r.rollout(t, src)
			var actions []int32
			for i := range batch {
				actions = r.program.Actions(actions[:0], i)
				require.Equal(t, int(b.Length[i]), len(actions))
				x := follow(m, actions, func(_ []int32, mask []uint32, a int) {
					draws++
					used[a] = true
					if a < 0 || !allowed(mask, a) {
						forbidden++
					}
				})
				if forbidden > 0 {
					require.Fail(t, "a forbidden action was drawn", "%v: trajectory %d: %v", m, i, actions)
				}
				require.Equal(t, b.Terminal[i*m.Registers:(i+1)*m.Registers], x)
			}
		}
		require.Greater(t, len(used), m.Forward()/2, "most actions are drawn at some time")
		r.program.Free()
	}
}

// testLaw compares how often actions are drawn at the source with the law they are drawn by, a mixture of the policy and the uniform law:
// within five standard deviations each.
func testLaw(t *testing.T, dev graph.Device) {
	m := graph.Moves{Kind: graph.Increment, Registers: 3, Values: 2, Stop: graph.StopAnywhere}
	f := formula{"law", m, false, 0, func(s *symbols) graph.Want {
		pf := s.Scale(2, s.logits(s.torso(graph.Tanh, 8)))
		return graph.Want{Policy: pf, Heads: heads(pf)}
	}}
	r := newRig(t, dev, f.plan(t), nil)
	defer r.program.Free()
	logits := r.heads(t, make([]int32, m.Registers))[0].x
	const n = 4096
	for _, epsilon := range []float64{0, .5, 1} {
		r.rollout(t, graph.Source{Key: rng.NewKey(31), Count: n, Epsilon: float32(epsilon)})
		count := make([]float64, len(logits))
		for i := range n {
			count[r.program.Actions(nil, i)[0]]++
		}
		for a, c := range count {
			p := (1-epsilon)*math.Exp(logSoftmax(logits, []uint32{15}, a)) + epsilon/4
			require.InDelta(t, n*p, c, 5*math.Sqrt(n*p*(1-p)), "action %d, epsilon %v", a, epsilon)
		}
	}
}

// testGiven: a drawn trajectory that is given again has the same bits everywhere, and a batch may hold both.
func testGiven(t *testing.T, dev graph.Device) {
	for _, m := range []graph.Moves{grid, letter, full} {
		f := sampler(m)
		r := newRig(t, dev, f.plan(t), nil)
		src := graph.Source{Key: rng.NewKey(8), Iteration: 3, Purpose: rng.Eval, Count: 57, First: 100, Epsilon: .3}
		want := r.values(t, src)
		list := make([][]int32, src.Count)
		for i := range list {
			list[i] = r.program.Actions(nil, i)
		}
		again := src
		again.Given = list
		compare(t, "all given", want, r.values(t, again), 0)
		for i := range list {
			if i%3 == 0 {
				list[i] = nil
			}
		}
		compare(t, "some given", want, r.values(t, again), 0)

		// A trajectory is a function of key, iteration, purpose and its number alone, not of the batch it is drawn in.
		part := src
		part.First, part.Count = src.First+20, 7
		got := r.values(t, part)
		require.Equal(t, want[0].x[20*m.Registers:27*m.Registers], got[0].x)
		for _, other := range []graph.Source{{Key: rng.NewKey(9), Iteration: 3, Purpose: rng.Eval}, {Key: src.Key, Iteration: 4, Purpose: rng.Eval},
			{Key: src.Key, Iteration: 3, Purpose: rng.Sample}} {
			other.Count, other.First, other.Epsilon = src.Count, src.First, src.Epsilon
			require.NotEqual(t, outputOf(want, "0"), outputOf(r.values(t, other), "0"))
		}
		r.program.Free()
	}
}

func outputOf(list []value, name string) []float64 {
	for _, v := range list {
		if v.name == "output "+name {
			return v.x
		}
	}
	return nil
}

// deadEnd allows nothing where the first register is 2.
type deadEnd struct{ host }

func (h deadEnd) Forward(mask []uint32, states []int32) {
	h.host.Forward(mask, states)
	k := h.m.Registers
	n := len(states) / k
	for i := range n {
		if states[i*k] == 2 {
			words := len(mask) / n
			clear(mask[i*words : (i+1)*words])
		}
	}
}

func testRefusals(t *testing.T, dev graph.Device) {
	plan := sampler(grid).plan(t)
	stop := int32(plan.World.Stop)
	r := newRig(t, dev, plan, nil)
	defer r.program.Free()
	fine := []int32{0, 1, stop}
	for _, c := range []struct {
		name   string
		bad    []int32
		action int32
		step   int
		state  []int32
	}{
		{"an action that is forbidden", []int32{3, 3, 3, 3, 3, 3, 3, 3, stop}, 3, 7, []int32{0, 0, 0, 7}},
		{"an action that is none", []int32{1, 9}, 9, 1, []int32{0, 1, 0, 0}},
		{"a negative action", []int32{-2, stop}, -2, 0, []int32{0, 0, 0, 0}},
		{"a list that ends early", []int32{1, 2}, -1, 2, []int32{0, 1, 1, 0}},
		{"an empty list", []int32{}, -1, 0, []int32{0, 0, 0, 0}},
		{"a list that goes on", []int32{1, stop, 0}, 0, 2, []int32{0, 1, 0, 0}},
	} {
		_, err := r.program.Rollout(r.params, graph.Source{Count: 3, Given: [][]int32{fine, c.bad, nil}}, nil)
		var refused *graph.GivenError
		require.ErrorAs(t, err, &refused, c.name)
		require.Equal(t, &graph.GivenError{Trajectory: 1, Step: c.step, Action: c.action, State: c.state}, refused, c.name)
	}
	for name, src := range map[string]graph.Source{"no trajectories": {}, "more lanes than trajectories": {Count: 3, Lanes: 4},
		"negative lanes": {Count: 3, Lanes: -1}, "two given of three": {Count: 3, Given: [][]int32{fine, fine}}} {
		_, err := r.program.Rollout(r.params, src, nil)
		require.Error(t, err, name)
	}
	// A program goes on after a refusal.
	r.rollout(t, graph.Source{Count: 2, Given: [][]int32{fine, fine}})

	code := *plan
	code.World.Moves = nil
	h := newRig(t, dev, &code, deadEnd{host{grid}})
	defer h.program.Free()
	_, err := h.program.Rollout(h.params, graph.Source{Count: 3, Lanes: 3, Given: [][]int32{fine, fine, {1, 0, 0, stop}}}, h.host)
	require.ErrorIs(t, err, graph.ErrNoAction)
	var none *graph.NoActionError
	require.ErrorAs(t, err, &none)
	require.Equal(t, &graph.NoActionError{Trajectory: 2, Step: 3, State: []int32{2, 1, 0, 0}}, none)
	_, err = h.program.Rollout(h.params, graph.Source{Count: 1}, nil)
	require.Error(t, err, "a world that is Go code needs a host")
}

// early is a world without stop action whose trajectories differ in length: one ends where a register is full, too.
type early struct{ host }

func (h early) Terminal(dst []bool, states []int32) {
	k := h.m.Registers
	for i := range dst {
		dst[i] = slices.Contains(states[i*k:(i+1)*k], int32(h.m.Values-1))
	}
}

// testEndRows: a terminal state has a row exactly in worlds without stop action whose log P_B is learned, and what is read there is
// log P_B of the last step.
func testEndRows(t *testing.T, dev graph.Device) {
	const n = 61
	for _, w := range []struct {
		name string
		host graph.Host
		same bool // all trajectories are of one length
	}{{"full", host{full}, true}, {"early", early{host{full}}, false}} {
		for _, learned := range []bool{true, false} {
			f := sampler(full)
			if f.learned = learned; !learned {
				f.want = func(s *symbols) graph.Want {
					pf := s.logits(s.torso(graph.Tanh, 8))
					v := s.Column(s.layer(pf, 1))
					return graph.Want{Policy: pf, Heads: heads(pf, v, v), Outputs: named(s.sums(pf), s.SumT(s.Data(graph.LogPBUniform)))}
				}
			}
			p := *f.plan(t)
			p.World.Moves = nil
			require.Equal(t, learned, p.World.EndRows)
			r := newRig(t, dev, &p, w.host)
			got := r.rollout(t, graph.Source{Key: rng.NewKey(4), Count: n, Epsilon: .5})
			ends := 0
			if learned {
				ends = n
			}
			require.Equal(t, got.Steps+ends, got.Rows)
			require.Equal(t, w.same, got.Steps == n*full.Steps())
			require.NoError(t, r.program.Close(r.params))
			r.checkLogPB(t, got, learned)
			r.program.Free()
		}
	}
}

// checkLogPB computes Σ log P_B of every trajectory from Eval's logits, or uniform.
func (r *rig) checkLogPB(t *testing.T, batch graph.Batch, learned bool) {
	t.Helper()
	have := outputOf(r.outputs(batch.Count), "1")
	steps := 0
	for i := range batch.Count {
		want := 0.0
		actions := r.program.Actions(nil, i)
		require.Len(t, actions, int(batch.Length[i]), "the end row is no action")
		steps += len(actions)
		s := make([]int32, full.Registers)
		for _, a := range actions {
			undo := full.Step(s, int(a))
			mask := make([]uint32, 1)
			full.MaskBackward(mask, s)
			logits := make([]float64, full.Registers)
			if learned {
				logits = r.heads(t, s)[2].x
			}
			want += logSoftmax(logits, mask, undo)
		}
		require.InDelta(t, want, have[i], 1e-5*(1+math.Abs(want)))
		require.Equal(t, batch.Terminal[i*full.Registers:(i+1)*full.Registers], s)
	}
	require.Equal(t, batch.Steps, steps)
}

// logSoftmax is log softmax over the allowed x, at a.
func logSoftmax(x []float64, mask []uint32, a int) float64 {
	sum := 0.0
	for j, v := range x {
		if allowed(mask, j) {
			sum += math.Exp(v - x[a])
		}
	}
	return -math.Log(sum)
}

// testHost: a world gives the same bits whether the device steps it or Go does.
func testHost(t *testing.T, dev graph.Device) {
	for _, m := range []graph.Moves{grid, letter, full, row} {
		for _, f := range []formula{sampler(m), {"loss", m, false, 0, func(s *symbols) graph.Want {
			pf := s.logits(s.torso(graph.ReLU, 16))
			return graph.Want{Policy: pf, Loss: s.balance(s.LogPF(pf), s.Data(graph.LogPBUniform))}
		}}} {
			p := f.plan(t)
			code := *p
			code.World.Moves = nil
			a, b := newRig(t, dev, p, nil), newRig(t, dev, &code, host{m})
			src := graph.Source{Key: rng.NewKey(6), Count: 70, Epsilon: .1}
			compare(t, m.String(), a.values(t, src), b.values(t, src), 0)
			a.program.Free()
			b.program.Free()
		}
	}
}

// testEval: Eval's values are those Step had. A head of one column, summed along a trajectory by Close, is the compensated sum of what
// Eval says of the trajectory's states, bit for bit on a float32 device; and log P_F is that of Eval's logits.
func testEval(t *testing.T, dev graph.Device) {
	f := sampler(grid)
	r := newRig(t, dev, f.plan(t), nil)
	defer r.program.Free()
	src := graph.Source{Key: rng.NewKey(12), Count: 40, Epsilon: .5}
	r.rollout(t, src)
	require.NoError(t, r.program.Close(r.params))
	out := r.outputs(src.Count)
	logPF, flow, first := outputOf(out, "0"), outputOf(out, "2"), outputOf(out, "3")
	exact := width(t, dev) == 32
	for i := range src.Count {
		var states []int32
		var masks [][]uint32
		actions := r.program.Actions(nil, i)
		follow(grid, actions, func(s []int32, mask []uint32, _ int) {
			states, masks = append(states, s...), append(masks, append([]uint32(nil), mask...))
		})
		heads := r.heads(t, states)
		var sum f32.Sum[float32]
		want := 0.0
		for k, v := range heads[1].x {
			sum.Add(float32(v))
			logits := heads[0].x[k*r.plan.World.Actions : (k+1)*r.plan.World.Actions]
			want += logSoftmax(logits, masks[k], int(actions[k]))
		}
		require.InDelta(t, want, logPF[i], 1e-5*(1+math.Abs(want)), "log P_F is the model's, not that of the draw")
		require.Equal(t, heads[1].x[0], first[i])
		if exact {
			require.Equal(t, float64(sum.Value()), flow[i])
		}
	}
	// Many states at once are the states one by one.
	var many []int32
	for i := range 300 {
		many = append(many, int32(i)%8, int32(i/8)%8, int32(i/64)%8, int32(i*i)%8)
	}
	all, at := r.heads(t, many), 0
	for i := range 300 {
		one := r.heads(t, many[4*i:4*i+4])
		require.Equal(t, one[1].x[0], all[1].x[i])
		require.Equal(t, one[0].x, all[0].x[at:at+len(one[0].x)])
		at += len(one[0].x)
	}
	// Heads that are not asked for are left out, and no states are no work.
	one := make([]float64, 1)
	require.NoError(t, r.program.Eval(r.params, make([]int32, 4), [][]float64{nil, one, nil}))
	require.Equal(t, first[0], one[0])
	require.NoError(t, r.program.Eval(r.params, nil, make([][]float64, 3)))
}
