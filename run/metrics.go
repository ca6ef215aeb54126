package run

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
)

// This file is metrics.jsonl.

// Line is one line of metrics.jsonl: what one iteration showed. Keys are group/name, name as eval --json and the log lines have it, and never
// change their meaning; what an iteration has not is left out.
type Line struct {
	Iteration    int   `json:"iteration"`    // finished iterations
	Trajectories int64 `json:"trajectories"` // seen so far

	Loss          *float64 `json:"train/loss,omitempty"`  // of the iteration's batch, before its update
	LogZ          *float64 `json:"train/log_z,omitempty"` // learned, after the update; only where it is a parameter
	GradNorm      *float64 `json:"train/grad_norm,omitempty"`
	MeanLogReward *float64 `json:"train/mean_log_reward,omitempty"`
	MeanLength    *float64 `json:"train/mean_length,omitempty"`
	Rate          *float64 `json:"train/learning_rate,omitempty"`
	Epsilon       *float64 `json:"train/epsilon,omitempty"`

	TV             *float64 `json:"eval/tv,omitempty"`
	L1Sum          *float64 `json:"eval/l1_sum,omitempty"`
	KLNats         *float64 `json:"eval/kl_nats,omitempty"`
	EvalLogZ       *float64 `json:"eval/log_z,omitempty"`
	LogZError      *float64 `json:"eval/log_z_error,omitempty"`
	ExpectedReward *float64 `json:"eval/expected_reward,omitempty"`
	ELBO           *float64 `json:"eval/elbo,omitempty"` // sampled, where the world cannot be enumerated

	TrajPerSec *float64 `json:"perf/traj_per_s,omitempty"` // the only key that differs between two runs of one seed
}

// value is v where JSON can hold it.
func value(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// metricsFile appends lines. They are flushed to disk before every checkpoint, so that a resume finds all lines up to it.
type metricsFile struct {
	f      *os.File
	w      *bufio.Writer
	failed bool // the error was returned; closing must not repeat it
}

// openMetrics cuts metrics.jsonl back to an iteration and opens it for more.
func (d *Dir) openMetrics(iteration int) (*metricsFile, error) {
	path := d.file(metricsName)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("run: %w", err)
	}
	if kept := cutBack(text, iteration); len(kept) < len(text) {
		err := d.write(metricsName, func(w io.Writer) error {
			_, err := w.Write(kept)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	return &metricsFile{f: f, w: bufio.NewWriter(fileWriter(f))}, nil
}

// cutBack is the beginning of text whose lines are whole and of no later iteration.
func cutBack(text []byte, iteration int) []byte {
	end := 0
	for {
		n := bytes.IndexByte(text[end:], '\n')
		if n < 0 {
			return text[:end]
		}
		var l Line
		if json.Unmarshal(text[end:end+n], &l) != nil || l.Iteration > iteration {
			return text[:end]
		}
		end += n + 1
	}
}

func (m *metricsFile) add(l Line) error {
	text, err := json.Marshal(l)
	if err == nil {
		_, err = m.w.Write(append(text, '\n'))
	}
	return m.named(err)
}

func (m *metricsFile) flush() error {
	err := m.w.Flush()
	if err == nil {
		err = m.f.Sync()
	}
	return m.named(err)
}

func (m *metricsFile) close() error {
	if m.failed {
		return m.f.Close()
	}
	return errors.Join(m.named(m.w.Flush()), m.f.Close())
}

func (m *metricsFile) named(err error) error {
	if err != nil {
		m.failed = true
		return fmt.Errorf("run: %s: %w", m.f.Name(), err)
	}
	return nil
}

// ReadMetrics is the lines of a run directory; a last line that is still being written is left out.
func ReadMetrics(path string) ([]Line, error) {
	d := Dir{Path: path}
	text, err := os.ReadFile(d.file(metricsName))
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	text = cutBack(text, math.MaxInt)
	var out []Line
	for line := range bytes.Lines(text) {
		var l Line
		if err := json.Unmarshal(line, &l); err != nil {
			return nil, fmt.Errorf("run: %s: %w", metricsName, err)
		}
		out = append(out, l)
	}
	return out, nil
}
