package cuda

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/bench"
	"github.com/sluice-ml/sluice/cuda/driver"
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
	drv := &ledger{Driver: sim.Driver(sim.Config{}), held: map[driver.Ptr]int64{}}
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

// ledger is a driver that knows what is allocated.
type ledger struct {
	driver.Driver
	mu   sync.Mutex
	held map[driver.Ptr]int64
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
	return &ledgerContext{c, l}, err
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
