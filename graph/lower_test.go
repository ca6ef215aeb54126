package graph

import (
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"pgregory.net/rapid"
)

func TestGoldenPlans(t *testing.T) {
	ends := grid()
	ends.EndRows, ends.Stop, ends.Actions = true, -1, 2
	cases := []struct {
		name       string
		world      Shape
		act        Act
		back, flow bool
		loss       func(n *net) Node
	}{
		{"tb.txt", grid(), ReLU, false, false, (*net).tb},
		{"tb_learned_pb.txt", grid(), ReLU, true, false, (*net).tb},
		{"db.txt", grid(), Leaky, false, true, (*net).db},
		{"db_end_rows.txt", ends, ReLU, true, true, (*net).db},
		{"vargrad.txt", grid(), Tanh, true, false, (*net).varGrad},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := NewBuilder(c.world)
			n := newNet(b, []int{32, 24}, c.act, c.back, c.flow)
			w := Want{Policy: n.pf, Loss: c.loss(n), Heads: []Named{{"forward", n.pf}}, Outputs: []Named{{"log_pf", b.SumT(b.LogPF(n.pf))}}}
			golden(t, c.name, lower(t, b, w).String())
		})
	}
}

// The chain rule of several heads on one torso: one chain in the order the heads were made, the ReLU gate at its end.
func TestHeadsBackIntoTheTorsoAreOneChain(t *testing.T) {
	b := NewBuilder(grid())
	n := newNet(b, []int{8, 4}, ReLU, true, true)
	p := lower(t, b, Want{Policy: n.pf, Loss: b.Add(n.tb(), n.db())})
	var chain []Instr
	for _, in := range p.Backward {
		if in.Op == OpLinearBack && in.K == 4 {
			chain = append(chain, in)
		}
	}
	require.Len(t, chain, 3)
	for i, width := range []int{3, 2, 1} { // forward, backward, flow
		require.Equal(t, width, chain[i].N)
		require.Equal(t, i > 0, chain[i].Acc)
		require.Equal(t, i == 2, chain[i].C.Class == Saved)
		require.Equal(t, chain[0].Out, chain[i].Out)
	}
	require.Zero(t, count(p.Backward, OpActBack))
	require.Equal(t, 4, count(p.Backward, OpLinearGrad))
	require.Equal(t, 1, count(p.Backward, OpGatherGrad))
}

func TestOtherActivationsGoThroughActBack(t *testing.T) {
	for _, act := range []Act{Leaky, Tanh} {
		b := NewBuilder(grid())
		n := newNet(b, []int{8, 4}, act, true, false)
		p := lower(t, b, Want{Policy: n.pf, Loss: n.tb()})
		require.Equal(t, 2, count(p.Backward, OpActBack))
		for _, in := range p.Backward {
			if in.Op == OpLinearBack {
				require.Equal(t, None, in.C.Class)
			}
			if in.Op == OpActBack {
				require.Equal(t, act, in.Act)
				require.Equal(t, Saved, in.B.Class)
			}
		}
		require.Zero(t, count(p.Step, OpAct), "fused into the layers")
	}
}

// h + relu(linear(h)): the sum h is read by two, so its gradient is a chain plus another term, and the gate of h is no part of it.
func TestResidual(t *testing.T) {
	b := NewBuilder(grid())
	n := &net{b: b}
	h := b.Act(n.layer("in", Node{}, 8), ReLU)
	n.torso = b.Add(h, b.Act(n.layer("block", h, 8), ReLU))
	n.pf = n.layer("forward", n.torso, 3)
	p := lower(t, b, Want{Policy: n.pf, Loss: n.varGrad()})
	require.Equal(t, 1, count(p.Backward, OpAdd))
	require.Equal(t, 2, count(p.Backward, OpLinearBack))
	require.Equal(t, 2, count(p.Backward, OpActBack), "both gates read gradients that others read, or sums")
	require.Equal(t, 2, count(p.Backward, OpLinearGrad))
}

