package balance

import "github.com/sluice-ml/sluice/graph"

// This file is detailed balance.

var _ Balance = DB{}

// DB drives, for every step s → s',
//
//	log F(s) + log P_F(s'|s) - log F(s') - log P_B(s|s'),   F(x) = R(x) where a trajectory ends in x
//
// to zero; residuals are squared and averaged over all steps of the batch, by one division, so a long trajectory counts for more
// than a short one. Bengio et al., arXiv:2111.09266. log F(s₀) is the learned log Z.
//
// Each step learns from its neighbours only, so reward travels back one step an update: slower than TB on long trajectories, with
// less variance.
type DB struct{}

// Needs asks for the flow head.
func (DB) Needs() Needs { return Needs{Flow: true} }

// Loss is the mean squared residual over steps.
func (DB) Loss(b *graph.Builder, t Terms) graph.Node {
	r := b.Sub(b.Add(t.LogF, t.LogPF), b.Add(b.NextFlow(t.LogF, t.LogR), t.LogPB))
	return b.DivSteps(b.Sum(b.SumT(b.Square(r)))) // SumT leaves out rows of role end, where r is a log F that nothing is asked of
}

func (DB) String() string { return "db" }
