package cpu

import (
	"fmt"
	"math/bits"

	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// This file is the Step entry: the loop that builds trajectories. One worker runs a lane's whole rollout without a join of all workers.

func (p *program[T]) Rollout(params graph.Buffer, src graph.Source, host graph.Host) (graph.Batch, error) {
	if err := p.reset(src); err != nil {
		return graph.Batch{}, err
	}
	p.params = params.(*buffer[T]).x
	p.host = host
	if host == nil {
		if p.plan.World.Moves == nil {
			return graph.Batch{}, errNoHost
		}
		p.host = movesHost{p.plan.World.Moves}
	}
	p.limitSaved()
	rows := (src.Count + p.active - 1) / p.active // a step of a lane has
	given := p.allGiven(0, src.Count)
	if given {
		rows = graph.BlockRows
	}
	if p.allPacked = given || src.Count/p.active >= packRows; p.allPacked {
		p.rollPack = p.stepPack
		p.packAll(p.forward)
	} else {
		p.rollPack, p.packs = p.thinPack, p.thin
		for i := range p.packs {
			p.packOne(nil, i) // a microsecond each, less than waking somebody
		}
	}
	p.runLanes(rows, p.laneJob)
	b := graph.Batch{Count: src.Count, Terminal: p.terminal[:src.Count*p.plan.World.Ints], Length: p.length[:src.Count]}
	for i := range p.active {
		l := &p.lanes[i]
		if l.failure != nil {
			return graph.Batch{}, l.failure
		}
		b.Rows += l.rows
		b.Steps += l.steps
	}
	p.steps = b.Steps
	if p.plan.Reward != nil {
		b.LogR = p.scored[:src.Count]
	}
	return b, nil
}

// runLanes runs a job a lane, whose products have so many rows at most. Where some are large, workers beyond the lanes are woken to help.
func (p *program[T]) runLanes(rows int, job func(*worker[T], int)) {
	if min(rows, p.dev.cfg.Chunk)*p.largest >= leastShared {
		p.dev.pool.share(p.active, job)
	} else {
		p.dev.pool.run(p.active, job)
	}
}

// limitSaved gives each lane an equal share of what the memory budget leaves beside gradients and scratch, in blocks of rows with all that
// they hold. Rows that cannot be had without, those of blocks beyond and what else a program needs, are not counted.
func (p *program[T]) limitSaved() {
	for i := range p.active {
		p.lanes[i].savedLimit = 1 << 30
	}
	budget := int(p.dev.cfg.Memory)
	if budget == 0 {
		return
	}
	fixed := p.scratchBytes() + p.packedBytes()
	for i := range p.lanes {
		length := len(p.lanes[i].grads)
		if i < p.active {
			length = p.plan.GradLen
		}
		fixed += length * sizeof[T]()
	}
	block := graph.BlockRows * (p.plan.World.RowDataBytes() + sizeof[T]()*(p.plan.KeptCols+p.plan.SavedCols))
	limit := max(0, (budget-fixed)/p.active/block)
	for i := range p.lanes {
		l := &p.lanes[i]
		if l.savedLimit = limit; i >= p.active {
			l.savedLimit = 0
		}
		if len(l.saved) > l.savedLimit { // of a batch of fewer lanes
			clear(l.saved[l.savedLimit:])
			l.saved = l.saved[:l.savedLimit]
		}
	}
}

func (p *program[T]) rollLane(w *worker[T], i int) {
	l := &p.lanes[i]
	s := &p.plan.World
	states := l.state[:len(l.live)*s.Ints]
	p.host.Reset(states)
	clear(l.nextB)
	p.host.Backward(l.nextB[:len(l.live)*graph.Words(s.Back)], states)
	given := p.allGiven(l.first, l.count)
	for step := 0; len(l.live) > 0; step++ {
		from := p.appendRows(l)
		if l.failure = p.checkMasks(l, from, step); l.failure != nil {
			return
		}
		if given {
			for r := from; r < l.rows && l.failure == nil; r++ {
				if l.role[r] != graph.End {
					l.failure = p.give(l, r, step)
				}
			}
		} else {
			l.failure = p.runRows(w, l, from, p.plan.Step, p.rollPack, step)
		}
		if l.failure != nil {
			return
		}
		if l.failure = p.move(l, from, step); l.failure != nil {
			return
		}
	}
	if given { // no action hung on the networks, so they see whole blocks of rows and not a step's few
		packs := p.undrawnPack
		if !p.allPacked {
			packs = nil // only the narrow ones are filled
		}
		l.failure = p.runRows(w, l, 0, p.undrawn, packs, 0)
	}
	if p.plan.Reward != nil && l.failure == nil {
		l.failure = p.score(l)
	}
}

// runRows runs forward instructions on the rows from from on.
func (p *program[T]) runRows(w *worker[T], l *lane[T], from int, list []graph.Instr, packs []*pack[T], step int) error {
	for row := from; row < l.rows; {
		sp := p.spanAt(w, l, row, l.rows-row)
		if err := p.runStep(w, &sp, list, packs, step); err != nil {
			return err
		}
		row += sp.n
	}
	return nil
}

// spanAt is the longest piece of [row, row+n) that one call may work on.
func (p *program[T]) spanAt(w *worker[T], l *lane[T], row, n int) span[T] {
	in := row % graph.BlockRows
	n = min(n, p.dev.cfg.Chunk, graph.BlockRows-in)
	sp := span[T]{l: l, row: row, n: n}
	if b := row / graph.BlockRows; b < len(l.saved) {
		sp.saved, sp.savedRow = l.saved[b], in
	} else {
		sp.saved = w.spill
	}
	return sp
}

// appendRows adds one row a live trajectory and returns the first.
func (p *program[T]) appendRows(l *lane[T]) int {
	s := &p.plan.World
	n, from := len(l.live), l.rows
	l.reserve(n, s, p.keptCols, p.plan.SavedCols)
	l.rows += n
	fw, bw := graph.Words(s.Actions), graph.Words(s.Back)
	mask := l.mask[from*fw : l.rows*fw]
	clear(mask)
	if s.Stop >= 0 {
		for i := range n {
			mask[i*fw+s.Stop/32] |= 1 << (s.Stop % 32)
		}
	}
	p.host.Forward(mask, l.state[:n*s.Ints])
	copy(l.bmask[from*bw:l.rows*bw], l.nextB[:n*bw])
	for i := range n {
		r := from + i
		for k, v := range l.state[i*s.Ints : (i+1)*s.Ints] {
			l.feat[r*s.Active+k] = int32(k*s.Values) + v
		}
		l.action[r], l.undo[r], l.traj[r] = -1, l.lastUndo[i], l.live[i]
		l.next[r], l.prev[r], l.role[r], l.logPB[r] = -1, l.lastRow[i], graph.Move, 0
		if l.ending[i] {
			l.role[r] = graph.End
			clear(mask[i*fw : (i+1)*fw])
		} else {
			l.steps++
		}
		if prev := l.lastRow[i]; prev >= 0 {
			l.next[prev] = int32(r)
		} else {
			p.first[l.live[i]] = int32(r)
		}
		l.lastRow[i] = int32(r)
	}
	return from
}

func (p *program[T]) checkMasks(l *lane[T], from, step int) error {
	s := &p.plan.World
	fw := graph.Words(s.Actions)
	for r := from; r < l.rows; r++ {
		any := uint32(0)
		for _, m := range l.mask[r*fw : (r+1)*fw] {
			any |= m
		}
		if i := r - from; any == 0 && l.role[r] != graph.End {
			return &graph.NoActionError{Trajectory: int(l.live[i]), Step: step, State: copyState(l.state, i, s.Ints)}
		} else if step >= s.Steps && l.role[r] != graph.End {
			return p.broken(l, i, step, fmt.Sprintf("the trajectory ends within %d steps", s.Steps))
		}
	}
	if s.Moves != nil {
		return nil
	}
	// A world in Go may write anything: what would be read out of bounds later, or from the wrong place, is refused here.
	bw := graph.Words(s.Back)
	for i := range l.live {
		for _, v := range l.state[i*s.Ints : (i+1)*s.Ints] {
			if v < 0 || int(v) >= s.Values {
				return p.broken(l, i, step, fmt.Sprintf("registers are in 0..%d", s.Values-1))
			}
		}
		if a := graph.Beyond(l.mask[(from+i)*fw:(from+i+1)*fw], s.Actions); a >= 0 {
			return p.broken(l, i, step, fmt.Sprintf("actions are 0..%d, here Forward allows %d", s.Actions-1, a))
		}
		u := int(l.undo[from+i])
		if step > 0 && (u < 0 || u >= s.Back || l.bmask[(from+i)*bw+u/32]>>(u%32)&1 == 0) {
			return p.broken(l, i, step, fmt.Sprintf("the undo action of a step, here %d, is one that Backward allows", u))
		}
	}
	return nil
}

func (p *program[T]) broken(l *lane[T], i, step int, promise string) error {
	return &graph.WorldError{Promise: promise, Trajectory: int(l.live[i]), Step: step, State: copyState(l.state, i, p.plan.World.Ints)}
}

func copyState(states []int32, i, ints int) []int32 {
	return append([]int32(nil), states[i*ints:(i+1)*ints]...)
}

// sample is OpSample: the action of each row of the block, drawn or given.
func (p *program[T]) sample(w *worker[T], sp *span[T], in *graph.Instr, step int) error {
	l, s := sp.l, &p.plan.World
	fw := graph.Words(s.Actions)
	x, ld := p.at(w, sp, in.A)
	fast := p.fast != nil && fw == 1
	w.soft.rows, w.soft.uniform = w.soft.rows[:0], w.soft.uniform[:0]
	for i := range sp.n {
		r := sp.row + i
		if l.role[r] == graph.End {
			continue
		}
		mask := l.mask[r*fw : (r+1)*fw]
		t := l.traj[r]
		if p.isGiven(int(t)) {
			if err := p.give(l, r, step); err != nil {
				return err
			}
			continue
		}
		word := p.src.Key.Block(rng.Counter(p.src.First+uint32(t), uint32(step), p.src.Iteration, p.src.Purpose, 0))
		if fast && rng.Uniform(word[0]) >= p.src.Epsilon {
			w.soft.rows, w.soft.uniform = append(w.soft.rows, int32(i)), append(w.soft.uniform, rng.Uniform(word[1]))
			continue
		}
		l.action[r] = int32(rng.Categorical(word[0], word[1], p.src.Epsilon, x[i*ld:i*ld+s.Actions], mask))
	}
	if len(w.soft.rows) > 0 {
		drawFast(&w.soft, p.fast, l.action[sp.row:], x, ld, s.Actions, l.mask[sp.row:])
	}
	return nil
}

// isGiven reports whether trajectory t is given.
func (p *program[T]) isGiven(t int) bool { return p.src.Given != nil && p.src.Given[t] != nil }

// allGiven reports whether nothing is drawn in the trajectories [first, first+count).
func (p *program[T]) allGiven(first, count int) bool {
	for t := first; t < first+count; t++ {
		if !p.isGiven(t) {
			return false
		}
	}
	return true
}

// give is the given action of row r, one of the newest rows.
func (p *program[T]) give(l *lane[T], r, step int) error {
	s, t := &p.plan.World, l.traj[r]
	fw := graph.Words(s.Actions)
	a := int32(-1)
	if step < len(p.src.Given[t]) {
		a = p.src.Given[t][step]
	}
	if a < 0 || int(a) >= s.Actions || l.mask[r*fw+int(a)/32]>>(a%32)&1 == 0 {
		first := l.rows - len(l.live)
		return &graph.GivenError{Trajectory: int(t), Step: step, Action: a, State: copyState(l.state, r-first, s.Ints)}
	}
	l.action[r] = a
	return nil
}

// move takes every live trajectory's action: the ended leave, the others step.
func (p *program[T]) move(l *lane[T], from, step int) error {
	s := &p.plan.World
	n := 0
	for i, t := range l.live {
		r := from + i
		if l.ending[i] {
			continue // its end row was the last thing missing
		}
		a := l.action[r]
		if int(a) == s.Stop {
			p.finish(l, r, t, step, l.state[i*s.Ints:(i+1)*s.Ints])
			if err := p.checkGiven(l, t, i, step); err != nil {
				return err
			}
			continue
		}
		copy(l.state[n*s.Ints:(n+1)*s.Ints], l.state[i*s.Ints:(i+1)*s.Ints])
		l.live[n], l.lastRow[n], l.moved[n], l.ending[n] = t, int32(r), a, false
		n++
	}
	l.live, l.lastRow, l.ending = l.live[:n], l.lastRow[:n], l.ending[:n]
	if n == 0 {
		return nil
	}
	bw := graph.Words(s.Back)
	states, undo := l.state[:n*s.Ints], l.lastUndo[:n]
	l.lastUndo = undo
	p.host.Step(undo, states, l.moved[:n])
	clear(l.nextB[:n*bw])
	p.host.Backward(l.nextB[:n*bw], states)
	for i := range n {
		back := l.nextB[i*bw : (i+1)*bw]
		if b := graph.Beyond(back, s.Back); b >= 0 {
			return p.broken(l, i, step+1, fmt.Sprintf("undo actions are 0..%d, here Backward allows %d", s.Back-1, b))
		}
		count := 0
		for _, m := range back {
			count += bits.OnesCount32(m)
		}
		l.logPB[l.lastRow[i]] = p.uniform[count]
	}
	if s.Stop >= 0 {
		return nil
	}
	p.host.Terminal(l.terminal[:n], states)
	k := 0
	for i := range n {
		if l.terminal[i] {
			p.finish(l, int(l.lastRow[i]), l.live[i], step, states[i*s.Ints:(i+1)*s.Ints])
			if err := p.checkGiven(l, l.live[i], i, step); err != nil {
				return err
			}
			if !s.EndRows {
				continue
			}
		}
		copy(l.state[k*s.Ints:(k+1)*s.Ints], l.state[i*s.Ints:(i+1)*s.Ints])
		copy(l.nextB[k*bw:(k+1)*bw], l.nextB[i*bw:(i+1)*bw])
		l.live[k], l.lastRow[k], l.lastUndo[k], l.ending[k] = l.live[i], l.lastRow[i], l.lastUndo[i], l.terminal[i]
		k++
	}
	l.live, l.lastRow, l.lastUndo, l.ending = l.live[:k], l.lastRow[:k], l.lastUndo[:k], l.ending[:k]
	return nil
}

func (p *program[T]) finish(l *lane[T], row int, t int32, step int, state []int32) {
	ints := p.plan.World.Ints
	l.role[row] = graph.Last
	p.last[t], p.length[t] = int32(row), int32(step+1)
	copy(p.terminal[int(t)*ints:(int(t)+1)*ints], state)
}

// checkGiven refuses a given list that goes on after its trajectory has ended.
func (p *program[T]) checkGiven(l *lane[T], t int32, i, step int) error {
	if p.src.Given == nil || p.src.Given[t] == nil || len(p.src.Given[t]) == step+1 {
		return nil
	}
	return &graph.GivenError{Trajectory: int(t), Step: step + 1, Action: p.src.Given[t][step+1], State: copyState(l.state, i, p.plan.World.Ints)}
}
