package run

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// This file runs one config with several seeds and says how much the result depends on them.

// ParseSeeds reads "1..5", "1,2,7" or a mix of both; a seed may come once.
func ParseSeeds(s string) ([]uint64, error) {
	const most = 10_000
	var out []uint64
	for part := range strings.SplitSeq(s, ",") {
		from, to, isRange := strings.Cut(strings.TrimSpace(part), "..")
		a, err := strconv.ParseUint(from, 10, 64)
		b := a
		if err == nil && isRange {
			b, err = strconv.ParseUint(to, 10, 64)
		}
		switch {
		case err != nil:
			return nil, &ConfigError{Where: "--seeds " + s, Text: "want a range such as 1..5 or a list such as 1,2,7"}
		case b > math.MaxInt64: // as Validate has it
			return nil, &ConfigError{Where: "--seeds " + s, Text: fmt.Sprintf("seed: must be at most %d, is %d", math.MaxInt64, b)}
		case b < a:
			return nil, &ConfigError{Where: "--seeds " + s, Text: fmt.Sprintf("the range %d..%d is empty", a, b)}
		case b-a >= most || len(out) >= most:
			return nil, &ConfigError{Where: "--seeds " + s, Text: fmt.Sprintf("more than %d seeds", most)}
		}
		for seed := a; seed <= b; seed++ {
			if slices.Contains(out, seed) {
				return nil, &ConfigError{Where: "--seeds " + s, Text: fmt.Sprintf("seed %d comes twice", seed)}
			}
			out = append(out, seed)
		}
	}
	return out, nil
}

// Sweep is one config run with several seeds.
type Sweep struct {
	Runs    []*Evaluation     `json:"runs"` // in the order of the seeds
	Metrics map[string]Spread `json:"metrics"`
}

// sweepMetrics are the metrics a sweep sums up, in the order of its table.
var sweepMetrics = []struct {
	key, name, format string
	of                func(*Evaluation) *float64
}{
	{"tv", "total variation", "%.6f", func(e *Evaluation) *float64 { return e.TV }},
	{"kl_nats", "KL(true || learned), nats", "%.6f", func(e *Evaluation) *float64 { return e.KLNats }},
	{"log_z", "log Z", "%.6f", func(e *Evaluation) *float64 { return e.LogZ }},
	{"log_z_error", "log Z error", "%+.6f", func(e *Evaluation) *float64 { return e.LogZError }},
	{"expected_reward", "expected reward", "%.6f", func(e *Evaluation) *float64 { return e.ExpectedReward }},
	{"elbo", "ELBO", "%.6f", func(e *Evaluation) *float64 { return e.ELBO }},
}

// RunSeeds runs c once a seed, each in its own directory seed-N below path, one after the other. begin is handed each loop to say where it
// computes and who watches. A sweep that was stopped goes on by the same call: a seed that is finished is judged again and not trained, one
// that is not is taken up where it stopped. A directory that holds a run of other settings, the device's aside, is ErrExists before the
// first seed begins.
func RunSeeds(ctx context.Context, path string, c Config, seeds []uint64, begin func(*Loop)) (*Sweep, error) {
	of := func(seed uint64) (string, Config) {
		c := c
		c.Seed = seed
		return filepath.Join(path, fmt.Sprintf("seed-%d", seed)), c
	}
	for _, seed := range seeds {
		if err := sameRun(of(seed)); err != nil {
			return nil, fmt.Errorf("seed %d: %w", seed, err)
		}
	}
	var s Sweep
	for _, seed := range seeds {
		path, c := of(seed)
		e, err := runSeed(ctx, path, c, begin)
		if err != nil {
			return nil, fmt.Errorf("seed %d: %w", seed, err)
		}
		s.Runs = append(s.Runs, e)
	}
	s.sum()
	return &s, nil
}

// sameRun refuses a directory with a run in it that c is not. No directory, or no run in it, is none of its business.
func sameRun(path string, c Config) error {
	was, err := ReadConfig(path)
	if errors.Is(err, ErrNoRun) {
		return nil
	} else if err != nil {
		return err
	}
	if diff := differences(was.settings("device."), c.settings("device.")); len(diff) > 0 {
		return fmt.Errorf("%w: the run in %s has other settings: %s", ErrExists, path, strings.Join(diff, ", "))
	}
	return nil
}

func runSeed(ctx context.Context, path string, c Config, begin func(*Loop)) (*Evaluation, error) {
	l, err := GoOn(path, nil, "")
	if errors.Is(err, ErrNoRun) {
		l = &Loop{Config: c}
		l.Dir, err = Create(path, c)
	}
	if err != nil {
		return nil, err
	}
	defer l.Dir.Close()
	begin(l)
	if l.Finished() && l.Dir.drawn() {
		return Judge(path, l.Device) // the manifest would say that it was taken up again
	}
	return l.Run(ctx)
}

func (s *Sweep) sum() {
	s.Metrics = map[string]Spread{}
	for _, m := range sweepMetrics {
		var x []float64
		for _, e := range s.Runs {
			if v := m.of(e); v != nil {
				x = append(x, *v)
			}
		}
		if len(x) == len(s.Runs) { // a mean over some of the seeds would flatter
			s.Metrics[m.key] = spreadOf(x)
		}
	}
}

// Table is one line a seed and a metric's mean and spread below.
func (s *Sweep) Table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	fmt.Fprintf(w, "metric over %d seeds\tmean\tstd dev\tmin\tmax\n", len(s.Runs))
	for _, m := range sweepMetrics {
		if v, ok := s.Metrics[m.key]; ok {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", m.name, number(m.format, v.Mean), number("%.6f", v.StdDev),
				number(m.format, v.Min), number(m.format, v.Max))
		}
	}
	w.Flush()
	for _, e := range s.Runs {
		tv := ""
		if e.TV != nil {
			tv = fmt.Sprintf("  tv %.6f", *e.TV)
		}
		fmt.Fprintf(&b, "seed %d%s  params_hash %.16s\n", e.Seed, tv, e.ParamsHash)
	}
	return b.String()
}
