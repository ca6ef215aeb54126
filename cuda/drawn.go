package cuda

import (
	"slices"

	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// This file is the rollout that is one kernel: walk draws all actions of a batch, the host looks once, which it must to make room for the
// rows, and place makes rows of what was drawn. The networks run on whole pieces of those rows while the host computes rewards, if they
// are Go code.

// mostDrawn bounds the lists that walk writes: words, 256 MiB of them. A batch that could need more takes its steps launch by launch.
const mostDrawn = 64 << 20

// stackOf is the instructions before OpSample, which are those that the policy's logits need, if walk knows them: a gather and dense
// layers, whose widths are whole quads up to 256, and a head of at most 32 actions; nil else.
func stackOf(plan *graph.Plan) []graph.Instr {
	w := &plan.World
	stack := plan.Step[:slices.IndexFunc(plan.Step, func(in graph.Instr) bool { return in.Op == graph.OpSample })]
	if w.Moves == nil || w.Active != w.Ints || w.Actions > kernel.WalkActions || len(stack) < 2 || len(stack) > kernel.Layers {
		return nil
	}
	for i, in := range stack {
		first, head := i == 0, i == len(stack)-1
		switch {
		case first != (in.Op == graph.OpGather), !first && (in.Op != graph.OpLinear || in.A != stack[i-1].Out):
			return nil
		case head && in.Act != graph.Identity, !head && (in.N%4 != 0 || in.N > kernel.WalkWidth):
			return nil
		}
	}
	return stack
}

// walks reports whether the batch is drawn by one kernel.
func (p *program) walks() bool {
	given := slices.ContainsFunc(p.src.Given, func(list []int32) bool { return list != nil })
	return p.stack != nil && p.host == nil && !given && p.count*max(p.plan.World.Steps, p.plan.World.Ints) <= mostDrawn
}

// listWords is the room for lists of actions and for where each begins: those that walk draws, or those that are given. Of a batch that is
// smaller than what src gives, they are the first.
func (p *program) listWords() (actions, trajectories int) {
	switch {
	case p.walks():
		return p.count * p.plan.World.Steps, p.count
	case p.src.Given == nil:
		return 0, 0
	}
	actions = 1 // see upload
	for _, list := range p.src.Given[:p.count] {
		actions += len(list)
	}
	return actions, p.count
}

func (p *program) walkArgs() kernel.WalkArgs {
	h := &p.held
	a := kernel.WalkArgs{World: p.world(), Draw: h.draw.u(0), GivenAt: h.givenAt.u(0), GivenLen: h.givenLen.u(0), Given: h.given.u(0),
		Length: h.length.u(0), State: h.terminals.u(0), Layers: int32(len(p.stack)), Batch: int32(p.count)}
	for i, in := range p.stack {
		w, bias := in.B, in.C
		if in.Op == graph.OpGather {
			w, bias = in.A, in.B
		}
		a.Layer[i] = kernel.Layer{W: p.param(w), Bias: p.param(bias), K: int32(in.K), N: int32(in.N), Act: int32(in.Act)}
	}
	return a
}

// drawAll is a rollout by walk. Rows are made room for when their number is known, so none runs out of them.
func (p *program) drawAll() {
	o, s := p.o, p.o.stream[0]
	p.src.Given, p.drawn = nil, false
	if p.failure = p.reserve(0); p.failure != nil {
		return
	}
	if p.failure = p.upload(); p.failure != nil {
		return
	}
	a := p.walkArgs()
	k, g := a.Launch()
	launch(o, k, g, s, a)
	p.emitScore()
	p.downloadEnds()
	o.sync(s)
	if o.failed != nil {
		return
	}
	ended := p.countDrawn()
	if p.failure = p.reserve(p.longest); p.failure != nil {
		return
	}
	p.layOut(true, ended)
	if ended {
		p.forward()
		return
	}
	// Some state allowed nothing, or the world promised fewer steps: replay finds what the definition finds first.
	p.download()
	o.sync(s)
	if o.failed == nil {
		_, p.failure = p.judge()
	}
}

// countDrawn is what the lanes' counts will be, by the lengths of what was drawn, and whether all of it ended.
func (p *program) countDrawn() (ended bool) {
	rows, steps, length := p.counter(countRows), p.counter(countSteps), as[int32](p.pin.length.b, p.count)
	ended = true
	i := 0
	for l := range p.lanes {
		rows[l], steps[l] = 0, 0
		for end := (l + 1) * p.count / p.lanes; i < end; i++ {
			n := length[i]
			if n < 0 {
				n, ended = -n, false
			} else {
				rows[l] += bit(p.plan.World.EndRows)
			}
			rows[l] += n
			steps[l] += n
		}
	}
	p.total()
	return ended
}

// layOut makes rows of lists: those that walk drew, or those that were given. Of some it is known that all end as they should.
func (p *program) layOut(drawn, ended bool) {
	o, s := p.o, p.o.stream[0]
	a := p.rolloutArgs(p.liveOf(&p.held.counters), -1)
	if drawn {
		a.GivenAt, a.GivenLen, a.Given = p.held.givenAt.u(0), p.held.givenLen.u(0), p.held.given.u(0)
	}
	k := kernel.Replay
	if w := &p.plan.World; ended && w.Steps+int(bit(w.EndRows)) <= kernel.PlaceRows {
		k = kernel.Place
	}
	launch(o, k, kernel.LanesGrid(p.lanes), s, a)
	launch(o, kernel.Tally, kernel.OneGrid(), s, p.tallyArgs())
}

// rollGiven runs the steps of a batch all of whose actions are given.
func (p *program) rollGiven() {
	p.layOut(false, false)
	p.emitScore()
	p.download()
	p.o.sync(p.o.stream[0])
}

// givenRows is the most rows that a lane's given lists can have.
func (p *program) givenRows() (most int) {
	for l := range p.lanes {
		n := 0
		for _, list := range p.src.Given[l*p.count/p.lanes : (l+1)*p.count/p.lanes] {
			n += len(list) + 1 // an end row, or the row at which a list is found too short
		}
		most = max(most, n)
	}
	return most
}

// forward runs the networks on all rows, in whole pieces and not in a step's few.
func (p *program) forward() {
	for p.chunk = 0; p.chunk*p.piece < p.longest; p.chunk++ {
		p.play(p.key(playForward, p.chunk), p.emitForward)
	}
}

func (p *program) emitUndrawn() {
	v := p.pieceAt(p.chunk)
	p.emit(p.undrawn, &v, p.o.stream[0], false)
}
