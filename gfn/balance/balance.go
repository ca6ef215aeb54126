package balance

import "github.com/sluice-ml/sluice/graph"

// This file is what a balance is given and what it returns.

// Terms are the symbols of a batch. A row is one visited state and stands for the step that leaves it. A terminal state has a row
// of its own, of role end, only where graph.Shape.EndRows says so; no step leaves it.
type Terms struct {
	LogPF graph.Node // [rows], log P_F(s'|s) of the step leaving the row; 0 on rows of role end
	LogPB graph.Node // [rows], log P_B(s|s') of the same step; 0 for the stop action and on rows of role end
	LogF  graph.Node // [rows], the learned log F(s); zero Node unless Needs.Flow. On rows of role end it is the network's value there
	LogR  graph.Node // [trajs], log R(x)
	LogZ  graph.Node // [trajs], the learned log Z; zero Node unless Needs.LogZ
}

// Needs is what a balance learns beside the policy.
type Needs struct {
	LogZ bool // a scalar log Z
	Flow bool // a head log F(s)
}

// A Balance is an objective.
type Balance interface {
	// Needs is which of the learned Terms Loss reads.
	Needs() Needs
	// Loss is the objective as a scalar symbol. Mistakes are kept by b.
	Loss(b *graph.Builder, t Terms) graph.Node
	// String is its name in errors. Those of this package have the names that run files know them by.
	String() string
}

// Batcher is a Balance that compares trajectories with each other and so teaches nothing on fewer than MinBatch of them.
type Batcher interface {
	MinBatch() int
}

// MinBatch is the smallest batch that b learns from: 1 unless it is a Batcher.
func MinBatch(b Balance) int {
	if c, ok := b.(Batcher); ok {
		return c.MinBatch()
	}
	return 1
}
