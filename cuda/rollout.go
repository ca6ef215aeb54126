package cuda

import (
	"math"

	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// This file is the Step entry for worlds that are data, step by step: what drawn.go does not take.

// partSteps is how many steps are launched between two looks at how many trajectories are live. All steps at once would need one look
// but launch to the longest trajectory a world allows: 77 steps on a grid of 20^4, of which a policy uses 20 to 40. A launch that finds
// no rows costs about 2 us in a graph, a look about 20, so some 16 steps of 4 launches pay for one.
const partSteps = 16

// A lane's counts lie side by side, so one copy fetches them: live slots, first row of the step, rows, steps, and four words of fault.
const (
	countLive = iota
	countFrom
	countRows
	countSteps
	countFault
	counts = countFault + 4
)

// liveOf are the slots, counted in a.
func (p *program) liveOf(a *array) kernel.Live {
	h, n := &p.held, p.lanes
	return kernel.Live{Live: h.live.u(0), LastRow: h.lastRow.u(0), LastUndo: h.lastUndo.u(0), Ending: h.ending.u(0), State: h.state.u(0),
		NextB: h.nextB.u(0), NextF: h.nextF.u(0), Moved: h.moved.u(0), Terminal: h.terminal.u(0),
		Count: a.u(countLive * n), From: a.u(countFrom * n), Rows: a.u(countRows * n), Steps: a.u(countSteps * n),
		Fault: h.counters.u(countFault * n), FaultState: h.faultState.u(0), Slots: int32(p.slots), Batch: int32(p.count)}
}

func (p *program) trajsOf() kernel.Trajs {
	h := &p.held
	return kernel.Trajs{First: h.first.u(0), Last: h.last.u(0), Length: h.length.u(0), Terminal: h.terminals.u(0)}
}

func (p *program) world() kernel.World {
	s := &p.plan.World
	w := kernel.World{Ints: int32(s.Ints), Values: int32(s.Values), Active: int32(s.Active), Actions: int32(s.Actions), Stop: int32(s.Stop),
		Back: int32(s.Back), Steps: int32(s.Steps), EndRows: bit(s.EndRows), FW: int32(graph.Words(s.Actions)), BW: int32(graph.Words(s.Back)),
		Kind: kernel.NoMoves}
	if s.Moves != nil && p.host == nil {
		w.Kind = int32(s.Moves.Kind)
	}
	return w
}

// rolloutArgs are those of begin, leave, settle, append and advance.
func (p *program) rolloutArgs(live kernel.Live, step int) kernel.RolloutArgs {
	a := kernel.RolloutArgs{World: p.world(), Rows: p.rowsOf(), Live: live, Trajs: p.trajsOf(), Cap: int32(p.cap), Lanes: int32(p.lanes), Step: int32(step)}
	if p.src.Given != nil {
		a.GivenAt, a.GivenLen, a.Given = p.held.givenAt.u(0), p.held.givenLen.u(0), p.held.given.u(0)
	}
	return a
}

// rollout is the job of Rollout. A batch that overflows its rows runs again with more: its draws are keyed, so it is the same batch.
func (p *program) rollout() {
	o := p.o
	p.settle()
	p.fetched, p.scored = false, p.plan.Reward != nil
	if p.walks() {
		p.drawAll()
		return
	}
	p.drawn = !p.allGiven()
	want := min(p.most(), max(p.slots*guess, p.longest))
	if !p.drawn {
		want = min(p.most(), p.givenRows())
	}
	for o.failed == nil {
		if p.failure = p.reserve(want); p.failure != nil {
			return
		}
		if p.failure = p.upload(); p.failure != nil {
			return
		}
		switch {
		case p.host != nil:
			p.rollHost()
		case p.drawn:
			p.rollMoves()
		default:
			p.rollGiven()
		}
		if o.failed != nil || p.failure != nil {
			return
		}
		full, err := p.judge()
		if err != nil || !full {
			p.failure = err
			break
		}
		want = min(p.most(), 2*p.cap)
	}
	if p.failure == nil && o.failed == nil {
		p.total()
		if !p.drawn {
			p.forward()
		}
	}
}

// rollMoves runs the steps, a part at a time, until nothing lives.
func (p *program) rollMoves() {
	steps := p.plan.World.Steps + int(bit(p.plan.World.EndRows))
	for p.part = 0; p.part*partSteps < steps; p.part++ {
		p.play(p.key(playSteps, p.part), p.emitPart)
		p.download()
		p.o.sync(p.o.stream[0])
		if p.o.failed != nil || !p.alive() {
			return
		}
	}
}

func (p *program) key(what uint8, part int) playKey {
	return playKey{what: what, part: part, shape: p.shape, params: p.params, drawn: p.drawn, given: p.src.Given != nil}
}

// emitSteps is one part: the networks on each lane's newest rows, the actions, the moves, the next rows.
func (p *program) emitSteps() {
	o, s := p.o, p.o.stream[0]
	live := p.liveOf(&p.held.counters)
	grid := kernel.LanesGrid(p.lanes)
	if p.part == 0 {
		launch(o, kernel.Begin, grid, s, p.rolloutArgs(live, -1))
	}
	steps := p.plan.World.Steps + int(bit(p.plan.World.EndRows))
	v := p.newest(&live)
	for step := p.part * partSteps; step < min(steps, (p.part+1)*partSteps); step++ {
		p.emitStep(&v, &live, step, s)
		launch(o, kernel.Advance, grid, s, p.rolloutArgs(live, step))
	}
	launch(o, kernel.Tally, kernel.OneGrid(), s, p.tallyArgs())
	p.emitScore()
}

// emitStep is the Step entry on the newest rows: with the networks where an action hangs on them, else the given actions alone.
func (p *program) emitStep(v *view, live *kernel.Live, step int, s driver.Stream) {
	for _, run := range p.step {
		switch {
		case run[0].Op == graph.OpSample:
			p.emitSample(&run[0], v, live, step, s)
		case p.drawn:
			p.emitRun(run, v, s, false)
		}
	}
}

func (p *program) emitSample(in *graph.Instr, v *view, live *kernel.Live, step int, s driver.Stream) {
	w := &p.plan.World
	a := kernel.SampleArgs{Span: v.span, Logits: v.val(in.A), Rows: v.rows, Live: *live, Draw: p.held.draw.u(0),
		Actions: int32(w.Actions), FW: int32(graph.Words(w.Actions)), Step: int32(step)}
	if p.src.Given != nil {
		a.GivenAt, a.GivenLen, a.Given = p.held.givenAt.u(0), p.held.givenLen.u(0), p.held.given.u(0)
	}
	k, g := a.Launch()
	launch(p.o, k, g, s, a)
}

func (p *program) tallyArgs() kernel.TallyArgs {
	live := p.liveOf(&p.held.counters)
	return kernel.TallyArgs{Rows: live.Rows, Steps: live.Steps, Fault: live.Fault, Out: p.held.tally.u(0), Lanes: int32(p.lanes)}
}

// download fetches what Rollout returns.
func (p *program) download() {
	p.o.toHost(p.pin.counters.b[:4*counts*p.lanes], p.held.counters.p, p.o.stream[0])
	p.downloadEnds()
}

// counter is one kind of the lanes' counts, as downloaded.
func (p *program) counter(which int) []int32 {
	return as[int32](p.pin.counters.b, counts*p.lanes)[which*p.lanes:][:p.lanes]
}

// faultOf is kind, trajectory, step and action of a lane's first fault.
func (p *program) faultOf(lane int) []int32 {
	return as[int32](p.pin.counters.b, counts*p.lanes)[countFault*p.lanes+4*lane:][:4]
}

// alive reports whether a lane goes on.
func (p *program) alive() bool {
	for l, n := range p.counter(countLive) {
		if n > 0 && p.faultOf(l)[0] == kernel.FaultNone {
			return true
		}
	}
	return false
}

// total sums the lanes' counts.
func (p *program) total() {
	p.rows, p.steps, p.longest, p.shortest = 0, 0, 0, math.MaxInt
	for l, n := range p.counter(countRows) {
		p.rows += int(n)
		p.steps += int(p.counter(countSteps)[l])
		p.longest, p.shortest = max(p.longest, int(n)), min(p.shortest, int(n))
	}
}
