package devicetest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/graph"
)

// This file is the table of formulas: small Plans that together hold every instruction.

var (
	grid   = graph.Moves{Kind: graph.Increment, Registers: 4, Values: 8, Stop: graph.StopAnywhere}
	letter = graph.Moves{Kind: graph.Append, Registers: 6, Values: 5, Stop: graph.StopAnywhere}
	full   = graph.Moves{Kind: graph.Increment, Registers: 3, Values: 3, Stop: graph.StopFull}
	row    = graph.Moves{Kind: graph.Append, Registers: 1, Values: 6, Stop: graph.StopFull}
)

// formula is one Plan. Tolerance is the largest error of a float32 device against a float64 reference: of every number of a tensor,
// in parts of the tensor's largest one.
type formula struct {
	name      string
	moves     graph.Moves
	learned   bool // log P_B is, so a world without stop action has rows of role end
	tolerance float64
	want      func(s *symbols) graph.Want
}

func (f formula) plan(t testing.TB) *graph.Plan {
	t.Helper()
	s := &symbols{Builder: graph.NewBuilder(shapeOf(f.moves, f.learned))}
	w := f.want(s)
	require.NoError(t, s.Err(), f.name)
	p, err := s.Lower(w)
	require.NoError(t, err, f.name)
	return p
}

// formulas are the table. Sums of many rows in float32 lose about a bit a factor of four; squares of residuals lose what the residual
// loses, so formulas over whole trajectories have the larger tolerances.
func formulas() []formula {
	list := []formula{
		{"gather", grid, false, 2e-5, func(s *symbols) graph.Want {
			pf := s.logits(graph.Node{})
			return graph.Want{Policy: pf, Loss: s.perStep(s.LogPF(pf)), Heads: heads(pf)}
		}},
		{"act alone", grid, false, 2e-5, func(s *symbols) graph.Want {
			pre := s.layer(graph.Node{}, 9)
			pf := s.logits(s.Act(s.Act(pre, graph.Leaky), graph.Tanh))
			return graph.Want{Policy: pf, Loss: s.perStep(s.LogPF(pf)), Heads: heads(pre, pf)}
		}},
		{"elementwise in rows", letter, false, 1e-4, func(s *symbols) graph.Want {
			a, b := s.torso(graph.Tanh, 17), s.torso(graph.Tanh, 17)
			x := s.Sub(s.Mul(a, b), s.Scale(.75, s.Add(s.Square(a), b)))
			pf := s.logits(x)
			return graph.Want{Policy: pf, Loss: s.perStep(s.LogPF(pf)), Heads: heads(x)}
		}},
		{"elementwise across rows", grid, false, 1e-4, func(s *symbols) graph.Want {
			h := s.torso(graph.Tanh, 8)
			pf := s.logits(h)
			v := s.Column(s.layer(h, 1))
			x := s.Mul(s.Square(s.Sub(s.LogPF(pf), v)), v)
			return graph.Want{Policy: pf, Loss: s.perStep(s.Add(s.Scale(-.5, x), v)), Outputs: named(s.SumT(x))}
		}},
		{"trajectory balance", grid, false, 2e-4, func(s *symbols) graph.Want {
			pf := s.logits(s.torso(graph.ReLU, 33, 32))
			sum := s.sums(pf)
			return graph.Want{Policy: pf, Loss: s.balance(s.LogPF(pf), s.Data(graph.LogPBUniform)), Heads: heads(pf), Outputs: named(sum, s.Mean(sum))}
		}},
		{"learned backward policy", grid, true, 2e-4, func(s *symbols) graph.Want {
			h := s.torso(graph.ReLU, 32)
			pf := s.logits(h)
			pb := s.logPB(h)
			return graph.Want{Policy: pf, Loss: s.balance(s.LogPF(pf), pb), Outputs: named(s.SumT(pb))}
		}},
		{"learned backward policy with end rows", full, true, 2e-4, func(s *symbols) graph.Want {
			h := s.torso(graph.Tanh, 16)
			pf := s.logits(h)
			pb := s.logPB(h)
			return graph.Want{Policy: pf, Loss: s.balance(s.LogPF(pf), pb), Outputs: named(s.SumT(pb))}
		}},
		{"variance", letter, false, 2e-4, func(s *symbols) graph.Want {
			pf := s.logits(s.torso(graph.Leaky, 31))
			c := s.Sub(s.Add(s.Data(graph.LogR), s.SumT(s.Data(graph.LogPBUniform))), s.sums(pf))
			return graph.Want{Policy: pf, Loss: s.Variance(c), Outputs: named(c)}
		}},
		{"flow", full, true, 2e-4, func(s *symbols) graph.Want {
			h := s.torso(graph.Tanh, 16)
			pf := s.logits(h)
			f := s.Column(s.layer(h, 1))
			r := s.Sub(s.Add(f, s.LogPF(pf)), s.Add(s.NextFlow(f, s.Data(graph.LogR)), s.logPB(h)))
			return graph.Want{Policy: pf, Loss: s.perStep(s.Square(r)), Heads: heads(f)}
		}},
		{"flow into a learned reward", grid, false, 2e-4, func(s *symbols) graph.Want {
			h := s.torso(graph.Tanh, 16)
			pf := s.logits(h)
			f := s.Column(s.layer(h, 1))
			r := s.Sub(s.Add(f, s.LogPF(pf)), s.NextFlow(f, s.logZ()))
			return graph.Want{Policy: pf, Loss: s.perStep(s.Square(r))}
		}},
		{"first and next", grid, false, 1e-4, func(s *symbols) graph.Want {
			h := s.torso(graph.Tanh, 16)
			pf := s.logits(h)
			f := s.Column(s.layer(h, 1))
			d := s.Sub(s.First(f), s.SumT(s.Next(s.Square(f))))
			return graph.Want{Policy: pf, Loss: s.Add(s.Mean(d), s.perStep(s.LogPF(pf))), Outputs: named(s.First(f), d)}
		}},
		{"scalars", grid, false, 2e-4, func(s *symbols) graph.Want {
			pf := s.logits(s.torso(graph.Tanh, 8))
			x := s.sums(pf)
			m := s.Mean(x)
			d := s.Mul(s.Sub(x, s.Spread(m)), s.Data(graph.LogR))
			y := s.Mul(s.Square(m), s.DivSteps(s.Sum(x)))
			return graph.Want{Policy: pf, Loss: s.Sub(s.Add(s.Scale(.1, y), s.Mean(s.Square(d))), m), Outputs: named(m, d, y)}
		}},
		{"shared weights", grid, false, 1e-4, func(s *symbols) graph.Want {
			h := s.torso(graph.Tanh, 12)
			w, bias := s.param("policy", .4, 12, 12), s.param("policy", .3, 12)
			h = s.Act(s.Linear(h, w, bias), graph.Tanh)
			h = s.Act(s.Linear(h, w, bias), graph.Tanh)
			pf := s.logits(h)
			return graph.Want{Policy: pf, Loss: s.perStep(s.LogPF(pf))}
		}},
		{"residual", grid, false, 1e-4, func(s *symbols) graph.Want {
			h := s.torso(graph.ReLU, 32)
			h = s.Add(h, s.Act(s.layer(h, 32), graph.ReLU))
			pf := s.logits(h)
			second := s.Column(s.layer(pf, 1))
			return graph.Want{Policy: pf, Loss: s.perStep(s.Add(s.LogPF(pf), second)), Heads: heads(h, second)}
		}},
		{"one row a trajectory", row, false, 1e-4, func(s *symbols) graph.Want {
			pf := s.logits(s.torso(graph.ReLU, 5, 64))
			return graph.Want{Policy: pf, Loss: s.balance(s.LogPF(pf), s.Data(graph.LogPBUniform))}
		}},
	}
	for _, a := range []graph.Act{graph.Identity, graph.ReLU, graph.Leaky, graph.Tanh} {
		list = append(list, formula{fmt.Sprintf("linear, %v", a), letter, false, 1e-4, func(s *symbols) graph.Want {
			h := s.torso(a, 20, 31, 70)
			pf := s.logits(h)
			x := s.Add(s.LogPF(pf), s.Column(s.layer(h, 1))) // two heads: a chain of products that goes on
			return graph.Want{Policy: pf, Loss: s.perStep(x), Heads: heads(pf)}
		}})
	}
	return list
}

