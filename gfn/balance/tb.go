package balance

import "github.com/sluice-ml/sluice/graph"

// This file is trajectory balance.

var _ Balance = TB{}

// TB drives, for every trajectory τ ending in x,
//
//	log Z + Σ_t log P_F(s_t+1|s_t) - log R(x) - Σ_t log P_B(s_t|s_t+1)
//
// to zero; residuals are squared and averaged over trajectories. Malkin et al., arXiv:2201.13259, section 2.3.
//
// It carries reward to the first step at once and needs no flow head. On policy it is blind to modes it never visits: a low loss
// then means balance on what was seen, with a log Z too low by the mass that was not.
type TB struct{}

// Needs asks for log Z.
func (TB) Needs() Needs { return Needs{LogZ: true} }

// Loss is the mean squared residual.
func (TB) Loss(b *graph.Builder, t Terms) graph.Node {
	r := b.Sub(b.Add(t.LogZ, b.SumT(t.LogPF)), b.Add(t.LogR, b.SumT(t.LogPB)))
	return b.Mean(b.Square(r))
}

func (TB) String() string { return "tb" }
