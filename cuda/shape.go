package cuda

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/graph"
)

// This file fixes, before a rollout, how much memory a batch has.

// shape is how a batch lies in memory.
type shape struct {
	lanes, count int
	slots        int // of trajectories in a lane: ceil(count/lanes)
	cap          int // rows a lane has room for
	span         int // rows of a lane in one launch, at most: what Scratch holds
	piece        int // rows of a lane in one launch over all rows
}

// holdings is a program's device memory. Row arrays have rows rows for all lanes together; a batch cuts them into its lanes.
type holdings struct {
	rows   int
	saving bool // Saved values of all rows are held; else each chunk's are computed again

	feat, mask, bmask, action, undo, traj, next, prev, role, logPB array
	kept, saved                                                    array // [columns][rows], see at

	live, lastRow, lastUndo, ending, state, nextB, nextF, moved, terminal array // [lanes*slots] each
	counters, counters2, faultState                                       array // see counts
	first, last, length, terminals, logR, trajs, tree                     array // [count] each
	given, givenAt, givenLen, draw, tally                                 array
	scalars, closeGrads, grads, norms, scale, rates                       array

	scratch, again     array // Scratch, and Saved values computed again: [columns][lanes*span]
	evalRows, evalFeat array // of Eval: Kept, Saved and Scratch; states, features and the count
}

// pages is a program's page-locked host memory.
type pages struct {
	terminal, length, logR    pinned // what Rollout returns and Reward takes
	counters, counters2       pinned
	draw, rates, number       pinned
	given, givenAt, givenLen  pinned
	action, next, role, first pinned // for Actions
	evalIn, evalOut           pinned
	state, undo, nextB, nextF pinned // for a host
	moved, live, ended        pinned
	faultText, output         pinned
}

// guess is how many steps a trajectory has at first; a batch that overflows runs again with twice the rows.
const guess = 16

// cut cuts the batch into lanes.
func (p *program) cut(src graph.Source) error {
	lanes := src.Lanes
	if lanes == 0 {
		lanes = graph.Lanes(src.Count, p.plan.Params.Len())
	}
	if src.Count < 1 || lanes < 1 || lanes > src.Count {
		return fmt.Errorf("cuda: a batch of %d trajectories in %d lanes", src.Count, lanes)
	}
	if src.Given != nil && len(src.Given) != src.Count {
		return fmt.Errorf("cuda: %d given trajectories in a batch of %d", len(src.Given), src.Count)
	}
	slots := (src.Count + lanes - 1) / lanes
	piece := max(4, p.dev.cfg.Chunk/lanes&^3)
	// Whole quads: then every value is aligned for 128-bit loads.
	p.shape = shape{lanes: lanes, count: src.Count, slots: slots, piece: piece, span: max((slots+3)&^3, piece)}
	return nil
}

// most is how many rows a lane can ever have.
func (p *program) most() int {
	steps := p.plan.World.Steps + 1 // an end row, or the row that shows the world to break its promise
	return p.slots * steps
}

// bytesPerRow is what a row costs.
func (p *program) bytesPerRow(saving bool) int {
	n := p.plan.World.RowDataBytes() + 4*p.plan.KeptCols
	if saving {
		n += 4 * p.plan.SavedCols
	}
	return n
}

// reserveFixed is what a Plan needs whatever the batch.
func (p *program) reserveFixed() error {
	h, m, pl := &p.held, p.mem, p.plan
	n := pl.Params.Len()
	e := p.evalSpan()
	h.saving = true
	return errors.Join(
		m.grow(&h.scalars, max(pl.Scalars, 1), true),
		m.grow(&h.closeGrads, max(n, 1), true),
		m.grow(&h.norms, n/normSpan+1, false),
		m.grow(&h.scale, 4, true),
		m.grow(&h.rates, 2*len(p.groups)+2, false),
		m.grow(&h.draw, 8, false),
		m.grow(&h.tally, 4, true),
		m.grow(&h.evalRows, max(1, (pl.KeptCols+pl.SavedCols+pl.ScratchCols)*e), false),
		m.grow(&h.evalFeat, (pl.World.Active+pl.World.Ints)*e+16, false),
		m.pin(&p.pin.draw, 8), m.pin(&p.pin.rates, 2*len(p.groups)+2), m.pin(&p.pin.number, 4),
		m.pin(&p.pin.evalIn, pl.World.Ints*e+16),
	)
}

