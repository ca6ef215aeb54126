package kernel_test

import (
	"math/bits"

	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/f32"
	"github.com/sluice-ml/sluice/graph"
)

// model is what the rollout's kernels must do, lane by lane as cpu/rollout.go does it, in arrays laid out as the device's.
type model struct {
	world kernel.World
	moves graph.Moves
	given [][]int32

	lanes, batch, slots, cap int

	feat, action, undo, traj, next, prev, role []int32 // row data
	mask, bmask                                []uint32
	logPB                                      []float32
	first, last, length, terminal              []int32 // of trajectories
	lane                                       []lane
}

// lane is one lane's slots and counts.
type lane struct {
	live, lastRow, lastUndo []int32
	ending                  []bool
	state                   [][]int32
	from, rows, steps       int
	fault                   [4]int32
	faultState              []int32
}

func newModel(m graph.Moves, endRows bool, batch, lanes, cap int) *model {
	p := &model{moves: m, batch: batch, lanes: lanes, slots: (batch + lanes - 1) / lanes, cap: cap}
	stop, actions := -1, m.Forward()
	if m.Stop == graph.StopAnywhere {
		stop, actions = actions, actions+1
	}
	p.world = kernel.World{Ints: int32(m.Registers), Values: int32(m.Values), Active: int32(m.Registers), Actions: int32(actions), Stop: int32(stop),
		Back: int32(m.Backward()), Steps: int32(m.Steps()), FW: int32(graph.Words(actions)), BW: int32(graph.Words(m.Backward())),
		Kind: int32(m.Kind)}
	if endRows {
		p.world.EndRows = 1
	}
	n := lanes * cap
	for _, x := range []*[]int32{&p.action, &p.undo, &p.traj, &p.next, &p.prev, &p.role} {
		*x = make([]int32, n)
	}
	p.feat, p.mask, p.bmask = make([]int32, n*m.Registers), make([]uint32, n*int(p.world.FW)), make([]uint32, n*int(p.world.BW))
	p.logPB = make([]float32, n)
	p.first, p.last, p.length, p.terminal = make([]int32, batch), make([]int32, batch), make([]int32, batch), make([]int32, batch*m.Registers)
	for l := range lanes {
		var v lane
		v.fault = [4]int32{kernel.FaultNone, -1, -1, -1}
		v.faultState = make([]int32, m.Registers)
		for t := l * batch / lanes; t < (l+1)*batch/lanes; t++ {
			v.live, v.lastRow, v.lastUndo = append(v.live, int32(t)), append(v.lastRow, -1), append(v.lastUndo, -1)
			v.ending, v.state = append(v.ending, false), append(v.state, make([]int32, m.Registers))
		}
		p.lane = append(p.lane, v)
	}
	return p
}

func (p *model) fail(v *lane, kind kernel.Fault, traj, step, action int32, state []int32) {
	v.fault = [4]int32{kind, traj, step, action}
	copy(v.faultState, state)
	v.live, v.from = v.live[:0], v.rows
}

func (p *model) allowed(row, a int32) bool {
	return a >= 0 && a < p.world.Actions && p.mask[row*p.world.FW+a/32]>>(a%32)&1 != 0
}

