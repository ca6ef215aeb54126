package graph

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite testdata")

// golden compares got with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// grid is the world of the tests: an 8x8 hypergrid.
func grid() Shape {
	return Shape{Ints: 2, Active: 2, Features: 16, Actions: 3, Stop: 2, Back: 2, Steps: 15, Values: 8}
}

// net is a torso with forward logits and, if asked for, backward logits and log F.
type net struct {
	b      *Builder
	pf, pb Node
	flow   Node // [rows]
	torso  Node
}

func newNet(b *Builder, hidden []int, act Act, back, flow bool) *net {
	n := &net{b: b}
	for i, h := range hidden {
		n.torso = b.Act(n.layer(fmt.Sprintf("torso.%d", i), n.torso, h), act)
	}
	n.pf = n.layer("forward", n.torso, b.World().Actions)
	if back {
		n.pb = n.layer("backward", n.torso, b.World().Back)
	}
	if flow {
		n.flow = b.Column(n.layer("flow", n.torso, 1))
	}
	return n
}

// layer is a Linear on x, or a Gather if x is the zero Node.
func (n *net) layer(name string, x Node, out int) Node {
	in := n.b.World().Features
	if x.Valid() {
		in = x.Cols()
	}
	w := n.b.Param(name+".weight", "policy", Init{Spread: .1}, in, out)
	bias := n.b.Param(name+".bias", "policy", Init{}, out)
	if x.Valid() {
		return n.b.Linear(x, w, bias)
	}
	return n.b.Gather(w, bias)
}

// logPB is per row: learned if there are backward logits, else uniform.
func (n *net) logPB() Node {
	if n.pb.Valid() {
		return n.b.Next(n.b.LogPB(n.pb))
	}
	return n.b.Data(LogPBUniform)
}

// tb is mean (log Z + Σ log P_F - log R - Σ log P_B)².
func (n *net) tb() Node {
	b := n.b
	z := b.Spread(b.Param("log_z", "log_z", Init{}))
	r := b.Sub(b.Add(z, b.SumT(b.LogPF(n.pf))), b.Add(b.Data(LogR), b.SumT(n.logPB())))
	return b.Mean(b.Square(r))
}

// db is the mean over steps of (log F(s) + log P_F - log F(s') - log P_B)².
func (n *net) db() Node {
	b := n.b
	r := b.Sub(b.Add(n.flow, b.LogPF(n.pf)), b.Add(b.NextFlow(n.flow, b.Data(LogR)), n.logPB()))
	return b.DivSteps(b.Sum(b.SumT(b.Square(r))))
}

// varGrad is the variance of log R + Σ log P_B - Σ log P_F.
func (n *net) varGrad() Node {
	b := n.b
	return b.Variance(b.Sub(b.Add(b.Data(LogR), b.SumT(n.logPB())), b.SumT(b.LogPF(n.pf))))
}

func lower(t require.TestingT, b *Builder, w Want) *Plan {
	require.NoError(t, b.Err())
	p, err := b.Lower(w)
	require.NoError(t, err)
	return p
}

// count counts instructions of one op.
func count(list []Instr, op Op) (n int) {
	for _, in := range list {
		if in.Op == op {
			n++
		}
	}
	return n
}
