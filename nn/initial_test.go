package nn_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/nn"
	"github.com/sluice-ml/sluice/rng"
)

func layout(ps ...graph.ParamInfo) graph.Params {
	var out graph.Params
	for _, p := range ps {
		p.Offset = out.Len()
		out = append(out, p)
	}
	return out
}

func tensor(ps graph.Params, vector []float32, name string) []float32 {
	for _, p := range ps {
		if p.Name == name {
			return vector[p.Offset : p.Offset+p.Size()]
		}
	}
	return nil
}

func bits(x []float32) []uint32 {
	out := make([]uint32, len(x))
	for i, v := range x {
		out[i] = math.Float32bits(v)
	}
	return out
}

// TestInitialGolden has the bits of a separate program for Philox4x32-10 and FNV-1a. Every recorded run starts from these numbers:
// do not change them.
func TestInitialGolden(t *testing.T) {
	ps := layout(
		graph.ParamInfo{Name: "policy.torso.0.weight", Shape: []int{2, 3}, Group: "policy", Init: nn.FanIn(2)},
		graph.ParamInfo{Name: "policy.torso.0.bias", Shape: []int{3}, Group: "policy", Init: nn.FanIn(2)},
		graph.ParamInfo{Name: "policy.forward.weight", Shape: []int{3, 2}, Group: "policy", Init: nn.FanIn(3)},
		graph.ParamInfo{Name: "log_z", Group: "log_z", Init: graph.Init{Value: 1.5}},
	)
	x := nn.Initial(ps, rng.NewKey(7))
	require.Len(t, x, 64)
	require.Equal(t, []uint32{0xbddd4bf0, 0x3d865ed8, 0xbf11e97c, 0xbe62e91c, 0x3deb9a7c, 0xbf043eff}, bits(tensor(ps, x, "policy.torso.0.weight")))
	require.Equal(t, []uint32{0x3ef2d57b, 0xbf088421, 0xbde6fde1}, bits(tensor(ps, x, "policy.torso.0.bias")))
	require.Equal(t, []uint32{0x3e342b57, 0x3da61eef, 0x3e8557ef, 0xbe64982b, 0x3ed43d45, 0xbe9a24a8}, bits(tensor(ps, x, "policy.forward.weight")))
	require.Equal(t, []float32{1.5}, tensor(ps, x, "log_z"))
	require.Equal(t, make([]float32, 10), x[6:16], "gaps are 0")
	require.Equal(t, make([]float32, 15), x[49:])
}

// TestInitialGoesByName: another head before a tensor moves it and leaves its numbers alone; another key changes all.
func TestInitialGoesByName(t *testing.T) {
	body := graph.ParamInfo{Name: "body", Shape: []int{5, 5}, Init: nn.FanIn(5)}
	head := graph.ParamInfo{Name: "head", Shape: []int{5, 5}, Init: nn.FanIn(5)}
	alone, second := layout(body), layout(head, body)
	key := rng.NewKey(1)
	require.Equal(t, nn.Initial(alone, key)[:25], tensor(second, nn.Initial(second, key), "body"))
	require.NotEqual(t, tensor(second, nn.Initial(second, key), "head"), tensor(second, nn.Initial(second, key), "body"))
	require.NotEqual(t, nn.Initial(alone, key), nn.Initial(alone, rng.NewKey(2)))
}

// TestInitialIsUniform checks bounds, mean and variance of Value ± Spread: Spread²/3.
func TestInitialIsUniform(t *testing.T) {
	const n, value, spread = 40000, .25, .125
	ps := layout(graph.ParamInfo{Name: "w", Shape: []int{200, 200}, Init: graph.Init{Value: value, Spread: spread}})
	mean, square := 0.0, 0.0
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, v := range nn.Initial(ps, rng.NewKey(9))[:n] {
		d := float64(v) - value
		mean, square = mean+d/n, square+d*d/n
		lo, hi = min(lo, d), max(hi, d)
	}
	require.InDelta(t, 0, mean, 5*spread/math.Sqrt(3*n))
	require.InEpsilon(t, spread*spread/3., square, .03)
	require.InDelta(t, -spread, lo, 1e-4)
	require.InDelta(t, spread, hi, 1e-4)
	require.Less(t, math.Max(-lo, hi), spread, "the bounds themselves are never reached")
}

func TestFanIn(t *testing.T) {
	require.Equal(t, graph.Init{Spread: .25}, nn.FanIn(16))
}
