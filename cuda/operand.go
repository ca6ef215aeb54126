package cuda

import (
	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// This file says where an instruction's operands lie.

// view is some rows of every lane and the memory their values are in. A value of Kept or Saved of the whole batch is global, one that
// lives for a launch's rows is local; columns are grouped by value, so value (Off, Cols) of R rows begins at float Off*R.
type view struct {
	span      kernel.Span
	rows      kernel.Rows
	stride    int   // rows the arrays of Kept and, unless local, of Saved have: what a column costs
	local     int   // rows of all lanes that local arrays have
	longest   int32 // rows of one lane in a local array
	kept      uint64
	saved     uint64
	again     bool // Saved is local
	keptLocal bool
	scratch   uint64
}

// val is a row operand.
func (v *view) val(r graph.Ref) kernel.Val {
	global := func(base uint64) kernel.Val {
		return kernel.Val{P: base + uint64(4*r.Off*v.stride), LD: int32(r.Cols), Rows: v.span.Cap}
	}
	local := func(base uint64) kernel.Val {
		return kernel.Val{P: base + uint64(4*r.Off*v.local), LD: int32(r.Cols), Rows: v.longest, Local: 1}
	}
	switch r.Class {
	case graph.None:
		return kernel.Val{}
	case graph.Kept:
		if v.keptLocal {
			return local(v.kept)
		}
		return global(v.kept)
	case graph.Saved:
		if v.again {
			return local(v.saved)
		}
		return global(v.saved)
	case graph.Scratch:
		return local(v.scratch)
	case graph.RowData:
		return kernel.Val{P: v.rows.LogPB, LD: 1, Rows: v.span.Cap}
	}
	panic(badClass)
}

// rowsOf are the batch's row arrays.
func (p *program) rowsOf() kernel.Rows {
	h := &p.held
	return kernel.Rows{Feat: h.feat.u(0), Mask: h.mask.u(0), BMask: h.bmask.u(0), Action: h.action.u(0), Undo: h.undo.u(0),
		Traj: h.traj.u(0), Next: h.next.u(0), Prev: h.prev.u(0), Role: h.role.u(0), LogPB: h.logPB.u(0)}
}

// batch is a view of the batch without rows yet.
func (p *program) batch() view {
	h := &p.held
	v := view{rows: p.rowsOf(), stride: h.rows, local: p.lanes * p.span, longest: int32(p.span),
		kept: h.kept.u(0), saved: h.saved.u(0), scratch: h.scratch.u(0)}
	v.span = kernel.Span{To: h.counters.u(countRows * p.lanes), Cap: int32(p.cap), Lanes: int32(p.lanes)}
	if !h.saving {
		v.saved, v.again = h.again.u(0), true
	}
	return v
}

// newest is the rows of the step under way; counters is the block of counts of the lanes concerned.
func (p *program) newest(live *kernel.Live) view {
	v := p.batch()
	v.span.From, v.span.To, v.span.Len = live.From, live.Rows, int32(p.slots)
	return v
}

// piece is rows [i*piece, (i+1)*piece) of each lane.
func (p *program) pieceAt(i int) view {
	v := p.batch()
	v.span.Begin, v.span.Len = int32(i*p.piece), int32(p.piece)
	return v
}

// whole is all rows of each lane.
func (p *program) whole() view {
	v := p.batch()
	v.span.Len = int32(p.cap)
	return v
}

// joint is an operand with one float a trajectory, or one float.
func (p *program) joint(r graph.Ref) uint64 {
	h := &p.held
	switch r.Class {
	case graph.None:
		return 0
	case graph.Traj:
		return h.trajs.u(r.Off * p.count)
	case graph.TrajData:
		return h.logR.u(0)
	case graph.Scalar:
		return h.scalars.u(r.Off)
	case graph.Param:
		return p.param(r)
	case graph.Grad:
		return h.closeGrads.u(r.Off)
	}
	panic(badClass)
}

func (p *program) param(r graph.Ref) uint64 { return uint64(p.params) + uint64(4*r.Off) }

// grad is where lane 0 sums a parameter's gradient; the other lanes follow GradLen floats apart.
func (p *program) grad(r graph.Ref) uint64 {
	if r.Class == graph.None {
		return 0
	}
	return p.held.grads.u(r.Off)
}
