// Package balance is the objectives that make a policy's flow consistent, one a file: a condition that holds for every step or
// trajectory exactly when objects are built with probability proportional to their reward, and the loss that measures how far it
// is from holding.
//
// A balance is handed [Terms], symbols of one batch of trajectories, and writes its formula with them; differentiation, rows and
// devices are graph's business. Terms hold log-probabilities of the model and never of the behaviour policy, so no exploration
// setting can bias a gradient.
//
//	func (TB) Loss(b *graph.Builder, t Terms) graph.Node {
//		r := b.Sub(b.Add(t.LogZ, b.SumT(t.LogPF)), b.Add(t.LogR, b.SumT(t.LogPB)))
//		return b.Mean(b.Square(r))
//	}
//
// The package builds no networks, samples nothing and keeps no state; values are safe to share. Package gfn imports it and builds
// the symbols, users do to name a balance in a gfn.Job or to write their own.
package balance
