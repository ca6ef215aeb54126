package kernel_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/cuda/sim"
)

// This file reads the PTX as text: what must not be in it, and whether it takes the arguments that args.go describes.

// bytesOf is the size of each kernel's arguments.
var bytesOf = map[kernel.ID]uintptr{}

func sized[A any](ids ...kernel.ID) {
	for _, id := range ids {
		bytesOf[id] = unsafe.Sizeof(*new(A))
	}
}

func init() {
	sized[kernel.RolloutArgs](kernel.Begin, kernel.Leave, kernel.Moves, kernel.Settle, kernel.Append, kernel.Advance, kernel.Replay, kernel.Place)
	sized[kernel.TallyArgs](kernel.Tally)
	sized[kernel.ScoreArgs](kernel.Score)
	sized[kernel.FeaturesArgs](kernel.Features)
	sized[kernel.GatherArgs](kernel.Gather, kernel.GatherAny)
	sized[kernel.Several[kernel.GatherGradArgs]](kernel.GatherGrad, kernel.GatherGradAny, kernel.GatherGradWide)
	sized[kernel.LinearArgs](kernel.Linear128x64, kernel.Linear64x64, kernel.LinearAny, kernel.LinearFew)
	sized[kernel.Several[kernel.LinearArgs]](kernel.LinearNarrow)
	sized[kernel.Several[kernel.LinearBackArgs]](kernel.LinearBackNarrow)
	sized[kernel.Several[kernel.LinearGradArgs]](kernel.LinearGradNarrow)
	sized[kernel.LinearBackArgs](kernel.LinearBack128x64, kernel.LinearBack64x64, kernel.LinearBackAny)
	sized[kernel.LinearGradArgs](kernel.LinearGrad128x64, kernel.LinearGrad64x64, kernel.LinearGradAny)
	sized[kernel.ActArgs](kernel.Act, kernel.ActBack)
	sized[kernel.Several[kernel.LogProbArgs]](kernel.LogProb, kernel.LogProbBack)
	sized[kernel.LogProbArgs](kernel.LogProbWide, kernel.LogProbBackWide)
	sized[kernel.SampleArgs](kernel.Sample, kernel.SampleWide)
	sized[kernel.WalkArgs](kernel.Walk, kernel.WalkFew)
	sized[kernel.ElementsArgs](kernel.Rows_)
	sized[kernel.JointArgs](kernel.Joint)
	sized[kernel.CollectArgs](kernel.Collect)
	sized[kernel.CarryArgs](kernel.Carry)
	sized[kernel.TotalArgs](kernel.Total)
	sized[kernel.ReduceArgs](kernel.Reduce)
	sized[kernel.AddArgs](kernel.Add)
	sized[kernel.NormArgs](kernel.Norm)
	sized[kernel.ScaleArgs](kernel.Scale)
	sized[kernel.StepArgs](kernel.SGD, kernel.Adam)
}

var entry = regexp.MustCompile(`(?s)\.visible \.entry (\w+)\(\n\t\.param \.align 8 \.b8 \w+\[(\d+)\]\n\)\n\.maxntid (\d+), 1, 1`)

func TestEveryKernelIsThere(t *testing.T) {
	found := map[string]int{}
	for _, m := range entry.FindAllStringSubmatch(string(kernel.PTX()), -1) {
		found[m[1]], _ = strconv.Atoi(m[2])
	}
	require.Len(t, found, int(kernel.Count))
	for id := range kernel.Count {
		require.Contains(t, found, id.String())
		require.Equal(t, int(bytesOf[id]), found[id.String()], id.String())
	}
	require.Equal(t, strings.Count(string(kernel.PTX()), ".visible .entry"), len(found))
}

