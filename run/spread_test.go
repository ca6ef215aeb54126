package run

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSpread: of 1, 2, 3, 6 the mean is 3, the squares about it sum to 14.
func TestSpread(t *testing.T) {
	s := spreadOf([]float64{2, 6, 1, 3})
	require.Equal(t, []float64{3, 1, 6}, []float64{*s.Mean, *s.Min, *s.Max})
	require.InDelta(t, math.Sqrt(14./3), *s.StdDev, 1e-15)
	require.InDelta(t, math.Sqrt(14./12), *s.StdErr, 1e-15)
	text, err := json.Marshal(spreadOf([]float64{.5}))
	require.NoError(t, err)
	require.JSONEq(t, `{"mean":0.5,"std_dev":null,"std_err":null,"min":0.5,"max":0.5}`, string(text))
	text, err = json.Marshal(spreadOf([]float64{.5, math.Inf(1)}))
	require.NoError(t, err)
	require.JSONEq(t, `{"mean":null,"std_dev":null,"std_err":null,"min":0.5,"max":null}`, string(text))
}
