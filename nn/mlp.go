package nn

import (
	"fmt"

	"github.com/sluice-ml/sluice/graph"
)

// This file is the multilayer perceptron.

// MLP is a torso of fully connected layers with an activation after each, the last included, since heads follow:
//
//	h₀ = act(Σ_{active features f} W₀[f] + b₀),   h_l = act(h_{l-1}·W_l + b_l)
//
// States are one-hot, so the first layer sums rows of its weight and multiplies nothing. The zero MLP is the documented default.
type MLP struct {
	Hidden []int     // width of each layer; empty means {128, 128}
	Act    graph.Act // Identity, the zero Act, means ReLU: a torso of linear layers would be one linear layer
}

// maxWidth is far beyond use and keeps sizes of tensors in range.
const maxWidth = 1 << 16

// Validate names the first field that cannot be used.
func (m MLP) Validate() error {
	for i, n := range m.Hidden {
		if n < 1 || n > maxWidth {
			return fmt.Errorf("nn: MLP.Hidden[%d] is %d, want 1..%d", i, n, maxWidth)
		}
	}
	if m.Act > graph.Tanh {
		return fmt.Errorf("nn: MLP.Act is %v, want relu, leaky or tanh", m.Act)
	}
	return nil
}

// Torso is the torso's output, [rows, width of the last layer], on states of features one-hot features, active of them 1 in every state. Layer l's
// parameters are "policy.torso.l.weight", [in, out], and "policy.torso.l.bias", of group "policy".
//
// They start as FanIn has it. The first layer's fan-in is active, not features: a one-hot input has active entries that are not
// 0, so that is how many weights a sum has. With features in its place (what a dense layer on one-hot vectors would take) the
// larger a world is, the flatter its policy would start.
func (m MLP) Torso(b *graph.Builder, features, active int) graph.Node {
	act := m.Act
	if act == graph.Identity {
		act = graph.ReLU
	}
	var x graph.Node
	in, fan := features, active
	for l, n := range m.hidden() {
		w, bias := affine(b, fmt.Sprintf("policy.torso.%d", l), in, n, fan)
		if l == 0 {
			x = b.Gather(w, bias)
		} else {
			x = b.Linear(x, w, bias)
		}
		x = b.Act(x, act)
		in, fan = n, n
	}
	return x
}

func (m MLP) hidden() []int {
	if len(m.Hidden) == 0 {
		return []int{128, 128}
	}
	return m.Hidden
}
