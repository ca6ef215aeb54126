package graph

import "fmt"

// This file gives every value its place in memory.

// forever is the last use of what outlives its entry.
const forever = int(^uint(0) >> 1)

// firstFit hands out column ranges by first fit; a range is free again after its last use.
type firstFit struct {
	live []placed // by offset
	top  int
}

type placed struct{ off, n, last int }

// take finds n columns for a value written at instruction at and read last at last. A value that is read by the
// instruction that writes the new one is still live.
func (c *firstFit) take(n, at, last int) int {
	keep := c.live[:0]
	for _, p := range c.live {
		if p.last >= at {
			keep = append(keep, p)
		}
	}
	c.live = keep
	off, i := 0, 0
	for ; i < len(c.live) && c.live[i].off-off < n; i++ {
		off = c.live[i].off + c.live[i].n
	}
	c.live = append(c.live, placed{})
	copy(c.live[i+1:], c.live[i:])
	c.live[i] = placed{off, n, last}
	c.top = max(c.top, off+n)
	return off
}

// layout sets the Ref of every value of the three entries and the Plan's sizes.
func layout(p *Plan, step, closing, backward []*value) error {
	var kept, scratch firstFit
	for i, v := range step {
		across, back, last := false, false, i
		for _, u := range v.users {
			switch u.entry {
			case inClose:
				across = true
			case inBackward:
				back = true
			default:
				last = max(last, u.at)
			}
		}
		switch {
		case across && v.cols != 1:
			return fmt.Errorf("graph: Lower: %v of %d columns is read across rows", v.op, v.cols)
		case across:
			v.ref = Ref{Kept, kept.take(1, -1, forever), 1}
		case back:
			v.ref = Ref{Saved, p.SavedCols, v.cols}
			p.SavedCols += v.cols
		default:
			if v.head {
				last = forever
			}
			v.ref = Ref{Scratch, scratch.take(v.cols, i, last), v.cols}
		}
	}
	p.ScratchCols = scratch.top

	for i, v := range closing {
		if v.ref.Class == Grad {
			continue
		}
		switch v.space {
		case PerTraj:
			v.ref = Ref{Traj, p.TrajCols, 1}
			p.TrajCols++
		case PerBatch:
			v.ref = Ref{Scalar, p.Scalars, 1}
			p.Scalars++
		case PerRow:
			last := i
			for _, u := range v.users {
				if u.entry == inBackward {
					last = forever
				} else {
					last = max(last, u.at)
				}
			}
			v.ref = Ref{Kept, kept.take(1, i, last), 1}
		}
	}
	p.KeptCols = kept.top

	scratch = firstFit{}
	for i, v := range backward {
		if v.space == PerParam {
			continue
		}
		last := i
		for _, u := range v.users {
			last = max(last, u.at)
		}
		v.ref = Ref{Scratch, scratch.take(v.cols, i, last), v.cols}
	}
	p.ScratchCols = max(p.ScratchCols, scratch.top)
	return nil
}
