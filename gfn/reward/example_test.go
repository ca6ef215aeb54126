package reward_test

import (
	"fmt"
	"math"

	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
)

// peaks is a reward of one's own that is asked a batch at a time: R(s) = Σ_c exp(-|s - c|²), a bump at every centre c.
type peaks struct{ centres [][]float64 }

func (p peaks) LogReward(dst []float32, s []int32, ints int) ([]float32, error) {
	if dst == nil {
		dst = make([]float32, len(s)/ints)
	}
	for i := range dst {
		r := 0.0
		for _, c := range p.centres {
			if len(c) != ints {
				return nil, fmt.Errorf("peaks: a centre of %d coordinates for states of %d", len(c), ints)
			}
			d := 0.0
			for k, v := range s[i*ints : (i+1)*ints] {
				d += (float64(v) - c[k]) * (float64(v) - c[k])
			}
			r += math.Exp(-d)
		}
		dst[i] = float32(math.Log(r))
	}
	return dst, nil
}

func ExampleReward() {
	r := peaks{centres: [][]float64{{1, 1}, {6, 6}}}
	logR, err := reward.Check(r, nil, []int32{1, 1, 6, 5, 0, 7}, 2, world.Hypergrid(2, 8))
	fmt.Printf("%.2f %v\n", logR, err)
	_, err = reward.Check(r, nil, []int32{1, 1, 1}, 3, world.Hypergrid(3, 8))
	fmt.Println(err)
	// Output:
	// [0.00 -1.00 -36.31] <nil>
	// peaks: a centre of 2 coordinates for states of 3
}

func ExampleEach() {
	tall := reward.Each(func(s []int32) float32 { return float32(s[0] + s[1]) })
	logR, err := tall.LogReward(nil, []int32{1, 2, 3, 3}, 2)
	fmt.Println(logR, err)
	// Output: [3 6] <nil>
}

func ExampleCheck() {
	broken := reward.Each(func(s []int32) float32 { return float32(math.Sqrt(float64(s[0] - s[1]))) })
	_, err := reward.Check(broken, nil, []int32{3, 1, 2, 5}, 2, world.Hypergrid(2, 8))
	fmt.Println(err)
	// Output: reward: log R of state (2,5) is NaN
}

func ExampleTable() {
	line := world.Hypergrid(1, 3)
	table := reward.Table{World: line, LogR: []float32{0, -1, -2}}
	logR, err := table.LogReward(nil, []int32{2, 0, 2}, 1)
	fmt.Println(logR, err)
	// Output: [-2 0 -2] <nil>
}
