package cuda

import (
	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// This file is the Update entry: the gradient's norm, then the rule on every tensor unless the norm or the loss is not finite. Nothing is
// waited for; Outcome, at the end, is.

// normSpan is the block of parameters whose squares one warp sums.
const normSpan = 4096

func (p *program) update() {
	o, s := p.o, p.o.stream[0]
	if p.rated {
		p.settle()
	}
	groups := len(p.groups)
	rates := as[float32](p.pin.rates.b, 2*groups+2)
	copy(rates[:groups], p.scalars.Rates)
	copy(rates[groups:2*groups], p.scalars.Keep)
	rates[2*groups], rates[2*groups+1] = p.scalars.C1, p.scalars.C2
	o.toDevice(p.held.rates.p, raw(rates), s)
	p.rated = true
	p.play(playKey{what: playUpdate, params: p.params, grads: p.grads, moments: p.moments, rule: p.rule}, p.emitUpdate)
}

// settle waits until the device has read what earlier entries left in host memory, if it may still be doing so. After an Outcome it never
// is, so an iteration does not wait here.
func (p *program) settle() {
	if p.rewarded || p.rated {
		p.o.sync(p.o.stream[0])
		p.rewarded, p.rated = false, false
	}
}

// conclude is the job of Outcome: the numbers and the parameter asked for, and one wait.
func (p *program) conclude() {
	o, s := p.o, p.o.stream[0]
	number := as[float32](p.pin.number.b, 3)
	clear(number)
	o.toHost(raw(number[:1]), p.held.scale.p, s)
	if at := p.loss(); at != 0 {
		o.toHost(raw(number[1:2]), at, s)
	}
	if p.at >= 0 {
		o.toHost(raw(number[2:]), p.params+ptr(p.at), s)
	}
	o.sync(s)
	p.rewarded, p.rated = false, false
	p.outcome = graph.Outcome{Norm: float64(number[0]), Loss: float64(number[1]), Param: float64(number[2])}
}

func (p *program) emitRule() {
	o, s, n, h, r := p.o, p.o.stream[0], p.plan.Params.Len(), &p.held, &p.rule
	blocks := (n + normSpan - 1) / normSpan
	launch(o, kernel.Norm, kernel.NormGrid(n), s, kernel.NormArgs{G: uint64(p.grads), Part: h.norms.u(0), N: int32(n)})
	launch(o, kernel.Scale, kernel.ScaleGrid(), s, kernel.ScaleArgs{Part: h.norms.u(0), Out: h.scale.u(0), Loss: uint64(p.loss()), Clip: r.Clip,
		Blocks: int32(blocks)})
	k := kernel.SGD
	if r.Kind == graph.Adam {
		k = kernel.Adam
	}
	for _, t := range p.plan.Params {
		at := uint64(4 * t.Offset)
		a := kernel.StepArgs{W: uint64(p.params) + at, G: uint64(p.grads) + at, Scale: h.scale.u(0), Rates: h.rates.u(0), N: int32(t.Size()),
			Group: int32(p.groups[t.Group]), Groups: int32(len(p.groups)), Decay: bit(r.Decay != 0),
			Beta1: r.Beta1, OneMinusBeta1: r.OneMinusBeta1, Beta2: r.Beta2, OneMinusBeta2: r.OneMinusBeta2, Eps: r.Eps}
		if r.Kind == graph.Adam {
			a.M, a.V = uint64(p.moments)+at, uint64(p.moments)+uint64(4*n)+at
		}
		launch(o, k, kernel.StepGrid(t.Size()), s, a)
	}
}