func TestActThatSomeoneElseReadsIsNotFused(t *testing.T) {
	b := NewBuilder(grid())
	n := &net{b: b}
	pre := n.layer("in", Node{}, 3)
	n.pf = n.layer("forward", b.Act(pre, ReLU), 3)
	p := lower(t, b, Want{Policy: n.pf, Loss: n.varGrad(), Heads: []Named{{"pre", pre}}})
	require.Equal(t, 1, count(p.Step, OpAct))
	r, err := Find(p.Heads, "pre")
	require.NoError(t, err)
	require.Equal(t, Scratch, r.Class)
	_, err = Find(p.Heads, "post")
	require.ErrorContains(t, err, `"post"`)
}

func TestLogitsReadTwice(t *testing.T) {
	b := NewBuilder(grid())
	n := newNet(b, []int{8}, ReLU, false, false)
	second := n.layer("second", n.pf, 1)
	loss := b.Add(n.varGrad(), b.DivSteps(b.Sum(b.SumT(b.Square(b.Column(second))))))
	p := lower(t, b, Want{Policy: n.pf, Loss: loss})
	require.Equal(t, 1, count(p.Backward, OpAdd), "log-softmax and the second layer")
}

func TestSharedWeights(t *testing.T) {
	b := NewBuilder(grid())
	n := &net{b: b}
	h := n.layer("in", Node{}, 4)
	w, bias := b.Param("shared.weight", "policy", Init{}, 4, 4), b.Param("shared.bias", "policy", Init{}, 4)
	for range 3 {
		h = b.Act(b.Linear(h, w, bias), Tanh)
	}
	n.pf = n.layer("forward", h, 3)
	p := lower(t, b, Want{Policy: n.pf, Loss: n.varGrad()})
	at := map[string]int{}
	for _, q := range p.Params {
		at[q.Name] = q.Offset
	}
	end := p.Params.Len()
	require.ElementsMatch(t, []Fold{{at["shared.bias"], end, 4}, {at["shared.bias"], end + 16, 4},
		{at["shared.weight"], end + 32, 16}, {at["shared.weight"], end + 48, 16}}, p.Folds)
	require.Equal(t, end+64, p.GradLen)
	require.Len(t, p.LaneGrads, len(p.Params))
	require.Equal(t, Range{at["shared.weight"], 16}, p.LaneGrads[2])

	// The k-th of the three layers reads the k-th activation, so its weight gradient does, and sums in the k-th place.
	var inputs []Ref
	for _, in := range p.Step {
		if in.Op == OpLinear && in.B.Off == at["shared.weight"] {
			inputs = append(inputs, in.A)
		}
	}
	for k, place := range []int{at["shared.weight"], end + 32, end + 48} {
		i := slices.IndexFunc(p.Backward, func(in Instr) bool { return in.Op == OpLinearGrad && in.Out.Off == place })
		require.GreaterOrEqual(t, i, 0)
		require.Equal(t, inputs[k], p.Backward[i].A)
	}
}

// An unused parameter, and one behind StopGrad, have no gradient.
func TestUnreachedParametersAreNamed(t *testing.T) {
	b := NewBuilder(grid())
	n := newNet(b, []int{8}, ReLU, false, true)
	b.Param("log_z", "log_z", Init{})
	loss := b.Add(n.varGrad(), b.DivSteps(b.Sum(b.SumT(b.StopGrad(n.flow)))))
	_, err := b.Lower(Want{Policy: n.pf, Loss: loss})
	require.ErrorContains(t, err, "flow.weight, flow.bias, log_z (graph/lower_test.go:")
	lower(t, b, Want{Policy: n.pf}) // without the loss they are parameters like others
}

func TestStopGrad(t *testing.T) {
	build := func(stop func(b *Builder, x Node) Node) *Plan {
		b := NewBuilder(grid())
		n := newNet(b, []int{8}, ReLU, false, true)
		r := b.Sub(b.Add(n.flow, b.LogPF(n.pf)), stop(b, b.NextFlow(n.flow, b.Data(LogR))))
		return lower(t, b, Want{Policy: n.pf, Loss: b.DivSteps(b.Sum(b.SumT(b.Square(r))))})
	}
	p := build((*Builder).StopGrad)
	require.Equal(t, 1, count(p.Close, OpNextFlow))
	require.Zero(t, count(p.Close, OpNextFlowBack))
	p = build(func(_ *Builder, x Node) Node { return x })
	require.Equal(t, 1, count(p.Close, OpNextFlowBack))
}

