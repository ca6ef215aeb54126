package cpu

import (
	"github.com/sluice-ml/sluice/f32"
	"github.com/sluice-ml/sluice/graph"
)

// This file is the Close entry: everything that crosses rows or trajectories, instruction by instruction over the whole batch.

func (p *program[T]) Close(params graph.Buffer) error {
	p.params = params.(*buffer[T]).x
	for i := range p.plan.Close {
		in := &p.plan.Close[i]
		switch {
		case in.Op >= graph.OpAdd && in.Op <= graph.OpConst && in.Space == graph.PerRow:
			for k := range p.active {
				l := &p.lanes[k]
				for row := 0; row < l.rows; row += graph.BlockRows {
					sp := span[T]{l: l, row: row, n: min(graph.BlockRows, l.rows-row)}
					p.elementwise(nil, &sp, in)
				}
			}
		case in.Op >= graph.OpAdd && in.Op <= graph.OpConst:
			out := p.joint(in.Out)
			a, b := out, out
			if in.A.Class != graph.None {
				a = p.joint(in.A)
			}
			if in.B.Class != graph.None {
				b = p.joint(in.B)
			}
			elements(in, out, a, b)
		default:
			p.across(in)
		}
	}
	return nil
}

// loss is the last Close's.
func (p *program[T]) loss() T {
	if p.plan.Loss.Class == graph.None {
		return 0
	}
	return p.scalars[p.plan.Loss.Off]
}

// joint is an operand with one float a trajectory, or one float.
func (p *program[T]) joint(r graph.Ref) []T {
	switch r.Class {
	case graph.Traj:
		return p.traj[r.Off][:p.src.Count]
	case graph.TrajData:
		return p.logR[:p.src.Count]
	case graph.Scalar:
		return p.scalars[r.Off : r.Off+1]
	case graph.Param:
		return p.params[r.Off : r.Off+1]
	case graph.Grad:
		return p.closeGrads[r.Off : r.Off+1]
	}
	panic(badClass)
}

// rowsOf is a row operand's whole column in a lane.
func (l *lane[T]) rowsOf(r graph.Ref) []T {
	switch r.Class {
	case graph.Kept:
		return l.kept[r.Off][:l.rows]
	case graph.RowData:
		return l.logPB[:l.rows]
	}
	panic(badClass)
}

// across runs the instructions that cross rows or trajectories.
func (p *program[T]) across(in *graph.Instr) {
	switch in.Op {
	case graph.OpSumT, graph.OpLast, graph.OpFirst:
		out := p.joint(in.Out)
		for k := range p.active {
			l := &p.lanes[k]
			x := l.rowsOf(in.A)
			for t := l.first; t < l.first+l.count; t++ {
				switch in.Op {
				case graph.OpSumT:
					out[t] = l.sum(x, p.first[t])
				case graph.OpLast:
					out[t] = x[p.last[t]]
				default:
					out[t] = x[p.first[t]]
				}
			}
		}
	case graph.OpSpread:
		v := p.joint(in.A)[0]
		for i := range p.joint(in.Out) {
			p.joint(in.Out)[i] = v
		}
	case graph.OpSum:
		p.joint(in.Out)[0] = p.sumTree(p.joint(in.A))
	case graph.OpMean:
		p.joint(in.Out)[0] = p.sumTree(p.joint(in.A)) / T(p.src.Count)
	case graph.OpMeanBack:
		v := p.joint(in.A)[0] / T(p.src.Count)
		for i := range p.joint(in.Out) {
			p.joint(in.Out)[i] = v
		}
	case graph.OpDivSteps:
		p.joint(in.Out)[0] = p.joint(in.A)[0] / T(p.steps)
	case graph.OpVariance:
		x := p.joint(in.A)
		m := p.sumTree(x) / T(p.src.Count)
		for i, v := range x {
			d := v - m
			p.tree[i] = d * d
		}
		p.joint(in.Out)[0] = f32.Tree(p.tree[:len(x)]) / T(p.src.Count)
	case graph.OpVarianceBack:
		x, out := p.joint(in.A), p.joint(in.Out)
		m := p.sumTree(x) / T(p.src.Count)
		c := T(2) / T(p.src.Count) * p.joint(in.B)[0]
		for i, v := range x {
			out[i] = c * (v - m)
		}
	default:
		for k := range p.active {
			p.lanes[k].move(p, in)
		}
	}
}

// sumTree is the pairwise tree of x, which it leaves as it is.
func (p *program[T]) sumTree(x []T) T {
	copy(p.tree, x)
	return f32.Tree(p.tree[:len(x)])
}

// sum adds x over a trajectory's steps in order, compensated.
func (l *lane[T]) sum(x []T, first int32) T {
	var s f32.Sum[T]
	for r := first; r >= 0 && l.role[r] != graph.End; r = l.next[r] {
		s.Add(x[r])
	}
	return s.Value()
}

// move runs the instructions that carry values between rows, or from trajectories to rows.
func (l *lane[T]) move(p *program[T], in *graph.Instr) {
	out := l.rowsOf(in.Out)
	var x, joint []T
	switch in.Op {
	case graph.OpSpreadT, graph.OpFirstBack:
		joint = p.joint(in.A)
	case graph.OpNextFlow:
		x, joint = l.rowsOf(in.A), p.joint(in.B)
	default:
		x = l.rowsOf(in.A)
	}
	for r := range out {
		v := T(0)
		switch in.Op {
		case graph.OpSpreadT:
			if l.role[r] != graph.End {
				v = joint[l.traj[r]]
			}
		case graph.OpFirstBack:
			if l.prev[r] < 0 {
				v = joint[l.traj[r]]
			}
		case graph.OpNext:
			if n := l.next[r]; n >= 0 {
				v = x[n]
			}
		case graph.OpNextBack:
			if n := l.prev[r]; n >= 0 {
				v = x[n]
			}
		case graph.OpNextFlow:
			switch l.role[r] {
			case graph.Move:
				v = x[l.next[r]]
			case graph.Last:
				v = joint[l.traj[r]]
			}
		case graph.OpNextFlowBack:
			if n := l.prev[r]; n >= 0 && l.role[n] == graph.Move {
				v = x[n]
			}
		default:
			panic(badOp)
		}
		out[r] = v
	}
}
