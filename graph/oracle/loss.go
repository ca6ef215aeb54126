package oracle

import (
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/sluice-ml/sluice/graph"
)

// This file is whole losses of a multilayer perceptron.

// Batch is rows of trajectories as a rollout leaves them.
type Batch struct {
	Trajs             int
	Features          [][]int // active one-hot features of each row
	Forward, Backward [][]bool
	Action, Undo      []int // -1: none
	Traj, Next, Role  []int // Role: graph.Move, Last, End
	LogPBUniform      []float64
	LogR              []float64 // per trajectory
}

// Net names the layers: a torso that starts at the features, and heads on its end. Layer x has parameters "x.weight" [in, out] and
// "x.bias" [out]; sizes are read off the numbers given.
type Net struct {
	Torso    []string
	Act      graph.Act
	Forward  string // forward logits
	Backward string // backward logits; empty: the batch's uniform log P_B
	Flow     string // log F, for DB
	LogZ     string // the parameter log Z, for TB
}

// Gradients are by parameter name.
type Gradients map[string][]float64

// TB is mean (log Z + Σ log P_F - log R - Σ log P_B)² over trajectories.
func TB(net Net, in Batch, params map[string][]float64) (loss float64, grads Gradients, err error) {
	return solve(net, in, params, func(m *model) *gorgonia.Node {
		logZ := m.left(ones(in.Trajs, 1), m.param(net.LogZ, 1))
		r := m.sub(m.add(logZ, m.sumT(m.logPF)), m.add(m.logR, m.sumT(m.logPB)))
		return m.left(mean(in.Trajs), m.square(r))
	})
}

// VarGrad is the variance of log R + Σ log P_B - Σ log P_F over trajectories.
func VarGrad(net Net, in Batch, params map[string][]float64) (loss float64, grads Gradients, err error) {
	return solve(net, in, params, func(m *model) *gorgonia.Node {
		return m.variance(m.sub(m.add(m.logR, m.sumT(m.logPB)), m.sumT(m.logPF)), in.Trajs)
	})
}

// DB is the mean of (log F(s) + log P_F - log F(s') - log P_B)² over steps.
func DB(net Net, in Batch, params map[string][]float64) (loss float64, grads Gradients, err error) {
	return solve(net, in, params, func(m *model) *gorgonia.Node {
		flow := m.layer(net.Flow, m.torso)
		to := m.nextFlow(flow, m.logR, in.Next, in.Traj, in.Role, in.Trajs)
		r := m.sub(m.add(flow, m.logPF), m.add(to, m.logPB))
		steps, count := ones(1, len(in.Role)), 0.0
		for i, role := range in.Role {
			if role == int(graph.End) {
				steps.X[i] = 0
			}
			count += steps.X[i]
		}
		for i := range steps.X {
			steps.X[i] /= count
		}
		return m.left(steps, m.square(r))
	})
}

// model is a formula with a network's symbols in it.
type model struct {
	*formula
	batch              Batch
	given              map[string][]float64
	names              []string
	nodes              []*gorgonia.Node
	torso              *gorgonia.Node
	logPF, logPB, logR *gorgonia.Node
}

func solve(net Net, in Batch, params map[string][]float64, loss func(m *model) *gorgonia.Node) (float64, Gradients, error) {
	running.Lock()
	defer running.Unlock()
	m := &model{formula: newFormula(), batch: in, given: params}
	for _, name := range net.Torso {
		m.torso = m.act(net.Act, m.layer(name, m.torso))
	}
	m.logR = m.input(Column(in.LogR))
	m.logPF = m.logProb(m.layer(net.Forward, m.torso), in.Forward, in.Action)
	if net.Backward != "" {
		at := m.logProb(m.layer(net.Backward, m.torso), in.Backward, in.Undo)
		m.logPB = m.left(pick(in.Next, len(in.Next)), at)
	} else {
		m.logPB = m.input(Column(in.LogPBUniform))
	}
	cost := m.total(loss(m))
	value, derived, _, err := m.run(cost, m.nodes)
	if err != nil {
		return 0, nil, err
	}
	grads := Gradients{}
	for i, name := range m.names {
		grads[name] = derived[i].X
	}
	return value, grads, nil
}

// sumT sums a column over each trajectory's rows.
func (m *model) sumT(x *gorgonia.Node) *gorgonia.Node {
	return m.left(pick(m.batch.Traj, m.batch.Trajs).transposed(), x)
}

// param is a parameter with rows rows, once a name.
func (m *model) param(name string, rows int) *gorgonia.Node {
	if i := slices.Index(m.names, name); i >= 0 {
		return m.nodes[i]
	}
	x := m.given[name]
	if m.err == nil && (len(x) == 0 || len(x)%rows != 0) {
		m.err = fmt.Errorf("oracle: parameter %q has %d numbers in %d rows", name, len(x), rows)
	}
	n := m.input(Matrix{rows, len(x) / rows, x})
	m.names, m.nodes = append(m.names, name), append(m.nodes, n)
	return n
}

// layer is a linear layer on x, or on the features if x is nil.
func (m *model) layer(name string, x *gorgonia.Node) *gorgonia.Node {
	if m.err != nil {
		return nil
	}
	bias := m.param(name+".bias", 1)
	if m.err != nil {
		return nil
	}
	in := len(m.given[name+".weight"]) / bias.Shape()[1]
	if in == 0 {
		m.err = fmt.Errorf("oracle: layer %q has no weights", name)
		return nil
	}
	w := m.param(name+".weight", in)
	if x == nil {
		x = m.input(oneHot(m.batch.Features, in))
	}
	return m.linear(x, w, bias)
}
