package optim_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/nn/optim"
)

var groups = []string{optim.Policy, optim.LogZ, "energy"}

func TestZeroIsTheDefault(t *testing.T) {
	require.NoError(t, optim.Adam{}.Validate())
	require.Equal(t, graph.Rule{
		Kind: graph.Adam, Beta1: .9, Beta2: .999, Eps: 1e-8, OneMinusBeta1: .1, OneMinusBeta2: .001,
	}, optim.Adam{}.Rule())
	require.Equal(t, graph.Rule{Kind: graph.SGD}, optim.SGD{}.Rule())
	require.Equal(t, graph.Rule{Kind: graph.SGD, Clip: 2}, optim.SGD{Clip: 2}.Rule())
	for _, o := range []optim.Optimiser{optim.Adam{}, optim.SGD{}} {
		require.NoError(t, o.Validate())
		var s optim.State
		got := o.Scalars(graph.Scalars{}, groups, &s)
		require.Equal(t, []float32{.001, .1, .001}, got.Rates)
		require.Equal(t, []float32{1, 1, 1}, got.Keep)
		require.Equal(t, 1, s.Step)
	}
}

func TestTurnedOff(t *testing.T) {
	for _, v := range []float64{-1, math.NaN()} {
		a := optim.Adam{Beta1: v, Beta2: v, Decay: v, Clip: v}
		require.NoError(t, a.Validate())
		require.Equal(t, graph.Rule{Kind: graph.Adam, Eps: 1e-8, OneMinusBeta1: 1, OneMinusBeta2: 1}, a.Rule())
		got := a.Scalars(graph.Scalars{}, groups, new(optim.State))
		require.Equal(t, []float32{1, 1}, []float32{got.C1, got.C2}, "no average, nothing to correct")
		require.Equal(t, optim.SGD{}.Rule(), optim.SGD{Clip: v}.Rule())
	}
}

func TestRatesByGroup(t *testing.T) {
	policy := optim.Steps(1e-2, 3, 1e-3)
	rates := map[string]optim.Schedule{optim.Policy: policy}
	a := optim.Adam{Rates: rates}
	var s optim.State
	var got graph.Scalars
	for i := range 6 {
		got = a.Scalars(got, groups, &s)
		want := policy.At(i) // the first step uses iteration 0
		require.Equal(t, []float32{float32(want), float32(100 * want), float32(want)}, got.Rates, "step %d", i)
		require.Equal(t, 100*want, a.Rate(optim.LogZ, i))
		require.Equal(t, want, optim.SGD{Rates: rates}.Rate("energy", i))
	}
	rates[optim.LogZ] = optim.Constant(.5)
	require.Equal(t, []string{optim.LogZ, optim.Policy}, a.Groups(), "sorted")
	require.Equal(t, a.Groups(), optim.SGD{Rates: rates}.Groups())
	got = a.Scalars(got, []string{optim.LogZ, optim.Policy}, &s)
	require.Equal(t, []float32{.5, .001}, got.Rates, "own rate, in the caller's order")
}

func TestDecaySparesLogZ(t *testing.T) {
	a := optim.Adam{Decay: .01}
	require.EqualValues(t, float32(.01), a.Rule().Decay)
	got := a.Scalars(graph.Scalars{}, groups, new(optim.State))
	require.Equal(t, []float32{1 - 1e-5, 1, 1 - 1e-5}, got.Keep)
}

func TestBiasCorrectionIsTheClosedForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := optim.Adam{Beta1: rapid.Float64Range(.05, .99).Draw(t, "β₁"), Beta2: rapid.Float64Range(.5, .9999).Draw(t, "β₂")}
		require.NoError(t, a.Validate())
		var s optim.State
		var got graph.Scalars
		for step := 1; step <= 200; step++ {
			got = a.Scalars(got, groups, &s)
			require.InEpsilon(t, 1/(1-math.Pow(a.Beta1, float64(step))), float64(got.C1), 1e-6, "step %d", step)
			require.InEpsilon(t, 1/(1-math.Pow(a.Beta2, float64(step))), float64(got.C2), 1e-6, "step %d", step)
		}
	})
}

// TestResume writes the state down in the middle of a run: the future must be the same bits.
func TestResume(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := optim.Adam{
			Rates: map[string]optim.Schedule{
				optim.Policy: schedules(rapid.Float64Range(0, 1)).Draw(t, "policy"),
				optim.LogZ:   schedules(rapid.Float64Range(0, 1)).Draw(t, "log Z"),
			},
			Beta1: rapid.Float64Range(.01, .99).Draw(t, "β₁"),
			Decay: rapid.Float64Range(0, .1).Draw(t, "decay"),
		}
		var s optim.State
		for range rapid.IntRange(0, 80).Draw(t, "steps") {
			a.Scalars(graph.Scalars{}, groups, &s)
		}
		data, err := json.Marshal(s)
		require.NoError(t, err)
		var back optim.State
		require.NoError(t, json.Unmarshal(data, &back))
		settings, err := json.Marshal(a)
		require.NoError(t, err)
		var again optim.Adam
		require.NoError(t, json.Unmarshal(settings, &again))
		for range 30 {
			require.Equal(t, a.Scalars(graph.Scalars{}, groups, &s), again.Scalars(graph.Scalars{}, groups, &back))
		}
		require.Equal(t, s, back)
	})
}

func TestScalarsAllocateNothing(t *testing.T) {
	for _, o := range []optim.Optimiser{optim.Adam{}, optim.SGD{}} {
		var s optim.State
		dst := o.Scalars(graph.Scalars{}, groups, &s)
		require.Zero(t, testing.AllocsPerRun(100, func() { dst = o.Scalars(dst, groups, &s) }))
	}
}

func TestRefusals(t *testing.T) {
	bad := map[string]optim.Schedule{"policy": {{At: 1}}}
	for want, o := range map[string]optim.Optimiser{
		`rate of group "policy": optim: point 0`: optim.Adam{Rates: bad},
		`rate of group "log_z" goes from -1`:     optim.Adam{Rates: map[string]optim.Schedule{"log_z": optim.Constant(-1)}},
		"Adam.Beta1 is 1,":                       optim.Adam{Beta1: 1},
		"Adam.Beta2 is 0.99999999":               optim.Adam{Beta2: 1 - 1e-8}, // 1 as a float32
		"Adam.Eps is -1":                         optim.Adam{Eps: -1},
		"Adam.Eps is 1e-60":                      optim.Adam{Eps: 1e-60},
		"Adam.Decay is 10":                       optim.Adam{Decay: 10, Rates: map[string]optim.Schedule{"policy": optim.Constant(.1)}},
		"Adam.Decay is 1000, times the default":  optim.Adam{Decay: 1000},
		"Clip is 1e+40":                          optim.Adam{Clip: 1e40},
	} {
		require.ErrorContains(t, o.Validate(), want)
	}
	require.ErrorContains(t, optim.SGD{Rates: bad}.Validate(), "point 0")
	require.ErrorContains(t, optim.SGD{Clip: 1e40}.Validate(), "Clip")
	require.False(t, slices.Contains(optim.SGD{}.Scalars(graph.Scalars{}, groups, new(optim.State)).Keep, 0), "SGD keeps its weights")
}
