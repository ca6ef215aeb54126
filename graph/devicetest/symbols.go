package devicetest

import (
	"fmt"

	"github.com/sluice-ml/sluice/graph"
)

// This file is the few layers that the formulas of the tests are made of.

// symbols is a Builder that names its layers by number.
type symbols struct {
	*graph.Builder
	params int
}

// param is one parameter more.
func (s *symbols) param(group string, spread float32, shape ...int) graph.Node {
	s.params++
	return s.Param(fmt.Sprintf("p%d", s.params), group, graph.Init{Spread: spread}, shape...)
}

// layer is a linear layer on x, or a gather-sum if x is the zero Node. Its weights are large enough for activations to be on both
// sides of zero and for logits to differ.
func (s *symbols) layer(x graph.Node, out int) graph.Node {
	if !x.Valid() {
		return s.Gather(s.param("policy", .6, s.World().Features, out), s.param("policy", .3, out))
	}
	return s.Linear(x, s.param("policy", .4, x.Cols(), out), s.param("policy", .3, out))
}

// torso is layers with an activation after each.
func (s *symbols) torso(a graph.Act, widths ...int) graph.Node {
	var x graph.Node
	for _, w := range widths {
		x = s.Act(s.layer(x, w), a)
	}
	return x
}

// logits are the forward logits on a torso.
func (s *symbols) logits(x graph.Node) graph.Node { return s.layer(x, s.World().Actions) }

// sums is Σ log P_F along trajectories.
func (s *symbols) sums(logits graph.Node) graph.Node { return s.SumT(s.LogPF(logits)) }

// logPB is log P_B of the step that leaves a row, learned on x.
func (s *symbols) logPB(x graph.Node) graph.Node { return s.Next(s.LogPB(s.layer(x, s.World().Back))) }

// logZ is a learned scalar for every trajectory.
func (s *symbols) logZ() graph.Node { return s.Spread(s.param("log_z", 1)) }

// balance is the mean squared residual of trajectory balance.
func (s *symbols) balance(logPF, logPB graph.Node) graph.Node {
	r := s.Sub(s.Add(s.logZ(), s.SumT(logPF)), s.Add(s.Data(graph.LogR), s.SumT(logPB)))
	return s.Mean(s.Square(r))
}

// perStep is the mean of x [rows] over the steps of the batch.
func (s *symbols) perStep(x graph.Node) graph.Node { return s.DivSteps(s.Sum(s.SumT(x))) }

// named are outputs with their number for a name.
func named(nodes ...graph.Node) []graph.Named {
	var out []graph.Named
	for i, n := range nodes {
		out = append(out, graph.Named{Name: fmt.Sprintf("%d", i), Node: n})
	}
	return out
}

// heads are named; outputs and heads of a Plan share their names.
func heads(nodes ...graph.Node) []graph.Named {
	out := named(nodes...)
	for i := range out {
		out[i].Name = "head " + out[i].Name
	}
	return out
}
