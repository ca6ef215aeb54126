package graph

import (
	"errors"
	"fmt"
	"slices"
)

// This file is the laws of a Plan; every Plan that Lower returns was held against them.

// check walks the entries in the order they run and reports the first instruction that reads what was not written or was
// overwritten since, writes outside its classes or the Plan's sizes, or breaks the order sampling needs.
func (p *Plan) check() error {
	c := &checker{p: p, owner: map[Class][]Ref{Kept: make([]Ref, p.KeptCols), Saved: make([]Ref, p.SavedCols),
		Scratch: make([]Ref, p.ScratchCols), Traj: make([]Ref, p.TrajCols), Scalar: make([]Ref, p.Scalars)}}
	if err := c.entry("Step", p.Step, []Class{Kept, Saved, Scratch}, []Class{Param, Kept, Saved, Scratch}); err != nil {
		return err
	}
	if c.samples != 1 {
		return fmt.Errorf("step has %d sample instructions", c.samples)
	}
	for _, h := range p.Heads {
		if err := c.read(h.Ref, []Class{Kept, Saved, Scratch}); err != nil {
			return fmt.Errorf("head %s: %w", h.Name, err)
		}
	}
	written := slices.Clone(c.owner[Saved])
	clear(c.owner[Scratch])
	if err := c.entry("Close", p.Close, []Class{Kept, Traj, Scalar, Grad}, []Class{Param, Kept, RowData, Traj, TrajData, Scalar}); err != nil {
		return err
	}
	for _, o := range p.Outputs {
		if err := c.read(o.Ref, []Class{Traj, TrajData, Scalar}); err != nil {
			return fmt.Errorf("output %s: %w", o.Name, err)
		}
	}
	if p.Loss.Class != None {
		if err := c.read(p.Loss, []Class{Scalar}); err != nil {
			return fmt.Errorf("loss: %w", err)
		}
	}
	c.back = true
	if err := c.entry("Backward", p.Backward, []Class{Scratch, Grad}, []Class{Param, Kept, Saved, Scratch}); err != nil {
		return err
	}
	for i, r := range written {
		if r.Class == Saved && !c.savedRead[r] || r.Class == None {
			return fmt.Errorf("saved column %d is written by no Step instruction or read by no Backward one", i)
		}
	}
	return c.grads()
}

type checker struct {
	p         *Plan
	owner     map[Class][]Ref // what each column holds
	grad      []Range         // what Close and Backward write of Grad
	savedRead map[Ref]bool
	back      bool // in Backward
	samples   int
}

func (c *checker) entry(name string, list []Instr, out, in []Class) error {
	for i := range list {
		if err := c.instr(&list[i], out, in); err != nil {
			return fmt.Errorf("%s, instruction %d, %v: %w", name, i, list[i].Op, err)
		}
	}
	return nil
}

func (c *checker) instr(in *Instr, out, from []Class) error {
	if in.N < 1 || in.K < 0 {
		return fmt.Errorf("widths %d, %d", in.K, in.N)
	}
	switch {
	case in.Op == OpSample:
		c.samples++
		return c.read(in.A, from)
	case in.Op == OpLogProb && in.Forward && c.samples == 0:
		return errors.New("reads the action before sample")
	}
	grads := in.Op == OpLinearGrad || in.Op == OpGatherGrad
	for i, r := range []Ref{in.A, in.B, in.C} {
		if r.Class == None || grads && i == 2 {
			continue
		}
		if err := c.read(r, from); err != nil {
			return fmt.Errorf("%c: %w", 'A'+i, err)
		}
		if overlap(r, in.Out) {
			return fmt.Errorf("%c: reads %v, which it writes", 'A'+i, r)
		}
	}
	if in.Acc {
		if err := c.read(in.Out, from); err != nil {
			return fmt.Errorf("continues: %w", err)
		}
	}
	if grads {
		if err := c.write(in.C, out); err != nil {
			return fmt.Errorf("bias operand C: %w", err)
		}
	}
	want := in.N
	switch in.Op {
	case OpLinearBack:
		want = in.K
	case OpLinearGrad, OpGatherGrad:
		want = in.K * in.N
	case OpLogProb:
		want = 1
	}
	if in.Out.Cols != want {
		return fmt.Errorf("writes %d columns, not %d", in.Out.Cols, want)
	}
	return c.write(in.Out, out)
}

func overlap(a, b Ref) bool {
	return a.Class == b.Class && a.Class != Param && a.Off < b.Off+b.Cols && b.Off < a.Off+a.Cols
}

func (c *checker) read(r Ref, from []Class) error {
	if !slices.Contains(from, r.Class) || r.Cols < 1 || r.Off < 0 {
		return fmt.Errorf("cannot read %v", r)
	}
	switch r.Class {
	case Param:
		if r.Off+r.Cols > c.p.Params.Len() {
			return fmt.Errorf("%v is beyond the parameters", r)
		}
		return nil
	case RowData, TrajData:
		return nil
	}
	held := c.owner[r.Class]
	if r.Off+r.Cols > len(held) {
		return fmt.Errorf("%v is beyond %d columns", r, len(held))
	}
	for _, o := range held[r.Off : r.Off+r.Cols] {
		if o != r {
			return fmt.Errorf("%v is read where %v was written last", r, o)
		}
	}
	if c.back && r.Class == Saved {
		if c.savedRead == nil {
			c.savedRead = map[Ref]bool{}
		}
		c.savedRead[r] = true
	}
	return nil
}

func (c *checker) write(r Ref, to []Class) error {
	if !slices.Contains(to, r.Class) || r.Cols < 1 || r.Off < 0 {
		return fmt.Errorf("cannot write %v", r)
	}
	if r.Class == Grad {
		if r.Off+r.Cols > c.p.GradLen {
			return fmt.Errorf("%v is beyond the gradient's %d floats", r, c.p.GradLen)
		}
		for _, g := range c.grad {
			if r.Off < g.Off+g.Len && g.Off < r.Off+r.Cols {
				return fmt.Errorf("%v has two sums in one place", r)
			}
		}
		c.grad = append(c.grad, Range{r.Off, r.Cols})
		return nil
	}
	held := c.owner[r.Class]
	if r.Off+r.Cols > len(held) {
		return fmt.Errorf("%v is beyond %d columns", r, len(held))
	}
	for i := range r.Cols {
		held[r.Off+i] = r
	}
	return nil
}

// grads says that every parameter has a gradient, each range in one of the two lists, and that folds join what was summed.
func (c *checker) grads() error {
	p := c.p
	if p.Loss.Class == None {
		if len(c.grad)+len(p.Folds)+len(p.LaneGrads)+len(p.CloseGrads) > 0 {
			return errors.New("gradients without a loss")
		}
		return nil
	}
	want := slices.Concat(p.LaneGrads, p.CloseGrads)
	if len(want) != len(p.Params) {
		return fmt.Errorf("%d gradients of %d parameters", len(want), len(p.Params))
	}
	for _, f := range p.Folds {
		if f.Src < p.Params.Len() || !slices.Contains(p.LaneGrads, Range{f.Dst, f.Len}) {
			return fmt.Errorf("fold %v", f)
		}
		want = append(want, Range{f.Src, f.Len})
	}
	for _, r := range want {
		if !slices.Contains(c.grad, r) {
			return fmt.Errorf("no instruction sums gradient %v", r)
		}
	}
	if len(want) != len(c.grad) {
		return fmt.Errorf("%d gradient sums, %d wanted", len(c.grad), len(want))
	}
	return nil
}
