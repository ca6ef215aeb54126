package cuda

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/bench"
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/cuda/sim"
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/graph"
)

// A device nobody closed gives its card back and ends its thread when it is collected.
func TestADeviceNobodyClosed(t *testing.T) {
	o := func() *owner {
		d, err := New(sim.Driver(sim.Config{}), Config{})
		require.NoError(t, err)
		_, err = d.Compile(smallest(t, tinyGrid, false))
		require.NoError(t, err)
		return d.(*device).o
	}()
	require.Eventually(t, func() bool {
		runtime.GC()
		o.mu.Lock()
		defer o.mu.Unlock()
		return o.closed
	}, 5*time.Second, time.Millisecond)
	require.ErrorIs(t, o.do(func() {}), errClosed)
}

// A device that is closed gives back what it holds of the card, where another goes on: the context they share does not end with it. Programs and
// buffers that nobody freed are among it.
func TestTwoDevicesOfACard(t *testing.T) {
	drv := sim.Driver(sim.Config{})
	plan := smallest(t, tinyGrid, false)
	stays := newTwin(t, open(t, drv, Config{Chunk: 24}), plan)
	want := stays.run(src8, nil)
	require.NoError(t, want.Err)
	free := func() (n int64) {
		o := stays.program.(*program).o
		require.NoError(t, o.do(func() {
			var err error
			n, _, err = o.ctx.MemInfo()
			o.check(err)
		}))
		return n
	}
	before := free()
	d, err := New(drv, Config{Chunk: 24})
	require.NoError(t, err)
	goes := newTwin(t, d, plan)
	require.Equal(t, want, goes.run(src8, nil))
	require.Less(t, free(), before)
	require.NoError(t, d.Close())
	require.Equal(t, before, free())
	require.Equal(t, want, stays.run(src8, nil))
}

// Whatever the driver lent is given back one by one, not left to the context.
func TestCloseGivesEverythingBack(t *testing.T) {
	drv := &ledger{Driver: sim.Driver(sim.Config{})}
	d, err := New(drv, Config{Chunk: 24, Mode: Fast})
	require.NoError(t, err)
	w := newTwin(t, d, smallest(t, tinyGrid, false))
	require.Positive(t, graphsAfter(t, w, src8, 3))
	for kind, n := range drv.lent {
		require.Equal(t, kind != "graph", n > 0, "%d %s held", n, kind)
	}
	require.NoError(t, d.Close())
	require.Zero(t, drv.bytes())
	require.Equal(t, map[string]int{"page": 0, "stream": 0, "event": 0, "module": 0, "graph": 0, "exec": 0}, drv.lent)
}

// What a kernel did wrong that nobody waited for, Close says; of a device that has failed already it has nothing to add.
func TestCloseTellsOfWhatWasNotWaitedFor(t *testing.T) {
	drv := &edited{Driver: sim.Driver(sim.Config{}), edit: func(ptx string) string { return replaced(t, ptx, "adam", guard, "", false) }}
	for _, waits := range []bool{false, true} {
		d, err := New(drv, Config{Chunk: 24})
		require.NoError(t, err)
		w := newTwin(t, d, smallest(t, tinyGrid, false))
		moments, err := d.Alloc(2 * w.plan.Params.Len())
		require.NoError(t, err)
		require.NoError(t, w.run(src8, nil).Err)
		rates := graph.Scalars{Rates: []float32{.01, .1}, Keep: []float32{1, 1}, C1: 10, C2: 1000}
		require.NoError(t, w.program.Update(w.params, w.grads, moments, graph.Rule{Kind: graph.Adam}, rates))
		if waits {
			_, err = w.program.Outcome(nil, -1)
			require.ErrorContains(t, err, "in kernel adam")
			require.NoError(t, d.Close())
		} else {
			require.ErrorContains(t, d.Close(), "in kernel adam")
		}
	}
}

// Arguments for which there is no room are a mistake that would reach the device cut off.
func TestArgumentsThatAreTooLong(t *testing.T) {
	require.PanicsWithValue(t, "cuda: kernel adam has more arguments than there is room for", func() {
		launch(new(owner), kernel.Adam, kernel.OneGrid(), 0, [513]byte{})
	})
}

// After Close everything says so, and closing again is nothing.
func TestClosed(t *testing.T) {
	d, err := New(sim.Driver(sim.Config{}), Config{Chunk: 24})
	require.NoError(t, err)
	w := newTwin(t, d, smallest(t, tinyGrid, false))
	require.NoError(t, d.Close())
	require.NoError(t, d.Close())
	_, err = d.Alloc(3)
	require.ErrorIs(t, err, errClosed)
	_, err = d.Compile(w.plan)
	require.ErrorIs(t, err, errClosed)
	require.ErrorIs(t, w.run(src8, nil).Err, errClosed)
}