// Grids launch exactly the threads that a kernel was compiled for: block sizes are constants in the code.
func TestGridsFitTheCode(t *testing.T) {
	compiled := map[string]int{}
	for _, m := range entry.FindAllStringSubmatch(string(kernel.PTX()), -1) {
		compiled[m[1]], _ = strconv.Atoi(m[3])
	}
	is := func(id kernel.ID, g kernel.Grid) {
		t.Helper()
		require.Equal(t, compiled[id.String()], g.Threads, id.String())
	}
	for _, id := range []kernel.ID{kernel.Begin, kernel.Leave, kernel.Moves, kernel.Settle, kernel.Append, kernel.Advance, kernel.Replay, kernel.Place} {
		is(id, kernel.LanesGrid(1))
	}
	for _, id := range []kernel.ID{kernel.Act, kernel.ActBack, kernel.Rows_, kernel.Carry} {
		is(id, kernel.ElementsGrid(1, 1, 1))
	}
	for _, id := range []kernel.ID{kernel.Features, kernel.Joint, kernel.Collect, kernel.Add} {
		is(id, kernel.JointGrid(1))
	}
	for _, c := range []struct {
		batch int32
		id    kernel.ID
		x     int
	}{{1, kernel.WalkFew, 1}, {9, kernel.WalkFew, 2}, {1024, kernel.WalkFew, 128}, {1025, kernel.Walk, 33}, {4096, kernel.Walk, 128}} {
		w := kernel.WalkArgs{Batch: c.batch}
		id, grid := w.Launch()
		require.Equal(t, c.id, id)
		require.Equal(t, kernel.Grid{X: c.x, Y: 1, Threads: 256}, grid)
		is(id, grid)
	}
	is(kernel.Tally, kernel.OneGrid())
	is(kernel.Total, kernel.TotalGrid())
	is(kernel.Reduce, kernel.ReduceGrid(1))
	is(kernel.Norm, kernel.NormGrid(1))
	is(kernel.Scale, kernel.ScaleGrid())
	is(kernel.SGD, kernel.StepGrid(1))
	is(kernel.Adam, kernel.StepGrid(1))
	seen := map[kernel.ID]bool{}
	for _, rows := range []int32{1, 200, 500, 20000} {
		for _, n := range []int32{1, 8, 20, 21, 33, 64, 256} {
			for _, values := range []int32{2, 1000} {
				s := kernel.Span{Len: rows, Lanes: 3}
				g, h := kernel.GatherArgs{Span: s, N: n}, kernel.GatherGradArgs{Span: s, N: n, Active: 1, Values: values}
				l, b, w := kernel.LinearArgs{Span: s, K: n, N: n}, kernel.LinearBackArgs{Span: s, K: n, N: n}, kernel.LinearGradArgs{Span: s, K: rows, N: n, Bias: 4}
				p, d := kernel.LogProbArgs{Span: s, N: n}, kernel.SampleArgs{Span: s, Actions: n}
				for _, launch := range []func() (kernel.ID, kernel.Grid){g.Launch, h.Launch, l.Launch, b.Launch, w.Launch, p.Launch, p.LaunchBack, d.Launch} {
					id, grid := launch()
					seen[id] = true
					is(id, grid)
					require.Equal(t, 3, grid.Y)
				}
			}
		}
	}
	require.Len(t, seen, int(kernel.SampleWide-kernel.Gather)+1-2, "a kernel that no shape chooses") // act and act_back lie between
}

// The whole of it is one module; other tests load its kernels one by one.
func TestModuleLoads(t *testing.T) {
	m := sim.New(sim.Config{})
	mod, err := m.Load(kernel.PTX())
	require.NoError(t, err)
	for id := range kernel.Count {
		_, err := mod.Kernel(id.String())
		require.NoError(t, err)
	}
}

// What rounds in its own way, what is slow where it is not asked for, what only a linker knows.
func TestForbidden(t *testing.T) {
	text := string(kernel.PTX())
	require.Contains(t, text, "\n.version 6.3\n.target sm_70\n")
	for _, word := range []string{`\.approx`, `\.ftz`, `\.local`, `\.f64`, `\.f16`, `\.extern`, `\bcall\b`, `\batom\b`, `\bred\.`, `\.full`,
		`\b(add|sub|mul|fma|div)\.(sat\.)?f32`, `\bsqrt\.f32`, `\.rz\.f32`, `\.file\b`, `\.loc\b`,
		`\b(ld|st)\.[bfus][0-9]+`} { // generic: the compiler lost sight of where an operand lies
		require.NotRegexp(t, regexp.MustCompile(word), text)
	}
}

func TestBytesSharesMemory(t *testing.T) {
	a := kernel.AddArgs{N: 7}
	b := kernel.Bytes(&a)
	require.Len(t, b, 24)
	require.Equal(t, byte(7), b[16])
	require.Zero(t, testing.AllocsPerRun(10, func() { b = kernel.Bytes(&a) }))
}
