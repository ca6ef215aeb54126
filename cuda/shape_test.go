package cuda

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/sim"
	"github.com/sluice-ml/sluice/graph"
)

// This file is how much memory a batch gets.

// lengthening is a driver that runs nothing and says of all trajectories that they are as long as it wants.
type lengthening struct {
	replays
	length int32
}

const lengtheningBatch = 512

func (l *lengthening) Open(device int) (driver.Context, error) {
	ctx, err := l.replays.Open(device)
	return lengtheningContext{ctx.(replaysContext), l}, err
}

type lengtheningContext struct {
	replaysContext
	l *lengthening
}

func (c lengtheningContext) ToHost(dst []byte, _ driver.Ptr, _ driver.Stream) error {
	clear(dst)
	if len(dst) == 4*lengtheningBatch {
		for i := range lengtheningBatch {
			*(*int32)(unsafe.Pointer(&dst[4*i])) = c.l.length
		}
	}
	return nil
}

// Batches each of which is a little longer than the last move their arrays now and then only, so most are replayed from graphs.
func TestBatchesThatLengthen(t *testing.T) {
	plan := small(t, graph.Moves{Kind: graph.Increment, Registers: 1, Values: 200, Stop: graph.StopAnywhere}, false, 8)
	drv := &lengthening{}
	dev := open(t, drv, Config{Chunk: 1 << 15})
	compiled, err := dev.Compile(plan)
	require.NoError(t, err)
	var buffers [2]graph.Buffer
	for i := range buffers {
		buffers[i], err = dev.Alloc(plan.Params.Len())
		require.NoError(t, err)
	}
	p := compiled.(*program)
	moved, replayed := 0, 0
	const first, last = 64, 96 // steps: of 256 trajectories a lane, 256 rows more each time
	for drv.length = first; drv.length < last; drv.length++ {
		before := p.mem.moved
		drv.n = 0
		_, err := p.Rollout(buffers[0], graph.Source{Count: lengtheningBatch, Lanes: 2}, nil)
		require.NoError(t, err)
		require.GreaterOrEqual(t, p.cap, int(drv.length)*lengtheningBatch/2)
		p.Reward(make([]float32, lengtheningBatch))
		require.NoError(t, p.Close(buffers[0]))
		require.NoError(t, p.Backward(buffers[0], buffers[1]))
		moved += int(bit(p.mem.moved != before))
		replayed += int(bit(drv.n > 0))
	}
	require.LessOrEqual(t, moved, 6, "of 32 batches; an eighth more each time is 4 times to half as much again")
	require.GreaterOrEqual(t, replayed, 20)
	for drv.length = 190; drv.length < 192; drv.length++ {
		_, err = p.Rollout(buffers[0], graph.Source{Count: lengtheningBatch, Lanes: 2}, nil)
		require.NoError(t, err)
	}
	require.Equal(t, blocks(p.most()), p.cap, "no more than there can be")
}

// lists are given trajectories of so many steps each on longGrid, which stop then.
func lists(count, steps int) (src graph.Source) {
	src.Count, src.Lanes = count, 1
	for range count {
		src.Given = append(src.Given, append(make([]int32, steps-1), 1))
	}
	return src
}

// heldBy is the bytes of the card that a whole iteration takes on a device of its own, and the iteration.
func heldBy(t *testing.T, plan *graph.Plan, cfg Config, src graph.Source) (int64, iteration) {
	t.Helper()
	books := &ledger{Driver: sim.Driver(sim.Config{})}
	w := newTwin(t, open(t, books, cfg), plan)
	it := w.run(src, nil)
	require.NoError(t, it.Err)
	return books.bytes(), it
}

// Of rows, arrays that grow again make room for more than are needed, unless the card or the budget holds exactly those.
func TestExactlyEnough(t *testing.T) {
	plan := small(t, longGrid, false, 8)
	short, long := lists(64, 40), lists(64, 44) // 11 blocks of rows with what an end needs, 12
	cfg := Config{Chunk: 512}
	enough, want := heldBy(t, plan, cfg, long)
	for _, c := range []struct {
		name   string
		memory int64 // of the card
		budget bool
		blocks int
	}{{"room", 0, false, 13}, {"a full card", enough, false, 12}, {"a budget", 0, true, 12}} {
		t.Run(c.name, func(t *testing.T) {
			cfg := cfg
			if c.budget {
				cfg.Memory = int64(4*(plan.GradLen+512*plan.ScratchCols) + 12*graph.BlockRows*plan.BytesPerRow())
			}
			w := newTwin(t, open(t, sim.Driver(sim.Config{Memory: c.memory}), cfg), plan)
			require.NoError(t, w.run(short, nil).Err)
			require.Equal(t, want, w.run(long, nil))
			p := w.program.(*program)
			require.Equal(t, c.blocks*graph.BlockRows, p.held.rows)
			require.True(t, p.held.saving, "Saved values are kept where they fit")
		})
	}
	require.Equal(t, newTwin(t, cpu.New(cpu.Config{}), plan).run(long, nil), want)
}

// Lists that are given count like all memory of a batch: where they do not fit beside Saved values those are dropped, and where they do not
// fit at all the error says which batch does.
func TestGivenListsOnAFullCard(t *testing.T) {
	plan := small(t, longGrid, false, 8)
	src, cfg := lists(64, 50), Config{Chunk: 512}
	enough, want := heldBy(t, plan, cfg, src)
	w := newTwin(t, open(t, sim.Driver(sim.Config{Memory: enough - 4}), cfg), plan)
	got := w.run(src, nil)
	require.NoError(t, got.Err)
	require.Equal(t, want, got)
	require.False(t, w.program.(*program).held.saving)

	least, again := heldBy(t, plan, Config{Chunk: 512, Memory: 1}, src)
	require.Equal(t, want, again)
	require.Less(t, least, enough)
	w = newTwin(t, open(t, sim.Driver(sim.Config{Memory: least - 4}), cfg), plan)
	err := w.run(src, nil).Err
	var short *MemoryError
	require.ErrorAs(t, err, &short)
	require.Equal(t, 64, short.Batch)
	require.Greater(t, short.Fits, 32)
	require.NoError(t, w.run(graph.Source{Count: short.Fits, Lanes: 1, Given: src.Given[:short.Fits]}, nil).Err)
}
