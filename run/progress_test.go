package run

import (
	"bytes"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var somewhere = Status{Iteration: 420, Iterations: 1000, Trajectories: 13440, Loss: .0745, LogZ: 2.982, LogZTrue: 3.109061, TV: .0162,
	TrajPerSec: 24321, Left: 12 * time.Second}

func TestBarLine(t *testing.T) {
	for width, want := range map[int]string{
		120: "420/1000  ━━━━━━━━━━──────────────  loss 0.074  log Z 2.982/3.109  TV 0.0162  24k traj/s  0:12 left",
		79:  "420/1000  ━───  loss 0.074  log Z 2.982/3.109  TV 0.0162  24k traj/s  0:12 left",
		70:  "420/1000  ━━─────  loss 0.074  log Z 2.982/3.109  TV 0.0162  0:12 left",
		40:  "420/1000  ━━─────  loss 0.074  TV 0.0162",
		20:  "420/1000  TV 0.0162",
		9:   "420/1000",
		3:   "420",
	} {
		got := barLine(somewhere, width, false)
		require.LessOrEqual(t, utf8.RuneCountInString(got), width)
		require.Equal(t, want, got, "width %d", width)
	}
	unknown := Status{Iteration: 1, Iterations: 10, Loss: math.NaN(), LogZ: math.NaN(), LogZTrue: math.NaN(), TV: math.NaN(), TrajPerSec: math.NaN(), Left: -1}
	require.Equal(t, "1/10  ━━──────────────────────", barLine(unknown, 79, false))
}

// TestBarNeverWraps: whatever the numbers, the line fits; colour adds no column.
func TestBarNeverWraps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Status{Iterations: rapid.IntRange(1, math.MaxInt32).Draw(t, "of"), Loss: rapid.Float64().Draw(t, "loss"),
			LogZ: rapid.Float64Range(-1e9, 1e9).Draw(t, "log Z"), LogZTrue: rapid.Float64Range(-1e9, 1e9).Draw(t, "true"),
			TV: rapid.Float64Range(0, 1).Draw(t, "tv"), TrajPerSec: rapid.Float64Range(0, 1e9).Draw(t, "pace"),
			Left: time.Duration(rapid.Int64Range(-1, 1e15).Draw(t, "left"))}
		s.Iteration = rapid.IntRange(0, s.Iterations).Draw(t, "at")
		width := rapid.IntRange(1, 200).Draw(t, "width")
		require.LessOrEqual(t, utf8.RuneCountInString(barLine(s, width, false)), width)
		coloured := barLine(s, width, true)
		for _, code := range []string{"\x1b[36m", "\x1b[90m", "\x1b[0m"} {
			coloured = strings.ReplaceAll(coloured, code, "")
		}
		require.Equal(t, barLine(s, width, false), coloured)
	})
}

func TestBarDrawsTenTimesASecond(t *testing.T) {
	var out bytes.Buffer
	clock := time.Unix(0, 0)
	b := &bar{w: &out, width: func() int { return 80 }, now: func() time.Time { return clock }}
	for range 100 { // a second and a half
		clock = clock.Add(15 * time.Millisecond)
		b.See(somewhere)
	}
	require.InDelta(t, 15, strings.Count(out.String(), "\r"), 2)
	b.Done()
	require.True(t, strings.HasSuffix(out.String(), "0:12 left\x1b[K\n"))
}

func TestLogger(t *testing.T) {
	var out bytes.Buffer
	drop := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	clock := time.Unix(0, 0)
	l := &logger{log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: drop})), now: func() time.Time { return clock }}
	for i := range 50 { // five seconds
		s := somewhere
		s.Iteration, s.Judged = i, i == 31
		l.See(s)
		clock = clock.Add(100 * time.Millisecond)
	}
	common := " of=1000 loss=0.0745 log_z=2.982 log_z_true=3.10906"
	require.Equal(t, strings.Join([]string{
		"level=INFO msg=train iteration=0" + common + " traj_per_s=24320 left_s=12",
		"level=INFO msg=train iteration=20" + common + " traj_per_s=24320 left_s=12",
		"level=INFO msg=train iteration=31" + common + " tv=0.0162 traj_per_s=24320 left_s=12",
	}, "\n")+"\n", out.String())
}

func TestMeter(t *testing.T) {
	var m meter
	at := time.Unix(0, 0)
	for i := range 2000 { // ten seconds slow, then ten seconds fast: only the fast ones count
		step := 10 * time.Millisecond
		if i < 1000 {
			step = 20 * time.Millisecond
		}
		at = at.Add(step)
		m.add(at, i+1, int64(32*(i+1)))
	}
	pace, sec := m.rates()
	require.InDelta(t, 3200, pace, 1)
	require.InDelta(t, .01, sec, 1e-5)
	require.Less(t, len(m.marks), 30)
}
