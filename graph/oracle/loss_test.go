package oracle_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/diff/fd"

	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/graph/oracle"
)

// batch is two trajectories of a 2x2 grid without stop action, with rows of role end: 00 → 10 → 11 and 00 → 01 → 11. Features
// are one-hot per register.
func batch() oracle.Batch {
	move, last, end := int(graph.Move), int(graph.Last), int(graph.End)
	return oracle.Batch{
		Trajs:    2,
		Features: [][]int{{0, 2}, {0, 2}, {1, 2}, {0, 3}, {1, 3}, {1, 3}},
		Forward:  [][]bool{{true, true}, {true, true}, {false, true}, {true, false}, {false, false}, {false, false}},
		Backward: [][]bool{{false, false}, {false, false}, {true, false}, {false, true}, {true, true}, {true, true}},
		Action:   []int{0, 1, 1, 0, -1, -1},
		Undo:     []int{-1, -1, 0, 1, 1, 0},
		Traj:     []int{0, 1, 0, 1, 0, 1},
		Next:     []int{2, 3, 4, 5, -1, -1},
		Role:     []int{move, move, last, last, end, end},

		LogPBUniform: []float64{0, 0, -math.Ln2, -math.Ln2, 0, 0},
		LogR:         []float64{.3, .7},
	}
}

func numbersFor(net oracle.Net, fill func(seed, n int) []float64) map[string][]float64 {
	p := map[string][]float64{}
	in := 4
	layer := func(name string, in, out int) {
		p[name+".weight"], p[name+".bias"] = fill(len(p), in*out), fill(len(p)+1, out)
	}
	for _, name := range net.Torso {
		layer(name, in, 3)
		in = 3
	}
	layer(net.Forward, in, 2)
	if net.Backward != "" {
		layer(net.Backward, in, 2)
	}
	if net.Flow != "" {
		layer(net.Flow, in, 1)
	}
	if net.LogZ != "" {
		p[net.LogZ] = fill(9, 1)
	}
	return p
}

type loss = func(oracle.Net, oracle.Batch, map[string][]float64) (float64, oracle.Gradients, error)

// With all parameters 0 every policy is uniform, log F = log Z = 0, and the losses can be written down: both trajectories have
// log P_F = -log 2 (their second step is forced) and log P_B = -log 2.
func TestLossesOfTheZeroNet(t *testing.T) {
	zero := func(_, n int) []float64 { return make([]float64, n) }
	net := oracle.Net{Torso: []string{"a"}, Act: graph.Tanh, Forward: "f", Backward: "b", Flow: "v", LogZ: "z"}
	in := batch()
	cases := []struct {
		name string
		f    loss
		want float64
	}{
		{"tb", oracle.TB, (.3*.3 + .7*.7) / 2},
		{"vargrad", oracle.VarGrad, .2 * .2},
		// first steps: -log 2 - 0 (one parent); second steps: 0 - log R + log 2
		{"db", oracle.DB, (2*math.Ln2*math.Ln2 + (math.Ln2-.3)*(math.Ln2-.3) + (math.Ln2-.7)*(math.Ln2-.7)) / 4},
	}
	for _, c := range cases {
		n := net
		if c.name != "db" {
			n.Flow = ""
		}
		if c.name != "tb" {
			n.LogZ = ""
		}
		got, _, err := c.f(n, in, numbersFor(n, zero))
		require.NoError(t, err)
		require.InDelta(t, c.want, got, 1e-12, c.name)
		n.Backward = "" // uniform log P_B is what a zero net has
		got, _, err = c.f(n, in, numbersFor(n, zero))
		require.NoError(t, err)
		require.InDelta(t, c.want, got, 1e-12, c.name)
	}
}

// The gradients by every parameter equal central differences of the loss along some direction.
func TestLossGradients(t *testing.T) {
	for name, f := range map[string]loss{"tb": oracle.TB, "db": oracle.DB, "vargrad": oracle.VarGrad} {
		for _, a := range []graph.Act{graph.ReLU, graph.Leaky, graph.Tanh} {
			t.Run(name+"/"+a.String(), func(t *testing.T) {
				net := oracle.Net{Torso: []string{"a", "b"}, Act: a, Forward: "f", Backward: "g"}
				switch name {
				case "tb":
					net.LogZ = "z"
				case "db":
					net.Flow = "v"
				}
				in, params := batch(), numbersFor(net, numbers)
				_, grads, err := f(net, in, params)
				require.NoError(t, err)
				require.Len(t, grads, len(params))
				for name, x := range params {
					along := numbers(len(name), len(x))
					value := func(h float64) float64 {
						params[name] = make([]float64, len(x))
						for i := range x {
							params[name][i] = x[i] + h*along[i]
						}
						v, _, err := f(net, in, params)
						require.NoError(t, err)
						params[name] = x
						return v
					}
					got := 0.0
					for i, g := range grads[name] {
						got += g * along[i]
					}
					require.InDelta(t, fd.Derivative(value, 0, &fd.Settings{Formula: fd.Central}), got, 1e-6, name)
				}
			})
		}
	}
}

func TestMissingParametersAreErrors(t *testing.T) {
	net := oracle.Net{Torso: []string{"a"}, Forward: "f", LogZ: "z"}
	params := numbersFor(net, numbers)
	delete(params, "f.weight")
	_, _, err := oracle.TB(net, batch(), params)
	require.ErrorContains(t, err, `"f"`)
	params = numbersFor(net, numbers)
	delete(params, "z")
	_, _, err = oracle.TB(net, batch(), params)
	require.ErrorContains(t, err, `"z"`)
}
