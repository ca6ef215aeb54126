package cuda

import (
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/graph"
)

// This file is capture: what an entry launches is recorded once a batch shape and replayed. The first time a list of launches is
// needed it is launched as it is, the second time it is captured, so a shape that comes once costs no graph.

// What is captured.
const (
	playSteps uint8 = iota
	playForward
	playClose
	playChunk
	playSums
	playUpdate
)

// playKey is everything the arguments of captured launches depend on, addresses that move aside.
type playKey struct {
	what    uint8
	drawn   bool
	full    bool // of a piece: every lane has all its rows, which only the fast mode asks
	given   bool
	part    int // of the rollout, or chunk
	shape   shape
	params  driver.Ptr
	grads   driver.Ptr
	moments driver.Ptr
	rule    graph.Rule
}

// shot is a list of launches that was needed before, once or, captured, twice.
type shot struct{ exec driver.Exec }

// mostShots bounds the graphs a program keeps, if the running batch needs no more; batches of ever new shapes start over.
const mostShots = 512

// shotsKept is that bound: two batches' graphs, each of a forward and a backward one for every piece and some others.
func (p *program) shotsKept() int {
	pieces := p.longest/max(p.piece, 1) + 1 // before any batch there is no piece
	return max(mostShots, 2*(2*pieces+8))
}

// play launches what emit enqueues on stream 0.
func (p *program) play(k playKey, emit func()) {
	o := p.o
	if o.failed != nil {
		return
	}
	if p.mem.moved != p.moved || len(p.shots) > p.shotsKept() {
		p.forget()
	}
	s := p.shots[k]
	switch {
	case s == nil:
		p.shots[k] = &shot{}
		emit()
	case s.exec != 0:
		o.check(o.ctx.Replay(s.exec, o.stream[0]))
	default:
		if !o.check(o.ctx.BeginCapture(o.stream[0])) {
			return
		}
		emit()
		g, err := o.ctx.EndCapture(o.stream[0])
		if !o.check(err) {
			return
		}
		if s.exec, err = o.instantiate(g); o.check(err) {
			o.check(o.ctx.Replay(s.exec, o.stream[0]))
		}
	}
}

// forget frees all graphs.
func (p *program) forget() {
	for k, s := range p.shots {
		if s.exec != 0 {
			p.o.freeExec(s.exec)
		}
		delete(p.shots, k)
	}
	p.moved = p.mem.moved
}
