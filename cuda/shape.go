package cuda

import (
	"errors"
	"fmt"
	"math"
	"sort"

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
	classes, table                                                        array // of the Plan's Reward

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

// mostLanes is how high a grid may be.
const mostLanes = 65535

// cut cuts the batch into lanes.
func (p *program) cut(src graph.Source) error {
	lanes := src.Lanes
	if lanes == 0 {
		lanes = graph.Lanes(src.Count, p.plan.Params.Len())
	}
	if src.Count < 1 || lanes < 1 || lanes > src.Count || lanes > mostLanes {
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
		m.pin(&p.pin.draw, 8), m.pin(&p.pin.rates, 2*len(p.groups)+2), m.pin(&p.pin.number, 3),
		m.pin(&p.pin.evalIn, pl.World.Ints*e+16),
		p.holdScore(),
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
	e := &MemoryError{Batch: p.count, Bytes: p.bytes(want), Err: err}
	p.mem.free() // half a batch's memory is of no use
	p.held, p.pin = holdings{saving: p.held.saving}, pages{}
	if err := p.reserveFixed(); err != nil {
		return errors.Join(e, err)
	}
	var infoErr error
	if e.Free, _, infoErr = p.o.ctx.MemInfo(); infoErr != nil {
		return errors.Join(e, infoErr)
	}
	e.Fits = p.fits(e.Free/16*15, (want+p.slots-1)/p.slots) // the driver rounds up, and others ask for memory, too
	return e
}

// fits is the largest batch below this one that bytes of memory hold, with so many rows a trajectory, and the first of the lists given.
func (p *program) fits(bytes int64, rows int) int {
	q := *p // of which only the shape is used
	return sort.Search(p.count-1, func(i int) bool {
		src := p.src
		src.Count, src.Lanes, src.Given = i+1, min(src.Lanes, i+1), nil
		return q.cut(src) != nil || q.bytes(q.slots*rows) > bytes
	})
}

// bytes is what a batch of p's shape needs beside what is there whatever the batch.
func (p *program) bytes(want int) (n int64) {
	for _, r := range p.rooms(blocks(want) * p.lanes) {
		n += 4 * int64(r.n)
	}
	return n
}

// blocks is rows by whole blocks.
func blocks(rows int) int { return (rows + graph.BlockRows - 1) / graph.BlockRows * graph.BlockRows }

func (p *program) dropSaved() {
	p.mem.drop(&p.held.saved)
	p.held.saving = false
}

// room is an array and the words a batch wants of it.
type room struct {
	a    *array
	n    int
	zero bool // filled once: it is downloaded whole, or added up, also where nothing has been written
}

// rooms are the arrays that grow with a batch, with rows rows of all lanes together.
func (p *program) rooms(rows int) [37]room {
	h, pl, s := &p.held, p.plan, &p.plan.World
	live, fw, bw := p.lanes*p.slots, max(1, graph.Words(s.Actions)), max(1, graph.Words(s.Back))
	saved, again, grads := rows*pl.SavedCols, 0, 0
	if !h.saving {
		saved, again = 0, p.lanes*p.span*pl.SavedCols
	}
	if pl.Loss.Class != graph.None {
		grads = p.lanes * pl.GradLen
	}
	actions, lists := p.listWords()
	fast := p.o.blas != nil // which multiplies rows that a lane has not, too
	return [...]room{
		{&h.feat, rows * s.Active, false}, {&h.mask, rows * fw, false}, {&h.bmask, rows * bw, false}, {&h.action, rows, false},
		{&h.undo, rows, false}, {&h.traj, rows, false}, {&h.next, rows, false}, {&h.prev, rows, false}, {&h.role, rows, false},
		{&h.logPB, rows, false}, {&h.kept, rows * pl.KeptCols, false}, {&h.saved, saved, fast}, {&h.again, again, fast},
		{&h.scratch, p.lanes * p.span * pl.ScratchCols, fast}, {&h.grads, grads, true},
		{&h.live, live, true}, {&h.lastRow, live, false}, {&h.lastUndo, live, false}, {&h.ending, live, false}, {&h.state, live * s.Ints, true},
		{&h.nextB, live * bw, false}, {&h.nextF, live * fw, false}, {&h.moved, live, true}, {&h.terminal, live, false},
		{&h.counters, counts * p.lanes, false}, {&h.counters2, counts * p.lanes, false}, {&h.faultState, p.lanes * s.Ints, false},
		{&h.first, p.count, false}, {&h.last, p.count, false}, {&h.length, p.count, true}, {&h.terminals, p.count * s.Ints, true},
		{&h.logR, p.count, false}, {&h.trajs, p.count * pl.TrajCols, false}, {&h.tree, p.count, false},
		{&h.given, actions, false}, {&h.givenAt, lists, false}, {&h.givenLen, lists, false},
	}
}

// tryReserve makes room for want rows a lane, and for more where the arrays have held rows before: batches whose longest lane lengthens a
// little each time would else move all arrays, and throw all graphs away, each time.
func (p *program) tryReserve(want int) error {
	rows := p.held.rows
	if want = blocks(want); rows/p.lanes/graph.BlockRows*graph.BlockRows < want {
		more := blocks(min(p.most(), rows/p.lanes*9/8)) * p.lanes
		rows = want * p.lanes
		if more > rows && !p.tooMany(more) && !p.overBudget(more) {
			err := p.hold(more)
			if !errors.Is(err, driver.ErrOutOfMemory) {
				return err
			}
			p.trim(more, rows)
		}
	}
	if !p.tooMany(rows) && p.overBudget(rows) {
		p.dropSaved()
	}
	return p.hold(rows)
}

// overBudget reports whether Saved values of so many rows are held but are more than Config.Memory allows.
func (p *program) overBudget(rows int) bool {
	fixed := int64(4*p.lanes) * int64(p.plan.GradLen+p.span*p.plan.ScratchCols)
	budget := p.dev.cfg.Memory
	return budget > 0 && p.held.saving && fixed+int64(rows)*int64(p.plan.BytesPerRow()) > budget
}

// tooMany reports whether an index into a row array would be more than a 32-bit number.
func (p *program) tooMany(rows int) bool {
	s := &p.plan.World
	return rows > math.MaxInt32/max(1, s.Active, graph.Words(s.Actions), graph.Words(s.Back))
}

// trim gives back what an attempt at more rows than exact has got hold of. What does not depend on rows stays: lists may have been drawn
// into it.
func (p *program) trim(more, exact int) {
	least := p.rooms(exact)
	for i, r := range p.rooms(more) {
		if r.n > least[i].n && r.a.bytes > int64(4*least[i].n) {
			p.mem.drop(r.a)
		}
	}
}

// hold makes room for rows of all lanes together, and for what else the batch needs.
func (p *program) hold(rows int) error {
	m, s := p.mem, &p.plan.World
	if p.tooMany(rows) {
		return fmt.Errorf("cuda: %d rows of %d features are more than a 32-bit number counts", rows, s.Active)
	}
	for _, r := range p.rooms(rows) {
		if err := m.grow(r.a, r.n, r.zero); err != nil {
			return err
		}
	}
	p.held.rows, p.cap = rows, rows/p.lanes/graph.BlockRows*graph.BlockRows
	return errors.Join(
		m.pin(&p.pin.terminal, p.count*s.Ints), m.pin(&p.pin.length, p.count), m.pin(&p.pin.logR, p.count),
		m.pin(&p.pin.counters, counts*p.lanes), m.pin(&p.pin.counters2, counts*p.lanes),
	)
}