// append gives the live a row of step each.
func (p *model) append(step int) {
	w := &p.world
	for l := range p.lane {
		v := &p.lane[l]
		if v.fault[0] != 0 || len(v.live) == 0 {
			v.from = v.rows
			continue
		}
		if v.rows+len(v.live) > p.cap {
			p.fail(v, kernel.FaultCapacity, -1, int32(step), -1, nil)
			continue
		}
		v.from = v.rows
		v.rows += len(v.live)
		bad := -1
		for i, t := range v.live {
			row := int32(l*p.cap + v.from + i)
			s := v.state[i]
			for k, x := range s {
				p.feat[int(row)*len(s)+k] = int32(k)*w.Values + x
			}
			p.moves.MaskForward(p.mask[row*w.FW:(row+1)*w.FW], s)
			p.moves.MaskBackward(p.bmask[row*w.BW:(row+1)*w.BW], s)
			p.action[row], p.undo[row], p.traj[row], p.next[row], p.prev[row], p.role[row], p.logPB[row] = -1, v.lastUndo[i], t, -1, v.lastRow[i], graph.Move, 0
			any := false
			for _, m := range p.mask[row*w.FW : (row+1)*w.FW] {
				any = any || m != 0
			}
			if v.ending[i] {
				p.role[row] = graph.End
				clear(p.mask[row*w.FW : (row+1)*w.FW])
			} else if v.steps++; (!any || step >= int(w.Steps)) && bad < 0 {
				bad = i
			}
			if v.lastRow[i] >= 0 {
				p.next[v.lastRow[i]] = row
			} else {
				p.first[t] = row
			}
			v.lastRow[i] = row
		}
		if bad >= 0 {
			v.steps = -1 // not said
			p.fail(v, kernel.FaultSteps, v.live[bad], int32(step), -1, v.state[bad])
		}
	}
}

func (p *model) finish(row, t int32, step int, state []int32) {
	p.role[row], p.last[t], p.length[t] = graph.Last, row, int32(step+1)
	copy(p.terminal[int(t)*len(state):], state)
}

// goesOn reports a given list with more than the actions up to step.
func (p *model) goesOn(v *lane, t int32, step int, state []int32) bool {
	if p.given == nil || p.given[t] == nil || len(p.given[t]) == step+1 {
		return false
	}
	p.fail(v, kernel.FaultGivenMore, t, int32(step+1), p.given[t][step+1], state)
	return true
}

// move takes the live trajectories' actions.
func (p *model) move(step int) {
	for l := range p.lane {
		if v := &p.lane[l]; v.fault[0] == 0 {
			p.moveLane(v, l, step)
		}
	}
}

func (p *model) moveLane(v *lane, l, step int) {
	w := &p.world
	for i, t := range v.live { // what sample could not give
		if row := int32(l*p.cap + v.from + i); !v.ending[i] && p.action[row] < 0 {
			kind, a := kernel.FaultGivenEnd, int32(-1)
			if step < len(p.given[t]) {
				kind, a = kernel.FaultGiven, p.given[t][step]
			}
			p.fail(v, kind, t, int32(step), a, v.state[i])
			return
		}
	}
	n := 0
	for i, t := range v.live {
		row := v.lastRow[i]
		if v.ending[i] {
			continue
		}
		if p.action[row] == w.Stop {
			p.finish(row, t, step, v.state[i])
			if p.goesOn(v, t, step, v.state[i]) {
				return
			}
			continue
		}
		undo := p.moves.Step(v.state[i], int(p.action[row]))
		v.live[n], v.lastRow[n], v.lastUndo[n], v.ending[n], v.state[n] = t, row, int32(undo), false, v.state[i]
		mask, count := make([]uint32, w.BW), 0
		p.moves.MaskBackward(mask, v.state[n])
		for _, m := range mask {
			count += bits.OnesCount32(m)
		}
		p.logPB[row] = 0 - f32.Log(float32(count))
		n++
	}
	v.live = v.live[:n]
	if w.Stop >= 0 {
		return
	}
	k := 0
	for i, t := range v.live {
		ends := p.moves.Terminal(v.state[i])
		if ends {
			p.finish(v.lastRow[i], t, step, v.state[i])
			if p.goesOn(v, t, step, v.state[i]) {
				return
			}
			if w.EndRows == 0 {
				continue
			}
		}
		v.live[k], v.lastRow[k], v.lastUndo[k], v.ending[k], v.state[k] = t, v.lastRow[i], v.lastUndo[i], ends, v.state[i]
		k++
	}
	v.live = v.live[:k]
}

func (p *model) alive() bool {
	for _, v := range p.lane {
		if len(v.live) > 0 {
			return true
		}
	}
	return false
}