// The uniform log P_B of a step is known after the move only, so what reads it is no part of Step although it is row-local.
func TestReadersOfRowDataAreInClose(t *testing.T) {
	b := NewBuilder(grid())
	n := newNet(b, []int{8}, ReLU, false, true)
	r := b.Sub(b.Scale(2, n.flow), b.Data(LogPBUniform))
	p := lower(t, b, Want{Policy: n.pf, Outputs: []Named{{"r", b.SumT(r)}}})
	require.Equal(t, 1, count(p.Step, OpScale), "a function of the state")
	require.Equal(t, 1, count(p.Close, OpSub))
}

// The gradient 1 that Grad starts from goes through Scale and Add without instructions.
func TestScalarConstantsFold(t *testing.T) {
	b := NewBuilder(grid())
	n := newNet(b, []int{8}, ReLU, false, false)
	v := n.varGrad()
	p := lower(t, b, Want{Policy: n.pf, Loss: b.Add(b.Scale(3, v), b.Scale(.5, v))})
	var consts []float32
	for _, in := range p.Close {
		if in.Op == OpConst {
			consts = append(consts, in.Const)
		}
	}
	require.Equal(t, []float32{3.5}, consts)
	require.Equal(t, 3, count(p.Close, OpScale), "the loss's own two, and VarGrad's minus sign")
}

// First's value: log Z as a head at first rows.
func TestFirst(t *testing.T) {
	b := NewBuilder(grid())
	n := newNet(b, []int{8}, ReLU, false, true)
	r := b.Sub(b.Add(b.First(n.flow), b.SumT(b.LogPF(n.pf))), b.Data(LogR))
	p := lower(t, b, Want{Policy: n.pf, Loss: b.Mean(b.Square(r)), Heads: []Named{{"flow", n.flow}}})
	require.Equal(t, 1, count(p.Close, OpFirstBack))
	require.Empty(t, p.CloseGrads)
	r1, err := Find(p.Heads, "flow")
	require.NoError(t, err)
	require.Equal(t, Kept, r1.Class, "the width-1 layer writes where Close reads")
}

