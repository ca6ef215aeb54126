package graph

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// This file prints Plans for people.

// String lists the parameters, the instructions of each entry, and what a row costs. Operands are parameters by name, gradients
// as "d name", data by name, everything else as class@offset:columns.
func (p *Plan) String() string {
	var s strings.Builder
	t := tabwriter.NewWriter(&s, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "params\t%d floats\n", p.Params.Len())
	for _, q := range p.Params {
		fmt.Fprintf(t, "  %s\t%v\tat %d\tgroup %s\n", q.Name, q.Shape, q.Offset, q.Group)
	}
	for _, e := range []struct {
		name string
		list []Instr
	}{{"step", p.Step}, {"close", p.Close}, {"backward", p.Backward}} {
		fmt.Fprintf(t, "%s\n", e.name)
		for i := range e.list {
			p.line(t, &e.list[i])
		}
	}
	_ = t.Flush() // a strings.Builder takes everything
	for _, f := range p.Folds {
		fmt.Fprintf(&s, "fold      %s += grad@%d:%d\n", p.name(Ref{Grad, f.Dst, f.Len}), f.Src, f.Len)
	}
	for _, h := range p.Heads {
		fmt.Fprintf(&s, "head      %s = %s\n", h.Name, p.name(h.Ref))
	}
	for _, o := range p.Outputs {
		fmt.Fprintf(&s, "output    %s = %s\n", o.Name, p.name(o.Ref))
	}
	if p.Reward != nil {
		fmt.Fprintf(&s, "reward    %v of %d values, %d entries\n", p.Reward.Key, len(p.Reward.Class), len(p.Reward.LogR))
	}
	if p.Loss.Class != None {
		fmt.Fprintf(&s, "loss      %s\n", p.name(p.Loss))
	}
	fmt.Fprintf(&s, "a row     %d bytes: data %d, kept %d, saved %d\n",
		p.BytesPerRow(), p.World.RowDataBytes(), 4*p.KeptCols, 4*p.SavedCols)
	fmt.Fprintf(&s, "a block   %d scratch columns of %d rows\n", p.ScratchCols, BlockRows)
	fmt.Fprintf(&s, "a batch   %d floats a trajectory, %d scalars\n", p.TrajCols, p.Scalars)
	if p.Loss.Class != None {
		fmt.Fprintf(&s, "a lane    %d gradient floats\n", p.GradLen)
	}
	return s.String()
}

// line prints one instruction: op, widths, result, operands.
func (p *Plan) line(t *tabwriter.Writer, in *Instr) {
	name := in.Op.String()
	if in.Op == OpLogProb || in.Op == OpLogProbBack {
		name += map[bool]string{true: " forward", false: " backward"}[in.Forward]
	}
	if in.Act != Identity {
		name += " " + in.Act.String()
	}
	width := fmt.Sprint(in.N)
	if in.K > 0 {
		width = fmt.Sprintf("%dx%d", in.K, in.N)
	}
	var args []string
	if in.Op == OpScale || in.Op == OpConst {
		args = append(args, fmt.Sprintf("%g", in.Const))
	}
	operands := []Ref{in.A, in.B, in.C}
	out := p.name(in.Out)
	switch in.Op {
	case OpLinearGrad, OpGatherGrad:
		out, operands = out+", "+p.name(in.C), operands[:2]
	}
	for _, r := range operands {
		if r.Class != None {
			args = append(args, p.name(r))
		}
	}
	sign := "="
	if in.Acc || in.Op == OpLinearGrad || in.Op == OpGatherGrad {
		sign = "+="
	}
	fmt.Fprintf(t, "  %s\t%s\t%v\t%s\t%s %s\n", name, width, in.Space, out, sign, strings.Join(args, ", "))
}

// name spells an operand.
func (p *Plan) name(r Ref) string {
	switch r.Class {
	case None:
		return "-"
	case Param, Grad:
		for _, q := range p.Params {
			if q.Offset == r.Off {
				return map[Class]string{Param: "", Grad: "d "}[r.Class] + q.Name
			}
		}
	case RowData:
		return "log_pb_uniform"
	case TrajData:
		return "log_r"
	}
	return r.String()
}

func (r Ref) String() string { return fmt.Sprintf("%v@%d:%d", r.Class, r.Off, r.Cols) }
