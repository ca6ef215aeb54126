package bench

import "encoding/json"

// Line is what was measured of a workload. Rates and shares are those of the median round. Its JSON keys are stable.
type Line struct {
	Name                 string  `json:"name"`
	FastestMS            float64 `json:"ms_fastest"` // the iteration of all rounds that did most in its time
	BestMS               float64 `json:"ms_best"`    // an iteration in the fastest round
	MedianMS             float64 `json:"ms_median"`  // in the median one
	WorstMS              float64 `json:"ms_worst"`
	Rows                 int     `json:"rows"` // an iteration, the mean where they are drawn; of a product, m
	Batch                int     `json:"batch"`
	Embed                int     `json:"embed"` // width of a dense layer before the hidden ones; 0 is none
	Width                int     `json:"width"` // of a product, n
	Workers              int     `json:"workers"`
	Policy               Policy  `json:"policy"` // empty where nothing is drawn
	PerSecond            float64 `json:"it_per_s"`
	TrajPerSecond        float64 `json:"traj_per_s"`
	TransitionsPerSecond float64 `json:"transitions_per_s"`
	MeanLength           float64 `json:"mean_length"`
	GFLOPs               float64 `json:"gflop_per_s"` // useful arithmetic, RowFLOPs a row
	PeakShare            Share   `json:"peak_share"`  // of the peak of all workers' threads, measured in the same run
	Device               string  `json:"device"`

	// FastestShare is the share of the fastest iteration, which is what gates take. The peak is that of its fastest millisecond, so they set
	// like against like: a round is a mean over what neighbours of the processor did meanwhile.
	FastestShare float64 `json:"-"`

	rounds []float64 // milliseconds of an iteration, in the order they were measured in
	kind   Kind
}

// Share is a part of 1. 0 is one that is not known, a GPU's of the CPU's peak, and null in JSON.
type Share float64

// MarshalJSON is the number, or null.
func (s Share) MarshalJSON() ([]byte, error) {
	if s == 0 {
		return []byte("null"), nil
	}
	return json.Marshal(float64(s))
}

// Spread is how far the rounds lie apart: (slowest - fastest) / median.
func (l Line) Spread() float64 { return (l.WorstMS - l.BestMS) / l.MedianMS }
