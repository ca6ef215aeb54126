package graph

import "gorgonia.org/tensor"

// This file is the symbols of a network: what turns a state into logits, and logits into log-probabilities.

// Gather is Σ_f w[feature f of the row's state, :] + bias: a linear layer on the state's one-hot features, which are data.
// w is [Features, N], bias [N]; the result is [rows, N].
func (b *Builder) Gather(w, bias Node) Node {
	if !b.usable("Gather", w, bias) {
		return Node{}
	}
	if n := columns(w, b.world.Features); n > 0 && isVector(bias, n) {
		return b.put("Gather", operation{op: OpGather, out: rows(n)}, w, bias)
	}
	return b.fail("Gather", "w is %v, bias %v, the world has %d features", w, bias, b.world.Features)
}

// Linear is x·w + bias. x is [rows, K], w [K, N], bias [N]; the result is [rows, N].
func (b *Builder) Linear(x, w, bias Node) Node {
	if !b.usable("Linear", x, w, bias) {
		return Node{}
	}
	if n := columns(w, x.cols); x.matrix() && n > 0 && isVector(bias, n) {
		return b.put("Linear", operation{op: OpLinear, out: rows(n)}, x, w, bias)
	}
	return b.fail("Linear", "x is %v, w %v, bias %v", x, w, bias)
}

// columns is N if w is a [k, N] parameter, else 0.
func columns(w Node, k int) int {
	s := w.n.Shape()
	if w.space != PerParam || len(s) != 2 || s[0] != k {
		return 0
	}
	return s[1]
}

// isVector says that bias is an [n] parameter.
func isVector(bias Node, n int) bool {
	return bias.space == PerParam && bias.n.Shape().Eq(tensor.Shape{n})
}

// Act is the activation a of x, elementwise on [rows, N]; Identity is x itself.
func (b *Builder) Act(x Node, a Act) Node {
	if !b.usable("Act", x) {
		return Node{}
	}
	if !x.matrix() || a > Tanh {
		return b.fail("Act", "%v of %v", a, x)
	}
	if a == Identity {
		return x
	}
	return b.put("Act", operation{op: OpAct, act: a, out: rows(x.cols)}, x)
}

// Column is a [rows, 1] symbol as [rows]. It costs nothing.
func (b *Builder) Column(x Node) Node {
	if !b.usable("Column", x) {
		return Node{}
	}
	if !x.matrix() || x.cols != 1 {
		return b.fail("Column", "x is %v", x)
	}
	return b.put("Column", operation{op: opColumn, out: rowVector()}, x)
}

// LogPF is log P_F(s'|s) of the action taken in each row: the log-softmax of logits [rows, Actions] over the actions the forward mask
// allows, at that action; 0 on rows of role end. The result is [rows].
func (b *Builder) LogPF(logits Node) Node { return b.logProb("LogPF", logits, b.world.Actions, true) }

// LogPB is log P_B(s|s') at the row of s': the log-softmax of logits [rows, Back] over the undo actions allowed there, at
// the one that undoes the step into s'; 0 on a trajectory's first row. Next moves it to the row of s.
func (b *Builder) LogPB(logits Node) Node { return b.logProb("LogPB", logits, b.world.Back, false) }

func (b *Builder) logProb(name string, logits Node, actions int, forward bool) Node {
	if !b.usable(name, logits) {
		return Node{}
	}
	if !logits.matrix() || logits.cols != actions {
		return b.fail(name, "logits are %v, the world wants [rows, %d]", logits, actions)
	}
	return b.put(name, operation{op: OpLogProb, forward: forward, out: rowVector()}, logits)
}
