package reward

import (
	"fmt"
	"math"

	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
)

// This file is the hypergrid's reward.

var _ Reward = Hypergrid{}

// Hypergrid is, for a cell s of a grid of Side cells an axis, with x_i = s_i/(Side-1) - 1/2,
//
//	R(s) = R0 + R1 Π_i 1[|x_i| > .25] + R2 Π_i 1[.3 < |x_i| < .4]
//
// Bengio et al., arXiv:2106.04399. The indicators are evaluated in integers. That differs from the
// float64 evaluation of the same formula at every Side = 1 mod 5, where cells lie exactly on .3: float64 lets one of
// each pair in and the reward is no longer symmetric.
type Hypergrid struct {
	Side       int
	R0, R1, R2 float64
}

// HypergridEasy is the preset "easy" of run files: R0, R1, R2 = .001, .5, 2. A run file that names neither a preset nor levels has
// R0 = .1, a shallower valley between the same modes: that is Hypergrid{Side, .1, .5, 2}.
func HypergridEasy(side int) Hypergrid { return Hypergrid{Side: side, R0: 1e-3, R1: .5, R2: 2} }

// HypergridHard is the preset with deeper valleys between the same modes: R0, R1, R2 = .0001, 1, 3.
func HypergridHard(side int) Hypergrid { return Hypergrid{Side: side, R0: 1e-4, R1: 1, R2: 3} }

// Validate names the field that cannot be used.
func (h Hypergrid) Validate() error {
	if h.Side < 2 || h.Side > math.MaxInt32 {
		return fmt.Errorf("reward: Hypergrid.Side is %d, want at least 2", h.Side)
	}
	for _, r := range []struct {
		name  string
		value float64
	}{{"R0", h.R0}, {"R1", h.R1}, {"R2", h.R2}} {
		if !(r.value >= 0) || math.IsInf(r.value, 1) {
			return fmt.Errorf("reward: Hypergrid.%s is %v, want a finite number of at least 0", r.name, r.value)
		}
	}
	return nil
}

// zones of a coordinate; a cell is in the least zone of its coordinates, since the band lies in the outer region.
const (
	inner = iota
	outer
	band
)

func (h Hypergrid) zone(v int32) int {
	far := 2*int64(v) - int64(h.Side-1) // 2 (Side-1) x
	if far < 0 {
		far = -far
	}
	side := int64(h.Side - 1)
	switch {
	case 6*side < 10*far && 10*far < 8*side:
		return band
	case 4*far > 2*side:
		return outer
	}
	return inner
}

// logs is log R by zone: a logarithm per value, in float64 and rounded once, not one per state, so that every device
// and machine gets the same three numbers.
func (h Hypergrid) logs() [3]float32 {
	return [3]float32{
		inner: float32(math.Log(h.R0)),
		outer: float32(math.Log(h.R0 + h.R1)),
		band:  float32(math.Log(h.R0 + h.R1 + h.R2)),
	}
}

// LogReward is described at Reward; a cell outside the grid is an error.
func (h Hypergrid) LogReward(dst []float32, s []int32, ints int) ([]float32, error) {
	if err := h.Validate(); err != nil {
		return nil, err
	}
	dst, err := room(dst, s, ints)
	if err != nil {
		return nil, err
	}
	logs := h.logs()
	for i := range dst {
		zone := band
		for _, v := range s[i*ints : (i+1)*ints] {
			if v < 0 || int(v) >= h.Side {
				return nil, fmt.Errorf("reward: cell %v is outside a hypergrid of side %d", s[i*ints:(i+1)*ints], h.Side)
			}
			zone = min(zone, h.zone(v))
		}
		dst[i] = logs[zone]
	}
	return dst, nil
}

// data is the least zone of the coordinates and its logarithm; nil where the registers are no coordinates of such a grid.
func (h Hypergrid) data(w world.World) *graph.RewardTable {
	if h.Validate() != nil || h.Side != w.Spec().Values {
		return nil
	}
	logs := h.logs()
	s := &graph.RewardTable{Key: graph.Least, Class: make([]int32, h.Side), LogR: logs[:]}
	for v := range s.Class {
		s.Class[v] = int32(h.zone(int32(v)))
	}
	return s
}

// Cells counts the coordinates of an axis in the outer region and in the band within it. A grid of d axes has outer^d
// and band^d such cells; the band^d are the maxima, in 2^d blocks.
func (h Hypergrid) Cells() (outerCells, bandCells int) {
	for v := range h.Side {
		switch h.zone(int32(v)) {
		case band:
			bandCells++
			outerCells++
		case outer:
			outerCells++
		}
	}
	return outerCells, bandCells
}

// LogZ is the log partition function of a grid of dim axes,
//
//	Z = R0 Side^dim + R1 n1^dim + R2 n2^dim, (n1, n2) = Cells
//
// added on the log scale, so that no dimension is too large.
func (h Hypergrid) LogZ(dim int) float64 {
	n1, n2 := h.Cells()
	d := float64(dim)
	terms := [3]float64{
		math.Log(h.R0) + d*math.Log(float64(h.Side)),
		math.Log(h.R1) + d*math.Log(float64(n1)),
		math.Log(h.R2) + d*math.Log(float64(n2)),
	}
	largest := max(terms[0], terms[1], terms[2])
	if math.IsInf(largest, -1) {
		return largest
	}
	sum := 0.0
	for _, t := range terms {
		sum += math.Exp(t - largest)
	}
	return largest + math.Log(sum)
}
