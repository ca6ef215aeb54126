// Package nn is layers of networks on graph symbols: a torso, the heads on it, and the values parameters start from.
//
// A layer declares its parameters with a graph.Builder and returns the symbol of its output; it holds no tensors and computes
// nothing. Mistakes are kept by the Builder. Parameters are named by paths, "policy.torso.0.weight", and their initial values are
// data that [Initial] turns into numbers, tensor by tensor, each from its name and a key alone.
//
//	b := graph.NewBuilder(shape)
//	net := nn.MLP{Hidden: []int{256, 256}}
//	torso := net.Torso(b, shape.Features, shape.Active)
//	logits := nn.Head(b, torso, "policy.forward", shape.Actions)
//	logPF := b.LogPF(logits)
//
// It is not a tensor library, and there is no training loop in it; optimisers are in nn/optim. Package gfn imports it to build a
// policy.
package nn
