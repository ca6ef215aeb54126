package balance

import "github.com/sluice-ml/sluice/graph"

// This file is the log-partition variance objective.

var (
	_ Balance = VarGrad{}
	_ Batcher = VarGrad{}
)

// VarGrad drives the variance over the batch of
//
//	c(τ) = log R(x) + Σ_t log P_B(s_t|s_t+1) - Σ_t log P_F(s_t+1|s_t)
//
// to zero: trajectory balance in which log Z is not learned, but is the batch mean of c, its best value for the batch at hand.
// The variance divides by B, so with that log Z it is the loss of TB. Zhang et al., arXiv:2302.05446; Richter et al.,
// arXiv:2010.10436. A batch of one trajectory has variance 0 and teaches nothing.
type VarGrad struct{}

// Needs asks for nothing.
func (VarGrad) Needs() Needs { return Needs{} }

// Loss is the variance of c.
func (VarGrad) Loss(b *graph.Builder, t Terms) graph.Node {
	c := b.Sub(b.Add(t.LogR, b.SumT(t.LogPB)), b.SumT(t.LogPF))
	return b.Variance(c)
}

// MinBatch is 2: one number does not vary.
func (VarGrad) MinBatch() int { return 2 }

func (VarGrad) String() string { return "vargrad" }
