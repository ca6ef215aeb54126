package reward_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
)

func ExampleHypergrid() {
	r := reward.HypergridEasy(8)
	_, band := r.Cells()
	fmt.Printf("log Z %.6f, %d maxima\n", r.LogZ(2), band*band)
	// Output: log Z 2.776581, 4 maxima
}

// The rows of notes/theory.md 7.1 in exact arithmetic, by closed form and, up to 160 000 states, by enumeration.
func TestHypergridLogZ(t *testing.T) {
	standard := func(r0 float64) func(int) reward.Hypergrid {
		return func(side int) reward.Hypergrid { return reward.Hypergrid{Side: side, R0: r0, R1: .5, R2: 2} }
	}
	spaces := map[[2]int]*world.Space{}
	for _, c := range []struct {
		side, dim    int
		preset       func(int) reward.Hypergrid
		logZ         float64
		states, best int
		mass         float64 // of the maxima
	}{
		{8, 2, standard(.1), 3.109061, 64, 4, .464},
		{8, 2, standard(.01), 2.811809, 64, 4, .603},
		{8, 2, reward.HypergridEasy, 2.776581, 64, 4, .623},
		{16, 2, standard(.1), 4.183576, 256, 4, .159},
		{16, 2, reward.HypergridEasy, 3.695259, 256, 4, .249},
		{20, 2, reward.HypergridEasy, 4.411585, 400, 16, .486},
		{20, 2, reward.HypergridHard, 4.997483, 400, 16, .432},
		{32, 2, reward.HypergridEasy, 5.303424, 1024, 36, .448},
		{32, 4, reward.HypergridEasy, 10.502560, 1 << 20, 1296, .089},
		{64, 2, standard(.1), 7.098045, 4096, 144, .310},
		{64, 2, reward.HypergridEasy, 6.689719, 4096, 144, .448},
		{8, 3, standard(.1), 4.597138, 512, 8, .210},
		{16, 3, reward.HypergridEasy, 5.620749, 4096, 8, .072},
		{8, 4, standard(.1), 6.344934, 4096, 16, .073},
		{8, 4, standard(.01), 5.303106, 4096, 16, .200},
		{8, 4, reward.HypergridEasy, 5.100452, 4096, 16, .244},
		{12, 4, reward.HypergridEasy, 6.552131, 20_736, 16, .057},
		{16, 4, standard(.1), 9.063417, 65_536, 16, .005},
		{20, 4, reward.HypergridEasy, 8.643297, 160_000, 256, .113},
		{20, 4, reward.HypergridHard, 9.285819, 160_000, 256, .095},
	} {
		r := c.preset(c.side)
		name := fmt.Sprintf("%d^%d %+v", c.side, c.dim, r)
		require.InDelta(t, c.logZ, r.LogZ(c.dim), 6e-7, name)
		_, band := r.Cells()
		require.Equal(t, float64(c.best), math.Pow(float64(band), float64(c.dim)), name)
		require.InDelta(t, c.mass, float64(c.best)*(r.R0+r.R1+r.R2)/math.Exp(r.LogZ(c.dim)), 6e-4, name)
		if c.states > 160_000 {
			continue
		}
		key := [2]int{c.side, c.dim}
		if spaces[key] == nil {
			space, err := world.Enumerate(world.Hypergrid(c.dim, c.side), 0)
			require.NoError(t, err)
			spaces[key] = space
		}
		space := spaces[key]
		require.Equal(t, c.states, space.N, name)
		logR, err := reward.Check(r, nil, space.States, space.Ints, world.Hypergrid(c.dim, c.side))
		require.NoError(t, err)
		z, best, top := 0.0, 0, float32(math.Inf(-1))
		for _, v := range logR {
			z += math.Exp(float64(v))
			switch {
			case v > top:
				top, best = v, 1
			case v == top:
				best++
			}
		}
		require.InDelta(t, c.logZ, math.Log(z), 1e-6, name) // float32 log R is good to 6e-8
		require.Equal(t, c.best, best, name)
	}
}