// reserve makes room for the batch with at least want rows a lane, or says which batch would fit.
func (p *program) reserve(want int) error {
	err := p.tryReserve(want)
	if errors.Is(err, driver.ErrOutOfMemory) && p.held.saving && p.plan.SavedCols > 0 {
		p.dropSaved()
		err = p.tryReserve(want)
	}
	if !errors.Is(err, driver.ErrOutOfMemory) {
		return err
	}
	perTraj := int64(p.bytesPerRow(false)) * int64(want*p.lanes) / int64(p.count)
	fixed := int64(4*p.lanes) * int64(p.plan.GradLen+p.span*(p.plan.ScratchCols+p.plan.SavedCols))
	free, _, infoErr := p.o.ctx.MemInfo()
	if infoErr != nil {
		return errors.Join(err, infoErr)
	}
	e := &MemoryError{Batch: p.count, Bytes: fixed + perTraj*int64(p.count), Free: free, Err: err}
	p.mem.free() // half a batch's memory is of no use
	p.held, p.pin = holdings{saving: p.held.saving}, pages{}
	if free, _, infoErr = p.o.ctx.MemInfo(); infoErr == nil {
		e.Free = free
	}
	e.Fits = int(max(0, (e.Free-fixed)/max(perTraj, 1)))
	return errors.Join(e, p.reserveFixed())
}

func (p *program) dropSaved() {
	p.mem.drop(&p.held.saved)
	p.held.saving = false
}

func (p *program) tryReserve(want int) error {
	h, m, pl, s := &p.held, p.mem, p.plan, &p.plan.World
	want = (want + graph.BlockRows - 1) / graph.BlockRows * graph.BlockRows
	rows := h.rows
	if rows/p.lanes/graph.BlockRows*graph.BlockRows < want {
		rows = want * p.lanes
	}
	if rows > math.MaxInt32/max(1, s.Active, graph.Words(s.Actions), graph.Words(s.Back)) {
		return fmt.Errorf("cuda: %d rows of %d features are more than a 32-bit number counts", rows, s.Active)
	}
	if budget := p.dev.cfg.Memory; budget > 0 && h.saving {
		fixed := int64(4*p.lanes) * int64(pl.GradLen+p.span*pl.ScratchCols)
		if fixed+int64(rows)*int64(pl.BytesPerRow()) > budget {
			p.dropSaved()
		}
	}
	live, words := p.lanes*p.slots, func(n int) int { return max(1, graph.Words(n)) }
	type room struct {
		a *array
		n int
	}
	// These are downloaded whole, also where a lane has not written its part.
	partial := []*array{&h.length, &h.terminals, &h.state, &h.live, &h.moved}
	grown := []room{
		{&h.feat, rows * s.Active}, {&h.mask, rows * words(s.Actions)}, {&h.bmask, rows * words(s.Back)},
		{&h.action, rows}, {&h.undo, rows}, {&h.traj, rows}, {&h.next, rows}, {&h.prev, rows}, {&h.role, rows}, {&h.logPB, rows},
		{&h.kept, rows * pl.KeptCols},
		{&h.live, live}, {&h.lastRow, live}, {&h.lastUndo, live}, {&h.ending, live}, {&h.state, live * s.Ints},
		{&h.nextB, live * words(s.Back)}, {&h.nextF, live * words(s.Actions)}, {&h.moved, live}, {&h.terminal, live},
		{&h.faultState, p.lanes * s.Ints}, {&h.counters, 8 * p.lanes}, {&h.counters2, 8 * p.lanes},
		{&h.first, p.count}, {&h.last, p.count}, {&h.length, p.count}, {&h.terminals, p.count * s.Ints}, {&h.logR, p.count},
		{&h.trajs, p.count * pl.TrajCols}, {&h.tree, p.count},
		{&h.scratch, p.lanes * p.span * pl.ScratchCols},
	}
	if h.saving {
		grown = append(grown, room{&h.saved, rows * pl.SavedCols})
	} else {
		grown = append(grown, room{&h.again, p.lanes * p.span * pl.SavedCols})
	}
	for _, r := range grown {
		if err := m.grow(r.a, r.n, slices.Contains(partial, r.a)); err != nil {
			return err
		}
	}
	if pl.Loss.Class != graph.None { // what no instruction writes is 0 in every lane
		if err := m.grow(&h.grads, p.lanes*pl.GradLen, true); err != nil {
			return err
		}
	}
	h.rows, p.cap = rows, rows/p.lanes/graph.BlockRows*graph.BlockRows
	return errors.Join(
		m.pin(&p.pin.terminal, p.count*s.Ints), m.pin(&p.pin.length, p.count), m.pin(&p.pin.logR, p.count),
		m.pin(&p.pin.counters, 8*p.lanes), m.pin(&p.pin.counters2, 8*p.lanes),
	)
}
