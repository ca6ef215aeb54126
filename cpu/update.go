package cpu

import (
	"math"

	"github.com/sluice-ml/sluice/f32"
	"github.com/sluice-ml/sluice/graph"
)

// This file is the Update entry: clip by global norm, then one pass over the parameters. See graph.Rule for the formulas.

// normSpan is the block of parameters whose squares are summed by 32 strided partials; the blocks are added by the pairwise tree.
const normSpan = 4096

type updateArgs[T f32.Float] struct {
	params, grads, moments []T
	rule                   graph.Rule
	s                      graph.Scalars
	scale                  T
	groups                 []int // of each tensor
}

func (p *program[T]) Update(params, grads, moments graph.Buffer, rule graph.Rule, s graph.Scalars) (float64, error) {
	u := &p.update
	u.params, u.grads, u.rule, u.s, u.scale = params.(*buffer[T]).x, grads.(*buffer[T]).x, rule, s, 1
	u.moments = nil
	if moments != nil {
		u.moments = moments.(*buffer[T]).x
	}
	if u.groups == nil {
		u.groups = groupsOf(p.plan.Params)
	}
	blocks := (len(u.grads) + normSpan - 1) / normSpan
	p.norms = grown(p.norms, blocks)
	p.dev.pool.run(blocks, p.normJob)
	norm := sqrt(f32.Tree(p.norms[:blocks]))
	if x := float64(norm); math.IsNaN(x) || math.IsInf(x, 0) {
		return x, nil
	}
	if limit := T(rule.Clip); limit > 0 && norm > limit {
		u.scale = limit / norm
	}
	p.dev.pool.run(len(p.plan.Params), p.updateJob)
	return float64(norm), nil
}

// groupsOf is the index in Params.Groups of each tensor's group.
func groupsOf(ps graph.Params) []int {
	index := map[string]int{}
	for i, g := range ps.Groups() {
		index[g] = i
	}
	out := make([]int, len(ps))
	for i, t := range ps {
		out[i] = index[t.Group]
	}
	return out
}

func (p *program[T]) normRange(_ *worker[T], i int) {
	g := p.update.grads[i*normSpan : min((i+1)*normSpan, len(p.update.grads))]
	var part [f32.Lanes]T
	for j, v := range g {
		part[j%f32.Lanes] = fma(v, v, part[j%f32.Lanes])
	}
	p.norms[i] = f32.Butterfly(&part)
}

func (p *program[T]) updateRange(_ *worker[T], i int) {
	u, t := &p.update, &p.plan.Params[i]
	a, b := t.Offset, t.Offset+t.Size()
	w, g := u.params[a:b], u.grads[a:b]
	rate := T(u.s.Rates[u.groups[i]])
	if u.rule.Kind == graph.SGD {
		for j := range w {
			w[j] = fma(-rate, u.scale*g[j], w[j])
		}
		return
	}
	n := len(u.params)
	m, v := u.moments[a:b], u.moments[n+a:n+b]
	b1, c1, b2, c2 := T(u.rule.Beta1), T(u.rule.OneMinusBeta1), T(u.rule.Beta2), T(u.rule.OneMinusBeta2)
	f1, f2, eps := T(u.s.C1), T(u.s.C2), T(u.rule.Eps)
	keep := T(1)
	if u.rule.Decay != 0 {
		keep = T(u.s.Keep[u.groups[i]])
	}
	for j := range w {
		x := T(u.scale * g[j])
		mj := fma(b1, m[j], T(c1*x))
		vj := fma(b2, v[j], T(T(c2*x)*x))
		m[j], v[j] = mj, vj
		root := T(sqrt(T(vj*f2))) + eps
		w[j] = fma(-rate, T(mj*f1)/root, T(w[j]*keep))
	}
}