// At side 16 the cells 3 and 12 lie exactly on .3: in the band for neither. Evaluated in float64 as written, 12 passes.
func TestHypergridRoundingTrap(t *testing.T) {
	inBand := func(h reward.Hypergrid, v int32) bool {
		logR, err := h.LogReward(nil, []int32{v}, 1)
		require.NoError(t, err)
		return logR[0] > 0
	}
	asWritten := func(side int, v int32) bool {
		x := math.Abs(float64(v)/float64(side-1) - .5)
		return .3 < x && x < .4
	}
	require.True(t, asWritten(16, 12), "the trap")
	require.False(t, asWritten(16, 3))
	h := reward.HypergridEasy(16)
	for v := range int32(16) {
		require.Equal(t, v == 2 || v == 13, inBand(h, v), "cell %d", v)
	}
	for side := 2; side <= 130; side++ {
		h, wrong := reward.HypergridEasy(side), 0
		for v := range int32(side) {
			require.Equal(t, inBand(h, v), inBand(h, int32(side)-1-v), "side %d is symmetric", side)
			if asWritten(side, v) != inBand(h, v) {
				wrong++
			}
		}
		require.Equal(t, side%5 == 1 && side > 1, wrong > 0, "float64 is wrong at side 1 mod 5 only: %d", side)
	}
}

// Both ends of the band and the edge of the outer region are open: cells exactly on .25, .3 and .4 are out.
func TestHypergridOpenIntervals(t *testing.T) {
	for side, want := range map[int][2]int{
		5:  {2, 0},  // 1 and 3 are on .25
		9:  {4, 2},  // 2 and 6 are on .25
		11: {6, 0},  // 2 and 8 are on .3, 1 and 9 on .4
		21: {10, 2}, // 4 and 16 are on .3, 2 and 18 on .4, 5 and 15 on .25
	} {
		outer, band := reward.HypergridEasy(side).Cells()
		require.Equal(t, want, [2]int{outer, band}, "side %d", side)
	}
}

// The bits that any machine has to give, rounded from logarithms of .001, .501, 2.501 and .0001, 1.0001, 4.0001 to 40
// decimal digits (Python decimal, not this code).
func TestHypergridBits(t *testing.T) {
	for _, c := range []struct {
		h    reward.Hypergrid
		bits [3]uint32
	}{
		{reward.HypergridEasy(8), [3]uint32{0xc0dd0c55, 0xbf30ef27, 0x3f6aac3d}},
		{reward.HypergridHard(8), [3]uint32{0xc1135d8e, 0x38d1b468, 0x3fb172ea}},
	} {
		logR, err := c.h.LogReward(nil, []int32{3, 0, 1}, 1) // inner, outer, band
		require.NoError(t, err)
		for i, v := range logR {
			require.Equal(t, fmt.Sprintf("%#x", c.bits[i]), fmt.Sprintf("%#x", math.Float32bits(v)))
		}
	}
}

func TestHypergridProducts(t *testing.T) {
	h := reward.Hypergrid{Side: 8, R0: 1, R1: 2, R2: 4}
	logR, err := h.LogReward(nil, []int32{1, 1, 1, 0, 0, 7, 1, 3, 3, 4, 6, 1}, 2)
	require.NoError(t, err)
	want := []float64{7, 3, 3, 1, 1, 7} // one axis in the band is not enough
	for i, r := range want {
		require.Equal(t, float32(math.Log(r)), logR[i])
	}
	dst := make([]float32, 6)
	s := make([]int32, 12)
	require.Zero(t, testing.AllocsPerRun(10, func() { _, _ = h.LogReward(dst, s, 2) }))
}

func TestHypergridEdges(t *testing.T) {
	zero := reward.Hypergrid{Side: 8, R1: .5, R2: 2}
	logR, err := zero.LogReward(nil, []int32{3}, 1)
	require.NoError(t, err)
	require.Equal(t, float32(math.Inf(-1)), logR[0])
	require.InDelta(t, math.Log(.5*16+2*4), zero.LogZ(2), 1e-12)
	require.Equal(t, math.Inf(-1), reward.Hypergrid{Side: 8}.LogZ(2))
	require.InDelta(t, 10_000*math.Log(20)+math.Log(1e-3), reward.HypergridEasy(20).LogZ(10_000), 1e-6)
	for _, c := range []struct {
		h    reward.Hypergrid
		text string
	}{
		{reward.HypergridEasy(1), "Hypergrid.Side is 1"},
		{reward.Hypergrid{Side: 8, R0: -1}, "Hypergrid.R0 is -1"},
		{reward.Hypergrid{Side: 8, R1: math.NaN()}, "Hypergrid.R1 is NaN"},
		{reward.Hypergrid{Side: 8, R2: math.Inf(1)}, "Hypergrid.R2 is +Inf"},
		{reward.HypergridEasy(3), "cell [3] is outside a hypergrid of side 3"},
	} {
		_, err := c.h.LogReward(nil, []int32{3}, 1)
		require.ErrorContains(t, err, c.text)
	}
}
