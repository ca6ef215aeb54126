package cuda

import (
	"math"

	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/graph"
)

// This file is what a caller may ask of a batch afterwards. It is downloaded when it is asked for.

// Read fills dst with NaN where the device failed; the error is the next entry's.
func (p *program) Read(dst []float64, o graph.Ref) {
	if o.Class == graph.TrajData {
		for i, v := range as[float32](p.pin.logR.b, p.count)[:len(dst)] {
			dst[i] = float64(v)
		}
		return
	}
	switch o.Class {
	case graph.Traj:
	case graph.Scalar:
		dst = dst[:1]
	default:
		panic(badClass)
	}
	p.want, p.out = o, dst
	if err := p.run(p.readJob); err != nil {
		for i := range dst {
			dst[i] = math.NaN()
		}
	}
	p.out = nil
}

func (p *program) read() {
	n := len(p.out)
	if !p.o.check(p.mem.pin(&p.pin.output, n)) { // the contract has no error here, so the device keeps it for the next entry
		return
	}
	p.o.toHost(p.pin.output.b[:4*n], driver.Ptr(p.joint(p.want)), p.o.stream[0])
	p.o.sync(p.o.stream[0])
	for i, v := range as[float32](p.pin.output.b, n) {
		p.out[i] = float64(v)
	}
}

// Actions walks the trajectory's rows; where the device failed there are none, and the error is the next entry's.
func (p *program) Actions(dst []int32, i int) []int32 {
	if !p.fetched {
		if err := p.run(p.fetchJob); err != nil {
			return dst
		}
		p.fetched = true
	}
	n := p.lanes * p.cap
	action, next, role := as[int32](p.pin.action.b, n), as[int32](p.pin.next.b, n), as[int32](p.pin.role.b, n)
	for r := as[int32](p.pin.first.b, p.count)[i]; r >= 0 && role[r] != graph.End; r = next[r] {
		dst = append(dst, action[r])
	}
	return dst
}

// fetch downloads what Actions walks over: of each lane the rows it has.
func (p *program) fetch() {
	o, s, n := p.o, p.o.stream[0], p.lanes*p.cap
	for _, r := range []struct {
		h *pinned
		a *array
	}{{&p.pin.action, &p.held.action}, {&p.pin.next, &p.held.next}, {&p.pin.role, &p.held.role}} {
		if !o.check(p.mem.pin(r.h, n)) {
			return
		}
		for l, rows := range p.counter(countRows) {
			at := l * p.cap
			o.toHost(r.h.b[4*at:4*(at+int(rows))], r.a.at(at), s)
		}
	}
	if !o.check(p.mem.pin(&p.pin.first, p.count)) {
		return
	}
	o.toHost(p.pin.first.b[:4*p.count], p.held.first.p, s)
	o.sync(s)
}