func TestLowerRefuses(t *testing.T) {
	cases := []struct {
		name string
		want func(b *Builder, n *net) Want
		err  string
	}{
		{"no policy", func(b *Builder, n *net) Want { return Want{} }, "policy is invalid"},
		{"policy of another width", func(b *Builder, n *net) Want { return Want{Policy: n.torso} }, "[rows, 4], the world wants [rows, 3]"},
		{"loss per trajectory", func(b *Builder, n *net) Want { return Want{Policy: n.pf, Loss: b.Data(LogR)} }, "loss is [trajs]"},
		{"head that reads the next row", func(b *Builder, n *net) Want {
			return Want{Policy: n.pf, Heads: []Named{{"next", b.Next(n.flow)}}}
		}, `head "next"`},
		{"head that reads the action", func(b *Builder, n *net) Want {
			return Want{Policy: n.pf, Heads: []Named{{"log_pf", b.LogPF(n.pf)}}}
		}, `head "log_pf"`},
		{"head that is data", func(b *Builder, n *net) Want {
			return Want{Policy: n.pf, Heads: []Named{{"data", b.Data(LogPBUniform)}}}
		}, `head "data"`},
		{"output per row", func(b *Builder, n *net) Want {
			return Want{Policy: n.pf, Outputs: []Named{{"flow", n.flow}}}
		}, `output "flow"`},
		{"name twice", func(b *Builder, n *net) Want {
			return Want{Policy: n.pf, Heads: []Named{{"a", n.flow}, {"a", n.pf}}}
		}, `head "a"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := NewBuilder(grid())
			n := newNet(b, []int{4}, ReLU, false, true)
			_, err := b.Lower(c.want(b, n))
			require.ErrorContains(t, err, c.err)
		})
	}
}

func TestOneLossAGraph(t *testing.T) {
	b := NewBuilder(grid())
	n := newNet(b, []int{8}, ReLU, false, false)
	judge := Want{Policy: n.pf, Heads: []Named{{"forward", n.pf}}, Outputs: []Named{{"log_pf", b.SumT(b.LogPF(n.pf))}}}
	train := Want{Policy: n.pf, Loss: n.varGrad()}
	before := lower(t, b, judge)
	lower(t, b, train)
	_, err := b.Lower(train)
	require.ErrorContains(t, err, "differentiated once")
	require.Equal(t, before, lower(t, b, judge), "a plan without loss does not see the gradient")
	require.Zero(t, before.SavedCols)
	require.Empty(t, before.Backward)
	require.False(t, b.Param("late", "g", Init{}).Valid())
	require.ErrorContains(t, b.Err(), `"late" comes after Lower`)
}

// OpSample follows exactly what the policy needs; everything on the action or for the loss alone comes later.
func TestSampleIsEarly(t *testing.T) {
	b := NewBuilder(grid())
	n := newNet(b, []int{8, 4}, ReLU, true, true)
	p := lower(t, b, Want{Policy: n.pf, Loss: b.Add(n.tb(), n.db()), Heads: []Named{{"backward", n.pb}}})
	var ops []Op
	for _, in := range p.Step {
		ops = append(ops, in.Op)
	}
	require.Equal(t, []Op{OpGather, OpLinear, OpLinear, OpSample}, ops[:4])
	require.Equal(t, 1, count(p.Step, OpSample))
	require.Equal(t, 2, count(p.Step, OpLogProb))
}

// The trees of several Builders grow at once; run with -race.
func TestBuildersAreIndependent(t *testing.T) {
	plans := make([]*Plan, 8)
	var wg sync.WaitGroup
	for i := range plans {
		wg.Go(func() {
			b := NewBuilder(grid())
			n := newNet(b, []int{8, 4}, ReLU, true, true)
			plans[i], _ = b.Lower(Want{Policy: n.pf, Loss: b.Add(n.tb(), n.db())})
		})
	}
	wg.Wait()
	for _, p := range plans {
		require.NotNil(t, p)
		require.Equal(t, plans[0], p)
	}
}

// Any net of this kind lowers to a plan that passes check (Lower runs it), the same one each time, with no Scratch value wider
// than its layers need and every parameter in one of the lists.
func TestAnyNetLowers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		world := grid()
		world.EndRows = rapid.Bool().Draw(t, "end rows")
		hidden := rapid.SliceOfN(rapid.IntRange(1, 40), 0, 4).Draw(t, "hidden")
		act := Act(rapid.IntRange(int(Identity), int(Tanh)).Draw(t, "act"))
		back, flow := rapid.Bool().Draw(t, "back"), rapid.Bool().Draw(t, "flow")
		kind := rapid.IntRange(0, 3).Draw(t, "loss")
		judge := rapid.Bool().Draw(t, "heads")
		if kind == 1 {
			flow = true
		} else if kind != 3 {
			flow = false
		}
		build := func() *Plan {
			b := NewBuilder(world)
			n := newNet(b, hidden, act, back, flow || kind == 3)
			var loss Node
			switch kind {
			case 0:
				loss = n.tb()
			case 1:
				loss = n.db()
			case 2:
				loss = n.varGrad()
			case 3:
				loss = b.Add(n.tb(), b.Scale(.5, n.db()))
			}
			w := Want{Policy: n.pf, Loss: loss}
			if judge {
				w.Heads = []Named{{"forward", n.pf}}
				if n.flow.Valid() {
					w.Heads = append(w.Heads, Named{"flow", n.flow})
				}
			}
			return lower(t, b, w)
		}
		p := build()
		require.Equal(t, p, build())
		layers := len(hidden) + 1
		if back {
			layers++
		}
		if flow || kind == 3 {
			layers++
		}
		require.Equal(t, layers, count(p.Step, OpGather)+count(p.Step, OpLinear))
		require.Equal(t, layers, count(p.Backward, OpGatherGrad)+count(p.Backward, OpLinearGrad))
		require.Len(t, p.LaneGrads, 2*layers)
		require.Equal(t, 2*layers+len(p.CloseGrads), len(p.Params))
	})
}

// The executor's only knowledge of Gorgonia's own operations; a new version that prints or adds otherwise must fail here.
func TestStockAddIsSpelledAsExpected(t *testing.T) {
	g := gorgonia.NewGraph()
	x := gorgonia.NewVector(g, gorgonia.Float32, gorgonia.WithName("x"), gorgonia.WithShape(3))
	y := gorgonia.NewVector(g, gorgonia.Float32, gorgonia.WithName("y"), gorgonia.WithShape(3))
	n, err := gorgonia.Add(x, y)
	require.NoError(t, err)
	require.Equal(t, stockAdd, n.Op().String())
}
