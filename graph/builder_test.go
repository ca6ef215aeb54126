package graph

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBuilderErrorNamesOpShapesAndLine(t *testing.T) {
	other := NewBuilder(grid())
	foreign := other.Data(LogR)
	cases := []struct {
		name string
		f    func(b *Builder, n *net) Node
		want []string
	}{
		{"spaces", func(b *Builder, n *net) Node { return b.Add(n.flow, b.Data(LogR)) }, []string{"Add", "[rows]", "[trajs]"}},
		{"widths", func(b *Builder, n *net) Node { return b.Sub(n.pf, n.torso) }, []string{"Sub", "[rows, 3]", "[rows, 4]"}},
		{"matrix and vector", func(b *Builder, n *net) Node { return b.Mul(b.Data(LogPBUniform), n.pf) }, []string{"Mul", "[rows]", "[rows, 3]"}},
		{"linear", func(b *Builder, n *net) Node {
			return b.Linear(n.torso, b.Param("w", "g", Init{}, 5, 2), b.Param("b", "g", Init{}, 2))
		}, []string{"Linear", "[rows, 4]", "param [5, 2]", "param [2]"}},
		{"linear bias", func(b *Builder, n *net) Node {
			return b.Linear(n.torso, b.Param("w", "g", Init{}, 4, 2), b.Param("b", "g", Init{}, 3))
		}, []string{"Linear", "param [4, 2]", "param [3]"}},
		{"weight is no parameter", func(b *Builder, n *net) Node { return b.Linear(n.torso, n.torso, n.torso) }, []string{"Linear"}},
		{"gather", func(b *Builder, n *net) Node {
			return b.Gather(b.Param("w", "g", Init{}, 15, 2), b.Param("b", "g", Init{}, 2))
		}, []string{"Gather", "[15, 2]", "16 features"}},
		{"forward logits", func(b *Builder, n *net) Node { return b.LogPF(n.torso) }, []string{"LogPF", "[rows, 4]", "[rows, 3]"}},
		{"backward logits", func(b *Builder, n *net) Node { return b.LogPB(n.pf) }, []string{"LogPB", "[rows, 3]", "[rows, 2]"}},
		{"column", func(b *Builder, n *net) Node { return b.Column(n.pf) }, []string{"Column", "[rows, 3]"}},
		{"act of a vector", func(b *Builder, n *net) Node { return b.Act(n.flow, ReLU) }, []string{"Act", "relu", "[rows]"}},
		{"parameter in a formula", func(b *Builder, n *net) Node { return b.Square(b.Param("p", "g", Init{})) }, []string{"Square", "param scalar"}},
		{"scaled parameter", func(b *Builder, n *net) Node { return b.Scale(2, b.Param("p", "g", Init{})) }, []string{"Scale", "param"}},
		{"sum of rows", func(b *Builder, n *net) Node { return b.Sum(n.flow) }, []string{"Sum", "[rows]"}},
		{"sumT of a matrix", func(b *Builder, n *net) Node { return b.SumT(n.pf) }, []string{"SumT", "[rows, 3]"}},
		{"mean of rows", func(b *Builder, n *net) Node { return b.Mean(n.flow) }, []string{"Mean", "[rows]"}},
		{"spread of trajectories", func(b *Builder, n *net) Node { return b.Spread(b.Data(LogR)) }, []string{"Spread", "[trajs]"}},
		{"steps of trajectories", func(b *Builder, n *net) Node { return b.DivSteps(b.Data(LogR)) }, []string{"DivSteps", "[trajs]"}},
		{"next flow", func(b *Builder, n *net) Node { return b.NextFlow(n.flow, n.flow) }, []string{"NextFlow", "[rows]"}},
		{"zero node", func(b *Builder, n *net) Node { return b.Add(n.flow, Node{}) }, []string{"Add", "operand 2", "zero Node"}},
		{"other builder", func(b *Builder, n *net) Node { return b.Add(b.Data(LogR), foreign) }, []string{"Add", "another Builder"}},
		{"twice", func(b *Builder, n *net) Node { return b.Param("torso.0.bias", "g", Init{}, 4) }, []string{"Param", `"torso.0.bias"`}},
		{"no size", func(b *Builder, n *net) Node { return b.Param("x", "g", Init{}, 4, 0) }, []string{"Param", "[4 0]"}},
		{"the rows' extent", func(b *Builder, n *net) Node { return b.Param("x", "g", Init{}, rowExtent) }, []string{"Param", "1000003"}},
		{"no group", func(b *Builder, n *net) Node { return b.Param("x", "", Init{}) }, []string{"Param", `"x"`}},
		{"no field", func(b *Builder, n *net) Node { return b.Data(7) }, []string{"Data", "7"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := NewBuilder(grid())
			n := newNet(b, []int{4}, ReLU, true, true)
			require.NoError(t, b.Err())
			require.False(t, c.f(b, n).Valid())
			for _, w := range c.want {
				require.ErrorContains(t, b.Err(), w)
			}
			require.Regexp(t, regexp.MustCompile(`^graph: .*\(graph/builder_test\.go:\d+\)$`), b.Err().Error())
			first := b.Err()
			require.False(t, b.Add(n.flow, n.flow).Valid(), "nothing is built after an error")
			_ = b.Mul(n.pf, n.torso)
			require.Equal(t, first, b.Err(), "the first error stays")
			_, err := b.Lower(Want{Policy: n.pf})
			require.Equal(t, first, err)
		})
	}
}

func TestNewBuilderRefusesAWorldWithoutFeatures(t *testing.T) {
	w := grid()
	w.Features = 0
	require.ErrorContains(t, NewBuilder(w).Err(), "0 features")
}

func TestParamOffsets(t *testing.T) {
	b := NewBuilder(grid())
	b.Param("a", "x", Init{Value: 1, Spread: 2}, 3, 5)
	b.Param("b", "y", Init{})
	b.Param("c", "x", Init{}, 16)
	b.Param("d", "x", Init{}, 1)
	require.NoError(t, b.Err())
	ps := b.Params()
	require.Equal(t, []int{0, 16, 32, 48}, []int{ps[0].Offset, ps[1].Offset, ps[2].Offset, ps[3].Offset})
	require.Equal(t, 64, ps.Len())
	require.Equal(t, Init{1, 2}, ps[0].Init)
	require.Equal(t, []string{"x", "y"}, ps.Groups())
}

func TestEqualOperationsAreOneNode(t *testing.T) {
	b := NewBuilder(grid())
	n := newNet(b, []int{4}, ReLU, true, true)
	require.Equal(t, b.LogPF(n.pf), b.LogPF(n.pf))
	require.Equal(t, b.Scale(2, n.flow), b.Scale(2, n.flow))
	require.NotEqual(t, b.Scale(2, n.flow), b.Scale(3, n.flow))
	require.NotEqual(t, b.Sum(b.Data(LogR)), b.Mean(b.Data(LogR)))
	require.NotEqual(t, b.Act(n.torso, Tanh), b.Act(n.torso, Leaky))
	require.NoError(t, b.Err())
}

// Gorgonia's machines must not run our operations on the extents that stand for any number.
func TestOperationsRefuseDo(t *testing.T) {
	_, err := (&operation{op: OpMean}).Do()
	require.ErrorContains(t, err, "mean")
}

func TestEveryOpHasAName(t *testing.T) {
	for op := OpGather; op <= OpFirstBack; op++ {
		require.NotContains(t, op.String(), "Op(")
	}
	require.Equal(t, "Op(250)", Op(250).String())
}
