package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// This file judges a coverage profile: how much of what lies under cuda/ the tests run. A profile of several packages' tests names a
// statement once for each; it is run if any of them runs it.

// leastCovered is the part of the statements under cuda/ that have to be run.
const leastCovered = .95

// bindings are left out: they hand arguments to NVIDIA's library, or to gorgonia.org/cu, and decide nothing. Which of them a build has
// is the platform's and the tags' to say; cuda/driver's tests run them against a library of their own, where there is a C compiler.
var bindings = []string{
	"cuda/driver/cu.go", "cuda/driver/cu_calls.go",
	"cuda/driver/purego.go", "cuda/driver/purego_calls.go",
	"cuda/driver/dl_linux.go", "cuda/driver/dl_windows.go",
	"cuda/driver/lib_none.go",
}

// covered counts statements.
type covered struct{ run, all int }

func (c *covered) add(n int, run bool) {
	c.all += n
	if run {
		c.run += n
	}
}

func (c *covered) share() float64 { return float64(c.run) / float64(c.all) }

func (c *covered) String() string {
	return fmt.Sprintf("%.1f %% of %d statements", 100*c.share(), c.all)
}

// stretch is some statements in a row, as a profile has them: all run, or none.
type stretch struct {
	file       string
	from, to   string // line.column
	statements int
}

var (
	profileLine = regexp.MustCompile(`^(\S+):(\d+\.\d+),(\d+\.\d+) (\d+) (\d+)$`)
	errProfile  = errors.New("the coverage profile has another form")
)

// readProfile is whether each stretch was run. Files are named from the module's root.
func readProfile(text string) (map[stretch]bool, error) {
	out := map[stretch]bool{}
	for i, l := range strings.Split(strings.TrimSpace(text), "\n") {
		if strings.HasPrefix(l, "mode: ") {
			continue
		}
		m := profileLine.FindStringSubmatch(l)
		if m == nil {
			return nil, fmt.Errorf("line %d: %w: %q", i+1, errProfile, l)
		}
		file := m[1]
		if at := strings.Index(file, "/cuda/"); at >= 0 {
			file = file[at+1:]
		}
		n, _ := strconv.Atoi(m[4]) // digits
		s := stretch{file, m[2], m[3], n}
		out[s] = out[s] || m[5] != "0"
	}
	return out, nil
}

// judgeCoverage prints what of each package was run, and where what was not lies, and fails below the least.
func judgeCoverage(w io.Writer, profile map[stretch]bool) error {
	total, packages, missing := covered{}, map[string]*covered{}, map[string][]string{}
	for s, run := range profile {
		if !strings.HasPrefix(s.file, "cuda/") || slices.Contains(bindings, s.file) {
			continue
		}
		dir := path.Dir(s.file)
		if packages[dir] == nil {
			packages[dir] = &covered{}
		}
		packages[dir].add(s.statements, run)
		total.add(s.statements, run)
		if line, _, _ := strings.Cut(s.from, "."); !run && !slices.Contains(missing[s.file], line) {
			missing[s.file] = append(missing[s.file], line)
		}
	}
	if total.all == 0 {
		return fmt.Errorf("%w: it has nothing of cuda", errProfile)
	}
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		fmt.Fprintf(w, "%-24s %v\n", dir, packages[dir])
	}
	fmt.Fprintf(w, "%-24s %v, at least %.0f\n", "cuda, without bindings", &total, 100*leastCovered)
	if total.share() >= leastCovered {
		return nil
	}
	for _, file := range slices.Sorted(maps.Keys(missing)) {
		lines := missing[file]
		slices.SortFunc(lines, func(a, b string) int { // by number
			if len(a) != len(b) {
				return len(a) - len(b)
			}
			return strings.Compare(a, b)
		})
		fmt.Fprintf(w, "%s: not run: %s\n", file, strings.Join(lines, " "))
	}
	return fmt.Errorf("the tests run %.2f %% of cuda, at least %.0f", 100*total.share(), 100*leastCovered)
}

func (o *options) judgeCoverage(w io.Writer) error {
	text, err := os.ReadFile(o.coverage)
	if err != nil {
		return err
	}
	profile, err := readProfile(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", o.coverage, err)
	}
	return judgeCoverage(w, profile)
}
