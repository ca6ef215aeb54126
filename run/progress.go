package run

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// This file is watching a run on a terminal: one line that rewrites itself. logger.go is for everywhere else.

// bar is the one line on a terminal.
type bar struct {
	w     io.Writer
	width func() int // of the terminal, asked every time: it may be resized
	now   func() time.Time
	color bool
	shown time.Time
	last  Status
}

// NewBar watches on a terminal of the given width. Without color there is no escape sequence but the carriage return's twin that
// clears the line.
func NewBar(w io.Writer, width func() int, color bool) Watcher {
	return &bar{w: w, width: width, now: time.Now, color: color}
}

// barPause is how long a line stays: fast enough to look alive, slow enough to cost nothing.
const barPause = 100 * time.Millisecond

func (b *bar) See(s Status) {
	b.last = s
	if now := b.now(); now.Sub(b.shown) >= barPause {
		b.shown = now
		b.draw()
	}
}

func (b *bar) Done() {
	if b.last.Iterations == 0 {
		return // nothing happened
	}
	b.draw()
	fmt.Fprintln(b.w)
}

func (b *bar) draw() {
	// The last column stays free: some terminals wrap when it is written.
	fmt.Fprint(b.w, "\r"+barLine(b.last, b.width()-1, b.color)+"\x1b[K")
}

// barLine is the line for a status, never wider than width. What matters least goes first when there is no room: the bar shrinks, then
// fields are dropped from the end of this order: iteration, TV, loss, log Z, time left, pace.
func barLine(s Status, width int, color bool) string {
	count := fmt.Sprintf("%d/%d", s.Iteration, s.Iterations)
	fields := []string{count} // in order of importance
	place := []int{0}         // where each stands on the line
	add := func(at int, text string) {
		if text != "" {
			fields, place = append(fields, text), append(place, at)
		}
	}
	add(3, known("TV %.4f", s.TV))
	add(1, known("loss %.2g", s.Loss))
	add(2, logZText(s))
	add(5, leftText(s.Left))
	add(4, paceText(s.TrajPerSec))
	total := func(n int) int {
		sum := 0
		for _, f := range fields[:n] {
			sum += utf8.RuneCountInString(f) + 2
		}
		return sum - 2
	}
	n := len(fields)
	for n > 1 && total(n) > width {
		n--
	}
	parts := make([]string, 6)
	for i := range n {
		parts[place[i]] = fields[i]
	}
	const most, least = 24, 4
	if cells := min(width-total(n)-2, most); cells >= least {
		parts[0] += "  " + cellsText(s, cells, color)
	} else if n == 1 && len(count) > width {
		return count[:max(0, width)]
	}
	return strings.Join(nonEmpty(parts), "  ")
}

// cellsText is the bar itself.
func cellsText(s Status, cells int, color bool) string {
	done := 0
	if s.Iterations > 0 {
		done = min(cells, s.Iteration*cells/s.Iterations)
	}
	full, rest := strings.Repeat("━", done), strings.Repeat("─", cells-done)
	if color {
		return "\x1b[36m" + full + "\x1b[90m" + rest + "\x1b[0m"
	}
	return full + rest
}

func logZText(s Status) string {
	text := known("log Z %.3f", s.LogZ)
	if text != "" && !math.IsNaN(s.LogZTrue) {
		text += fmt.Sprintf("/%.3f", s.LogZTrue)
	}
	return text
}

func paceText(perSec float64) string {
	switch {
	case math.IsNaN(perSec):
		return ""
	case perSec >= 9999.5:
		return fmt.Sprintf("%.0fk traj/s", perSec/1000)
	}
	return fmt.Sprintf("%.0f traj/s", perSec)
}

func leftText(d time.Duration) string {
	if d < 0 {
		return ""
	}
	d = d.Round(time.Second)
	h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	if h > 0 {
		return fmt.Sprintf("%d:%02d:%02d left", h, m, s)
	}
	return fmt.Sprintf("%d:%02d left", m, s)
}

func known(format string, v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return fmt.Sprintf(format, v)
}

func nonEmpty(parts []string) []string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return out
}
