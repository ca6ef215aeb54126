package cuda

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/bench"
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/sim"
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// taken is how many of a program's lists of launches are graphs.
func taken(p *program) (n int) {
	for _, s := range p.shots {
		if s.exec != 0 {
			n++
		}
	}
	return n
}

// graphsAfter runs whole iterations and says how many graphs there are after the last.
func graphsAfter(t *testing.T, w *twin, src graph.Source, iterations int) int {
	t.Helper()
	for range iterations {
		require.NoError(t, w.run(src, nil).Err)
	}
	return taken(w.program.(*program))
}

// A batch of so many pieces that its graphs are more than are usually kept is replayed all the same.
func TestGraphsOfManyPieces(t *testing.T) {
	drv := &replays{}
	dev, err := New(drv, Config{Chunk: 512})
	require.NoError(t, err)
	defer dev.Close()
	trainer, err := gfn.New(bench.Job(dev, countedBatch, 8, 8))
	require.NoError(t, err)
	defer trainer.Close()
	for range 4 {
		drv.n = 0
		_, err = trainer.Step()
		require.NoError(t, err)
	}
	require.Greater(t, drv.n, mostShots, "the batch is as large as the test wants it")
}

// replays runs nothing and counts the graphs that are replayed.
type replays struct {
	counting
	n int
}

func (r *replays) Open(device int) (driver.Context, error) {
	ctx, err := r.counting.Open(device)
	return replaysContext{idleContext{ctx}, r}, err
}

type replaysContext struct {
	idleContext
	r *replays
}

func (c replaysContext) Replay(driver.Exec, driver.Stream) error { c.r.n++; return nil }

// Host memory that grows is in no graph, so none is thrown away.
func TestGraphsOutliveHostMemory(t *testing.T) {
	src := graph.Source{Key: rng.NewKey(1), Count: 8}
	w := newTwin(t, open(t, sim.Driver(sim.Config{}), Config{Chunk: 24}), smallest(t, tinyGrid, false))
	before := graphsAfter(t, w, src, 3)
	require.Positive(t, before)
	p := w.program.(*program)
	require.NoError(t, p.run(func() { p.failure = p.mem.pin(&p.pin.evalOut, 1<<16) }))
	require.Equal(t, before, graphsAfter(t, w, src, 1))
}

// Page-locked memory is the host's: its shortage is no batch too large for the card, and the device goes on.
func TestHostMemoryIsShort(t *testing.T) {
	drv := &brittle{only: "AllocHost", err: &driver.Error{Code: driver.OutOfMemory, Name: "CUDA_ERROR_OUT_OF_MEMORY", Call: "cuMemHostAlloc"}}
	dev := open(t, drv, Config{Chunk: 24})
	p, err := dev.Compile(smallest(t, tinyGrid, false))
	require.NoError(t, err)
	params, err := dev.Alloc(p.(*program).plan.Params.Len())
	require.NoError(t, err)
	drv.at = len(drv.calls) + 1
	_, err = p.Rollout(params, graph.Source{Count: 8}, nil)
	require.ErrorIs(t, err, errHostMemory)
	require.ErrorContains(t, err, "bytes: ")
	var card *MemoryError
	require.False(t, errors.As(err, &card), "%v", err)
	_, err = dev.Alloc(4)
	require.NoError(t, err)
}

// More lanes than a grid is high are an error of the caller's; the device goes on.
func TestMoreLanesThanAGridHas(t *testing.T) {
	dev := open(t, sim.Driver(sim.Config{}), Config{})
	w := newTwin(t, dev, smallest(t, tinyGrid, false))
	err := w.run(graph.Source{Count: mostLanes + 1, Lanes: mostLanes + 1}, nil).Err
	require.EqualError(t, err, "cuda: a batch of 65536 trajectories in 65536 lanes")
	require.NoError(t, w.run(graph.Source{Count: 4}, nil).Err)
}

// The kernels are for Volta and later; an older card is named and not asked to compile them.
func TestAnOldCard(t *testing.T) {
	_, err := New(oldCard{sim.Driver(sim.Config{})}, Config{})
	require.ErrorIs(t, err, driver.ErrNoDevice)
	require.ErrorContains(t, err, "GeForce GTX 1080 is sm_61, the kernels need sm_70")
}

type oldCard struct{ driver.Driver }

func (oldCard) Devices() ([]driver.Info, error) {
	return []driver.Info{{Name: "GeForce GTX 1080", Major: 6, Minor: 1}}, nil
}

// Parameters may be updated before there is any batch, often enough for the update to be a graph.
func TestUpdateBeforeABatch(t *testing.T) {
	dev, err := New(sim.Driver(sim.Config{}), Config{Chunk: 24})
	require.NoError(t, err)
	defer dev.Close()
	w := newTwin(t, dev, smallest(t, tinyGrid, false))
	for range 3 {
		require.NoError(t, w.program.Update(w.params, w.grads, nil, graph.Rule{Kind: graph.SGD}, graph.Scalars{Rates: make([]float32, len(w.plan.Params.Groups()))}))
	}
}
