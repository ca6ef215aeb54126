package nn_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/nn"
)

// grid is the 8 x 8 hypergrid: two registers of eight values.
var grid = graph.Shape{Ints: 2, Active: 2, Features: 16, Values: 8, Actions: 3, Stop: 2, Back: 2, Steps: 15}

func TestTorsoAndHeads(t *testing.T) {
	b := graph.NewBuilder(grid)
	net := nn.MLP{Hidden: []int{32, 24}, Act: graph.Tanh}
	torso := net.Torso(b, grid.Features, grid.Active)
	forward := nn.Head(b, torso, "policy.forward", grid.Actions)
	flow := b.Column(nn.Head(b, torso, "policy.flow", 1))
	logZ := b.Spread(nn.Scalar(b, "log_z", "log_z", 2))
	require.NoError(t, b.Err())
	require.Equal(t, []int{24, 3, 1, 1}, []int{torso.Cols(), forward.Cols(), flow.Cols(), logZ.Cols()})
	require.Equal(t, []graph.Space{graph.PerRow, graph.PerRow, graph.PerRow, graph.PerTraj},
		[]graph.Space{torso.Space(), forward.Space(), flow.Space(), logZ.Space()})

	var names []string
	for _, p := range b.Params() {
		names = append(names, p.Name)
	}
	require.Equal(t, []string{"policy.torso.0.weight", "policy.torso.0.bias", "policy.torso.1.weight", "policy.torso.1.bias",
		"policy.forward.weight", "policy.forward.bias", "policy.flow.weight", "policy.flow.bias", "log_z"}, names)
	for i, want := range []struct {
		shape []int
		init  graph.Init
		group string
	}{
		{[]int{16, 32}, nn.FanIn(2), "policy"}, {[]int{32}, nn.FanIn(2), "policy"}, // of active features, not of all
		{[]int{32, 24}, nn.FanIn(32), "policy"}, {[]int{24}, nn.FanIn(32), "policy"},
		{[]int{24, 3}, nn.FanIn(24), "policy"}, {[]int{3}, nn.FanIn(24), "policy"},
		{[]int{24, 1}, nn.FanIn(24), "policy"}, {[]int{1}, nn.FanIn(24), "policy"},
		{nil, graph.Init{Value: 2}, "log_z"},
	} {
		p := b.Params()[i]
		require.Equal(t, want.init, p.Init, p.Name)
		require.Equal(t, want.group, p.Group, p.Name)
		require.Equal(t, len(want.shape), len(p.Shape), p.Name)
		for d := range want.shape {
			require.Equal(t, want.shape[d], p.Shape[d], p.Name)
		}
	}
}

func TestZeroIsTheDefault(t *testing.T) {
	b := graph.NewBuilder(grid)
	torso := nn.MLP{}.Torso(b, grid.Features, grid.Active)
	require.Equal(t, 128, torso.Cols())
	require.NoError(t, b.Err())
	require.Len(t, b.Params(), 4)
	require.NoError(t, nn.MLP{}.Validate())
}

func TestActivationAfterEveryLayer(t *testing.T) {
	for act, want := range map[graph.Act]graph.Act{graph.Identity: graph.ReLU, graph.Leaky: graph.Leaky, graph.Tanh: graph.Tanh} {
		b := graph.NewBuilder(grid)
		net := nn.MLP{Hidden: []int{4, 5, 6}, Act: act}
		plan, err := b.Lower(graph.Want{Policy: nn.Head(b, net.Torso(b, grid.Features, grid.Active), "policy.forward", grid.Actions)})
		require.NoError(t, err)
		count := map[graph.Act]int{}
		for _, in := range plan.Step {
			if in.Op == graph.OpGather || in.Op == graph.OpLinear || in.Op == graph.OpAct {
				count[in.Act]++
			}
		}
		delete(count, graph.Identity) // the head
		require.Equal(t, map[graph.Act]int{want: 3}, count)
	}
}

func TestRefusals(t *testing.T) {
	require.ErrorContains(t, nn.MLP{Hidden: []int{8, 0}}.Validate(), "MLP.Hidden[1] is 0")
	require.ErrorContains(t, nn.MLP{Hidden: []int{1 << 20}}.Validate(), "MLP.Hidden[0]")
	require.ErrorContains(t, nn.MLP{Act: 9}.Validate(), "MLP.Act")
	b := graph.NewBuilder(grid)
	nn.MLP{}.Torso(b, 99, 2)
	require.ErrorContains(t, b.Err(), "Gather")
	require.ErrorContains(t, b.Err(), "nn/mlp.go")
	b = graph.NewBuilder(grid)
	nn.Head(b, b.Data(graph.LogR), "policy.forward", 3)
	require.ErrorContains(t, b.Err(), "Linear: x is [trajs]")
}
