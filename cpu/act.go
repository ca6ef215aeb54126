package cpu

import (
	"github.com/sluice-ml/sluice/f32"
	"github.com/sluice-ml/sluice/graph"
)

// activate is  for j := range x { x[j] = act(x[j]) }. ReLU keeps -0 and NaN, as the assembly's maximum does.
func activate[T f32.Float](a graph.Act, x []T) {
	switch a {
	case graph.ReLU:
		for j, v := range x {
			if v < 0 {
				x[j] = 0
			}
		}
	case graph.Leaky:
		for j, v := range x {
			if v < 0 {
				x[j] = v * T(graph.LeakySlope)
			}
		}
	case graph.Tanh:
		for j, v := range x {
			x[j] = tanh(v)
		}
	}
}

// actBack is OpActBack: the gradient before the activation, from the gradient dy and the value y after it.
func (p *program[T]) actBack(w *worker[T], sp *span[T], in *graph.Instr) {
	out, lo := p.at(w, sp, in.Out)
	dy, la := p.at(w, sp, in.A)
	y, lb := p.at(w, sp, in.B)
	for r := range sp.n {
		o, d, v := out[r*lo:r*lo+in.N], dy[r*la:r*la+in.N], y[r*lb:r*lb+in.N]
		switch in.Act {
		case graph.ReLU:
			for j := range o {
				if v[j] > 0 {
					o[j] = d[j]
				} else {
					o[j] = 0
				}
			}
		case graph.Leaky:
			for j := range o {
				if v[j] > 0 {
					o[j] = d[j]
				} else {
					o[j] = d[j] * T(graph.LeakySlope)
				}
			}
		case graph.Tanh:
			for j := range o {
				o[j] = fma(-(v[j] * v[j]), d[j], d[j])
			}
		default:
			copy(o, d)
		}
	}
}
