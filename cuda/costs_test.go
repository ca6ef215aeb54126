package cuda

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/bench"
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/gfn"
)

// This file counts what an iteration launches, on a driver that runs nothing: the count decides what small batches cost, and a launch
// too many in a step is one too many in 77.

var updateLaunches = flag.Bool("update-launches", false, "rewrite testdata/launches.txt")

const (
	launchesFile = "testdata/launches.txt"
	launchesHead = "# What an iteration launches: 20^4 hypergrid, trajectory balance, two hidden layers of 256, learned P_B, 4,096 trajectories of 39 rows on\n" +
		"# average, the longest of 77, in 32 lanes. go test ./cuda -run TestLaunches -update-launches rewrites it.\n# mode entry kernel shape blocks threads launches\n"
	countedBatch, countedLength, countedSteps = 4096, 39, 77
)

// counting is a driver that records launches. Every lane has trajectories of the average length, and lives to the last step.
type counting struct {
	driver.Driver
	list  []counted
	looks int // times the host waited
}

// counted is a launch: what is launched, and how often.
type counted struct {
	entry, kernel, shape string
	blocks, threads      int
}

func (c *counting) Name() string          { return "counting" }
func (c *counting) Version() (int, error) { return 12040, nil }
func (c *counting) Devices() ([]driver.Info, error) {
	return []driver.Info{{Name: "none", Major: 9, Memory: 80 << 30}}, nil
}
func (c *counting) Open(int) (driver.Context, error) {
	return &countingContext{c: c, graphs: [][]counted{nil}, next: 1 << 20}, nil
}

// countingContext hands out addresses and names; memory is nowhere.
type countingContext struct {
	driver.Context
	c         *counting
	names     []string
	next      driver.Ptr
	graphs    [][]counted
	capturing bool
}

func (c *countingContext) Close() error                             { return nil }
func (c *countingContext) MemInfo() (free, total int64, err error)  { return 80 << 30, 80 << 30, nil }
func (c *countingContext) Free(driver.Ptr) error                    { return nil }
func (c *countingContext) AllocHost(n int) ([]byte, error)          { return make([]byte, n), nil }
func (c *countingContext) FreeHost([]byte) error                    { return nil }
func (c *countingContext) Load([]byte) (driver.Module, error)       { return 1, nil }
func (c *countingContext) Unload(driver.Module) error               { return nil }
func (c *countingContext) NewStream() (driver.Stream, error)        { return 1, nil }
func (c *countingContext) FreeStream(driver.Stream) error           { return nil }
func (c *countingContext) NewEvent() (driver.Event, error)          { return 1, nil }
func (c *countingContext) FreeEvent(driver.Event) error             { return nil }
func (c *countingContext) Record(driver.Event, driver.Stream) error { return nil }
func (c *countingContext) Wait(driver.Stream, driver.Event) error   { return nil }
func (c *countingContext) FreeGraph(driver.Graph) error             { return nil }
func (c *countingContext) FreeExec(driver.Exec) error               { return nil }
func (c *countingContext) Instantiate(g driver.Graph) (driver.Exec, error) {
	return driver.Exec(g), nil
}

func (c *countingContext) ToDevice(driver.Ptr, []byte, driver.Stream) error { return nil }
func (c *countingContext) Copy(_, _ driver.Ptr, _ int64, _ driver.Stream) error {
	return nil
}

// Fill32 is a node of a graph like any launch.
func (c *countingContext) Fill32(_ driver.Ptr, _ uint32, words int64, _ driver.Stream) error {
	c.record(counted{kernel: "fill", shape: fmt.Sprint(words)})
	return nil
}

func (c *countingContext) Alloc(bytes int64) (driver.Ptr, error) {
	p := c.next
	c.next += driver.Ptr(bytes+255) &^ 255
	return p, nil
}

func (c *countingContext) Function(_ driver.Module, name string) (driver.Func, error) {
	c.names = append(c.names, name)
	return driver.Func(len(c.names)), nil
}

// ToHost answers the only question whose answer matters: how long trajectories are.
func (c *countingContext) ToHost(dst []byte, _ driver.Ptr, _ driver.Stream) error {
	clear(dst)
	if len(dst) == 4*countedBatch {
		length := unsafe.Slice((*int32)(unsafe.Pointer(&dst[0])), countedBatch)
		for i := range length {
			length[i] = countedSteps
			if i%2 == 0 {
				length[i] = 2*countedLength - countedSteps
			}
		}
	}
	return nil
}

func (c *countingContext) Sync(driver.Stream) error {
	c.c.looks++
	return nil
}

func (c *countingContext) Launch(f driver.Func, grid, block driver.Dim, _ int, _ driver.Stream, args []byte) error {
	name := c.names[f-1]
	c.record(counted{kernel: name, shape: shapeOf(name, args), blocks: max(grid.X, 1) * max(grid.Y, 1) * max(grid.Z, 1), threads: block.X})
	return nil
}

// record is a launch that runs, or that a graph takes.
func (c *countingContext) record(l counted) {
	if last := len(c.graphs) - 1; c.capturing {
		c.graphs[last] = append(c.graphs[last], l)
	} else {
		c.c.list = append(c.c.list, l)
	}
}

func (c *countingContext) BeginCapture(driver.Stream) error {
	c.capturing = true
	c.graphs = append(c.graphs, nil)
	return nil
}

func (c *countingContext) EndCapture(driver.Stream) (driver.Graph, error) {
	c.capturing = false
	return driver.Graph(len(c.graphs) - 1), nil
}

func (c *countingContext) Replay(e driver.Exec, _ driver.Stream) error {
	c.c.list = append(c.c.list, c.graphs[e]...)
	return nil
}

func (c *countingContext) BLAS() (driver.BLAS, error) { return countingBLAS{c}, nil }