// widths are the numbers of actions that the second table runs through: one, few, and around the words of a mask and the lanes of a sum.
func widths() []formula {
	var list []formula
	for _, n := range []int{1, 2, 5, 31, 32, 33, 64, 100} {
		worlds := []graph.Moves{{Kind: graph.Append, Registers: 4, Values: max(n, 2), Stop: graph.StopAnywhere}}
		if n == 1 {
			worlds[0].Stop = graph.StopFull
		} else {
			worlds = append(worlds, graph.Moves{Kind: graph.Increment, Registers: n - 1, Values: 3, Stop: graph.StopAnywhere})
		}
		for _, m := range worlds {
			learned := m.Backward() > 1
			list = append(list, formula{fmt.Sprintf("%d actions, %v", n, m.Kind), m, learned, 3e-4, func(s *symbols) graph.Want {
				h := s.torso(graph.Tanh, 24)
				pf := s.logits(h)
				pb := s.Data(graph.LogPBUniform)
				if learned {
					pb = s.logPB(h)
				}
				return graph.Want{Policy: pf, Loss: s.balance(s.LogPF(pf), pb), Heads: heads(pf), Outputs: named(s.sums(pf), s.SumT(pb))}
			}})
		}
	}
	return list
}

// covers fails if an instruction is in none of the Plans.
func covers(t testing.TB, plans []*graph.Plan) {
	t.Helper()
	seen := map[graph.Op]bool{}
	for _, p := range plans {
		for _, list := range [][]graph.Instr{p.Step, p.Close, p.Backward} {
			for _, in := range list {
				seen[in.Op] = true
			}
		}
	}
	for op := graph.OpGather; op <= graph.OpFirstBack; op++ {
		require.True(t, seen[op], "no formula of the table holds instruction %v", op)
	}
}