// What was dropped without Free is given back by the next allocation.
func TestWhatIsDroppedIsFreed(t *testing.T) {
	drv := &ledger{Driver: sim.Driver(sim.Config{})}
	d := open(t, drv, Config{Chunk: 24})
	before := drv.bytes()
	plan := smallest(t, tinyGrid, false)
	func() {
		p, err := d.Compile(plan)
		require.NoError(t, err)
		b, err := d.Alloc(plan.Params.Len())
		require.NoError(t, err)
		_, err = p.Rollout(b, src8, nil)
		require.NoError(t, err)
	}()
	require.Greater(t, drv.bytes(), before)
	require.Eventually(t, func() bool {
		runtime.GC()
		b, err := d.Alloc(1)
		require.NoError(t, err)
		runtime.KeepAlive(b)
		return drv.bytes() <= before+256*4 // and a few of these
	}, 5*time.Second, time.Millisecond)

	w := newTwin(t, d, plan)
	require.NoError(t, w.run(src8, nil).Err)
	held := drv.bytes()
	w.program.Free()
	require.Less(t, drv.bytes(), held)
	require.Zero(t, w.program.Memory())
}

var src8 = graph.Source{Count: 8}

// ledger is a driver that knows what it has lent to its last context.
type ledger struct {
	driver.Driver
	mu   sync.Mutex
	held map[driver.Ptr]int64
	lent map[string]int // of other kinds, how many
}

func (l *ledger) bytes() (n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.held {
		n += b
	}
	return n
}

func (l *ledger) Open(device int) (driver.Context, error) {
	c, err := l.Driver.Open(device)
	l.held, l.lent = map[driver.Ptr]int64{}, map[string]int{}
	return &ledgerContext{c, l}, err
}

// lend is a call that lends x.
func lend[T any](c *ledgerContext, kind string, x T, err error) (T, error) {
	if err == nil {
		c.l.lent[kind]++
	}
	return x, err
}

// back is one that takes it back.
func (c *ledgerContext) back(kind string, err error) error {
	if err == nil {
		c.l.lent[kind]--
	}
	return err
}

type ledgerContext struct {
	driver.Context
	l *ledger
}

func (c *ledgerContext) Alloc(bytes int64) (driver.Ptr, error) {
	p, err := c.Context.Alloc(bytes)
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	c.l.held[p] = bytes
	return p, err
}

func (c *ledgerContext) Free(p driver.Ptr) error {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	delete(c.l.held, p)
	return c.Context.Free(p)
}

func (c *ledgerContext) AllocHost(n int) ([]byte, error) {
	b, err := c.Context.AllocHost(n)
	return lend(c, "page", b, err)
}

func (c *ledgerContext) NewStream() (driver.Stream, error) {
	s, err := c.Context.NewStream()
	return lend(c, "stream", s, err)
}

func (c *ledgerContext) NewEvent() (driver.Event, error) {
	e, err := c.Context.NewEvent()
	return lend(c, "event", e, err)
}

func (c *ledgerContext) Load(ptx []byte) (driver.Module, error) {
	m, err := c.Context.Load(ptx)
	return lend(c, "module", m, err)
}

func (c *ledgerContext) EndCapture(s driver.Stream) (driver.Graph, error) {
	g, err := c.Context.EndCapture(s)
	return lend(c, "graph", g, err)
}

func (c *ledgerContext) Instantiate(g driver.Graph) (driver.Exec, error) {
	x, err := c.Context.Instantiate(g)
	return lend(c, "exec", x, err)
}

func (c *ledgerContext) FreeHost(b []byte) error { return c.back("page", c.Context.FreeHost(b)) }
func (c *ledgerContext) FreeStream(s driver.Stream) error {
	return c.back("stream", c.Context.FreeStream(s))
}
func (c *ledgerContext) FreeEvent(e driver.Event) error {
	return c.back("event", c.Context.FreeEvent(e))
}
func (c *ledgerContext) Unload(m driver.Module) error { return c.back("module", c.Context.Unload(m)) }
func (c *ledgerContext) FreeGraph(g driver.Graph) error {
	return c.back("graph", c.Context.FreeGraph(g))
}
func (c *ledgerContext) FreeExec(x driver.Exec) error { return c.back("exec", c.Context.FreeExec(x)) }

// An iteration allocates nothing on the host, whichever thread it is handed to.
func TestAllocations(t *testing.T) {
	d, err := New(&idle{}, Config{})
	require.NoError(t, err)
	defer d.Close()
	trainer, err := gfn.New(bench.Job(d, countedBatch, 64, 64))
	require.NoError(t, err)
	defer trainer.Close()
	step := func() {
		_, err := trainer.Step()
		if err != nil {
			panic(err)
		}
	}
	for range 4 {
		step()
	}
	require.Zero(t, testing.AllocsPerRun(5, step))
}

// idle is counting without the counts.
type idle struct{ counting }

func (c *idle) Open(device int) (driver.Context, error) {
	ctx, err := c.counting.Open(device)
	return idleContext{ctx}, err
}

type idleContext struct{ driver.Context }

func (idleContext) Fill32(driver.Ptr, uint32, int64, driver.Stream) error { return nil }
func (idleContext) Replay(driver.Exec, driver.Stream) error               { return nil }
func (idleContext) Launch(driver.Func, driver.Dim, driver.Dim, int, driver.Stream, []byte) error {
	return nil
}
