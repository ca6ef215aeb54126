package cpu

import (
	"github.com/sluice-ml/sluice/f32"
	"github.com/sluice-ml/sluice/graph"
)

// lane holds trajectories [first, first+count) of a batch and their rows in append order: step-major, live trajectories in index
// order. Row arrays grow by whole blocks and are kept from batch to batch, so outside growth a step allocates nothing.
type lane[T f32.Float] struct {
	first, count int
	rows, steps  int // rows appended; rows that are steps (not of role end)
	room         int // rows the arrays hold

	feat        []int32  // [rows, Active]
	mask, bmask []uint32 // [rows, Words]
	action      []int32  // forward action taken; -1 on end rows
	undo        []int32  // backward action that leads to the row before; -1 on first rows
	traj        []int32  // trajectory, counted in the batch
	next, prev  []int32  // row in the lane, -1 for none
	role        []int32
	logPB       []T     // uniform log P_B of the step leaving the row
	kept        [][]T   // by first column; Cols floats a row
	saved       [][]T   // blocks of BlockRows rows
	savedLimit  int     // most blocks in saved; rows beyond are recomputed
	grads       []T     // GradLen
	failure     error   // of this rollout
	live        []int32 // trajectories not ended, counted in the batch
	lastRow     []int32 // per live trajectory: its newest row
	lastUndo    []int32
	ending      []bool   // per live trajectory: only its end row is left
	state       []int32  // [live, Ints]
	nextB       []uint32 // [live, Words(Back)]: backward masks of state
	moved       []int32  // actions handed to the world
	terminal    []bool
}

// reserve makes room for n more rows.
func (l *lane[T]) reserve(n int, s *graph.Shape, keptCols []int, savedCols int) {
	if l.rows+n > l.room {
		room := max(l.rows+n, l.room+l.room/2)
		room = (room + graph.BlockRows - 1) / graph.BlockRows * graph.BlockRows
		l.feat = grown(l.feat, room*s.Active)
		l.mask = grown(l.mask, room*graph.Words(s.Actions))
		l.bmask = grown(l.bmask, room*graph.Words(s.Back))
		for _, a := range []*[]int32{&l.action, &l.undo, &l.traj, &l.next, &l.prev, &l.role} {
			*a = grown(*a, room)
		}
		l.logPB = grown(l.logPB, room)
		if l.kept == nil {
			l.kept = make([][]T, len(keptCols))
		}
		for c, w := range keptCols {
			l.kept[c] = grown(l.kept[c], room*w)
		}
		l.room = room
	}
	for len(l.saved) < min(l.room/graph.BlockRows, l.savedLimit) {
		l.saved = append(l.saved, make([]T, savedCols*graph.BlockRows))
	}
}

func grown[E any](x []E, n int) []E {
	if n <= len(x) {
		return x
	}
	y := make([]E, n)
	copy(y, x)
	return y
}

// begin empties the lane for trajectories [first, first+count).
func (l *lane[T]) begin(first, count int, s *graph.Shape) {
	l.first, l.count, l.rows, l.steps, l.failure = first, count, 0, 0, nil
	l.live = grown(l.live[:cap(l.live)], count)[:count]
	l.lastRow = grown(l.lastRow[:cap(l.lastRow)], count)[:count]
	l.lastUndo = grown(l.lastUndo[:cap(l.lastUndo)], count)[:count]
	l.ending = grown(l.ending[:cap(l.ending)], count)[:count]
	l.state = grown(l.state, count*s.Ints)
	l.nextB = grown(l.nextB, count*graph.Words(s.Back))
	l.moved = grown(l.moved, count)
	l.terminal = grown(l.terminal, count)
	for i := range count {
		l.live[i], l.lastRow[i], l.lastUndo[i], l.ending[i] = int32(first+i), -1, -1, false
	}
}

// span is the block of rows [row, row+n) of a lane: what one instruction works on. rows of Saved start at savedRow of saved.
type span[T f32.Float] struct {
	l        *lane[T]
	row, n   int
	saved    []T
	savedRow int
}

// at is the block's part of operand r and the floats from one row to the next.
func (p *program[T]) at(w *worker[T], s *span[T], r graph.Ref) ([]T, int) {
	switch r.Class {
	case graph.Saved:
		return s.saved[r.Off*graph.BlockRows+s.savedRow*r.Cols:], r.Cols
	case graph.Scratch:
		return w.scratch[r.Off*graph.BlockRows:], r.Cols
	case graph.Kept:
		return s.l.kept[r.Off][s.row*r.Cols:], r.Cols
	case graph.RowData:
		return s.l.logPB[s.row:], 1
	case graph.Param:
		return p.params[r.Off:], r.Cols
	case graph.Grad:
		return s.l.grads[r.Off:], r.Cols
	}
	panic(badClass)
}

const badClass = "cpu: an operand of this class cannot stand here"
