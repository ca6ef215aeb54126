package nn

import (
	"hash/fnv"
	"math"

	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// This file is the values parameters start from.

// FanIn is uniform in (-1/√n, 1/√n), for a weight or bias whose sum has n terms: what PyTorch's Linear starts from (Kaiming
// uniform with a = √5, which is that bound; He et al., arXiv:1502.01852).
func FanIn(n int) graph.Init { return graph.Init{Spread: float32(1 / math.Sqrt(float64(n)))} }

// Initial is the parameter vector a run starts from: element i of parameter p is
//
//	Value + Spread·(2u - 1),   u = element i of key.Fold(FNV-1a 64 of p.Name)'s uniform numbers
//
// in float32, and gaps between parameters hold 0. A tensor depends on its name and the key alone, so a head more or less
// changes no other tensor.
func Initial(ps graph.Params, key rng.Key) []float32 {
	vector := make([]float32, ps.Len())
	for _, p := range ps {
		x := vector[p.Offset : p.Offset+p.Size()]
		if p.Init.Spread != 0 {
			h := fnv.New64a()
			h.Write([]byte(p.Name))
			key.Fold(h.Sum64()).Uniform(x, 0)
			for i, u := range x {
				x[i] = float32(p.Init.Spread * (2*u - 1)) // 2u-1 is exact; the conversion forbids fusing with the sum below
			}
		}
		for i := range x {
			x[i] += p.Init.Value
		}
	}
	return vector
}
