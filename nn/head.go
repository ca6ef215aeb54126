package nn

import (
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/nn/optim"
)

// This file is the layers a policy ends in.

// Head is a linear layer on a torso's output x, [rows, in]: logits or a log flow, [rows, width]. Its parameters are
// name+".weight", [in, width], and name+".bias", of group "policy", and start as FanIn has it. A head of width 1 becomes [rows]
// by Builder.Column.
func Head(b *graph.Builder, x graph.Node, name string, width int) graph.Node {
	in := x.Cols()
	w, bias := affine(b, name, in, width, in)
	return b.Linear(x, w, bias)
}

// Scalar is one learned number that starts at value, in an optimiser group of its own: log Z is
//
//	logZ := b.Spread(nn.Scalar(b, "log_z", "log_z", 0)) // [trajs]
func Scalar(b *graph.Builder, name, group string, value float32) graph.Node {
	return b.Param(name, group, graph.Init{Value: value})
}

// affine declares the parameters of x·w + bias.
func affine(b *graph.Builder, name string, in, out, fan int) (w, bias graph.Node) {
	return b.Param(name+".weight", optim.Policy, FanIn(fan), in, out), b.Param(name+".bias", optim.Policy, FanIn(fan), out)
}