type countingBLAS struct{ c *countingContext }

func (countingBLAS) Name() string { return "counting" }
func (countingBLAS) Close() error { return nil }
func (b countingBLAS) Gemm(_ driver.Stream, g driver.Gemm) error {
	b.c.record(counted{kernel: "cublas", shape: fmt.Sprintf("%dx%dx%d", g.M, g.K, g.N), blocks: g.Count})
	return nil
}

// shapeOf is the widths in a launch's arguments, as cuda/kernel/testdata/costs.txt names them: those of several joined by +.
func shapeOf(name string, args []byte) string {
	switch {
	case strings.HasPrefix(name, "linear_back"):
		return shapes(args, func(a *kernel.LinearBackArgs) (int32, string) { return a.N, fmt.Sprintf("%dx%d", a.K, a.N) })
	case strings.HasPrefix(name, "linear_grad"):
		return shapes(args, func(a *kernel.LinearGradArgs) (int32, string) { return a.N, fmt.Sprintf("%dx%d", a.K, a.N) })
	case strings.HasPrefix(name, "linear"):
		return shapes(args, func(a *kernel.LinearArgs) (int32, string) { return a.N, fmt.Sprintf("%dx%d", a.K, a.N) })
	case strings.HasPrefix(name, "log_prob"):
		return shapes(args, func(a *kernel.LogProbArgs) (int32, string) { return a.N, fmt.Sprint(a.N) })
	case strings.HasPrefix(name, "gather_grad"):
		return shapes(args, func(a *kernel.GatherGradArgs) (int32, string) {
			if a.Gate.P != 0 {
				return a.N, fmt.Sprintf("%dx%d/gate", a.Active, a.N)
			}
			return a.N, fmt.Sprintf("%dx%d", a.Active, a.N)
		})
	case strings.HasPrefix(name, "gather"):
		return shapes(args, func(a *kernel.GatherArgs) (int32, string) { return a.N, fmt.Sprintf("%dx%d", a.Active, a.N) })
	case strings.HasPrefix(name, "sample"):
		return shapes(args, func(a *kernel.SampleArgs) (int32, string) { return a.Actions, fmt.Sprint(a.Actions) })
	}
	return "-"
}

// shapes reads the arguments of one instruction or several, of which those without columns are not there.
func shapes[A any](args []byte, shape func(*A) (int32, string)) string {
	var all []string
	for size := int(unsafe.Sizeof(*new(A))); len(args) >= size; args = args[size:] {
		if n, s := shape((*A)(unsafe.Pointer(&args[0]))); n > 0 {
			all = append(all, s)
		}
	}
	return strings.Join(all, "+")
}

// entryOf is the entry that launches a kernel, given the one before it.
func entryOf(kernel, before string) string {
	switch kernel {
	case "walk", "score":
		return "rollout"
	case "collect", "total":
		return "close"
	case "log_prob_back":
		return "backward"
	case "reduce":
		return "sums"
	case "norm":
		return "update"
	}
	return before
}

// launchesOf is what an iteration launches once its graphs are captured, and how often the host waits.
func launchesOf(t *testing.T, mode Mode) (list []counted, looks int) {
	c := &counting{}
	d, err := New(c, Config{Mode: mode})
	require.NoError(t, err)
	defer d.Close()
	trainer, err := gfn.New(bench.Job(d, countedBatch, 256, 256))
	require.NoError(t, err)
	defer trainer.Close()
	var first []counted
	for i := range 4 { // the first finds too little memory, the second launches, the third captures, the last replays
		c.list, c.looks = nil, 0
		_, err = trainer.Step()
		require.NoError(t, err)
		if i == 1 {
			first = c.list
		}
	}
	kernels := func(list []counted) []counted { // new memory is filled once
		return slices.DeleteFunc(slices.Clone(list), func(l counted) bool { return l.kernel == "fill" })
	}
	require.True(t, slices.Equal(kernels(first), kernels(c.list)), "the replayed graphs hold what was launched at first")
	return c.list, c.looks
}

func TestLaunches(t *testing.T) {
	text := launchesHead
	for _, m := range []struct {
		name  string
		mode  Mode
		total int
		of    map[string]int
	}{
		// The draws, their rewards, the rows, their tally; a piece of rows is gather, the hidden layer, the heads, the log-probabilities, and in Backward the
		// heads' three launches, the hidden layer's two and the first layer's.
		{"deterministic", Deterministic, 235, map[string]int{"rollout": 4 + 4*20, "close": 18, "backward": 6 * 20, "sums": 2, "update": 11}},
		// In the fast mode a product takes two launches where a bias comes with it; in Backward the first layer's has gate and bias.
		{"fast", Fast, 255, map[string]int{"rollout": 4 + 5*20, "close": 18, "backward": 6 * 20, "sums": 2, "update": 11}},
	} {
		list, looks := launchesOf(t, m.mode)
		n, of, entry := map[counted]int{}, map[string]int{}, ""
		for _, l := range list {
			entry = entryOf(l.kernel, entry)
			l.entry = entry
			n[l]++
			of[entry]++
		}
		require.Equal(t, m.of, of, m.name)
		require.Len(t, list, m.total, m.name)
		require.Equal(t, 2, looks, "the batch's ends, and the outcome")
		keys := slices.SortedFunc(maps.Keys(n), func(a, b counted) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		for _, l := range keys {
			text += fmt.Sprintln(m.name, l.entry, l.kernel, l.shape, l.blocks, l.threads, n[l])
		}
	}
	if *updateLaunches {
		require.NoError(t, os.WriteFile(launchesFile, []byte(text), 0o644))
	}
	want, err := os.ReadFile(launchesFile)
	require.NoError(t, err)
	require.Equal(t, string(want), text)
}
