package cpu

import (
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
	norm, scale            T
	pieces                 []piece // of the parameters
}

// piece is some of the parameters of one group, what one job updates: few enough that a call of a kernel is short.
type piece struct{ from, to, group int }

const pieceSpan = 8192

func (p *program[T]) Update(params, grads, moments graph.Buffer, rule graph.Rule, s graph.Scalars) error {
	u := &p.update
	u.params, u.grads, u.rule, u.s, u.scale = params.(*buffer[T]).x, grads.(*buffer[T]).x, rule, s, 1
	u.moments = nil
	if moments != nil {
		u.moments = moments.(*buffer[T]).x
	}
	if u.pieces == nil {
		u.pieces = piecesOf(p.plan.Params)
	}
	blocks := (len(u.grads) + normSpan - 1) / normSpan
	p.norms = grown(p.norms, blocks)
	p.dev.pool.run(blocks, p.normJob)
	u.norm = sqrt(f32.Tree(p.norms[:blocks]))
	if !finite(u.norm) || !finite(p.loss()) {
		return nil
	}
	if limit := T(rule.Clip); limit > 0 && u.norm > limit {
		u.scale = limit / u.norm
	}
	p.dev.pool.run(len(u.pieces), p.updateJob)
	return nil
}

func finite[T f32.Float](x T) bool { return x-x == 0 }

// Outcome finds everything done: the entries run on their caller's time here.
func (p *program[T]) Outcome(params graph.Buffer, at int) (graph.Outcome, error) {
	out := graph.Outcome{Loss: float64(p.loss()), Norm: float64(p.update.norm)}
	if at >= 0 {
		out.Param = float64(params.(*buffer[T]).x[at])
	}
	return out, nil
}

// piecesOf cuts every tensor; a group goes by its index in Params.Groups.
func piecesOf(ps graph.Params) []piece {
	index := map[string]int{}
	for i, g := range ps.Groups() {
		index[g] = i
	}
	var out []piece
	for _, t := range ps {
		for a := t.Offset; a < t.Offset+t.Size(); a += pieceSpan {
			out = append(out, piece{a, min(a+pieceSpan, t.Offset+t.Size()), index[t.Group]})
		}
	}
	return out
}

func (p *program[T]) normRange(wk *worker[T], i int) {
	g := p.update.grads[i*normSpan : min((i+1)*normSpan, len(p.update.grads))]
	wk.part = [f32.Lanes]T{}
	if n := len(g) / group; p.fast != nil && n > 0 {
		p.fast.squares(first(wk.part[:]), first(g), n)
		g = g[n*group:]
	}
	for j, v := range g {
		wk.part[j%f32.Lanes] = fma(v, v, wk.part[j%f32.Lanes])
	}
	p.norms[i] = f32.Butterfly(&wk.part)
}

func (p *program[T]) updateRange(wk *worker[T], i int) {
	u := &p.update
	a, b, of := u.pieces[i].from, u.pieces[i].to, u.pieces[i].group
	w, g := u.params[a:b], u.grads[a:b]
	rate := T(u.s.Rates[of])
	vectors, done := 0, 0
	if p.fast != nil {
		vectors = len(w) / p.fast.lanes
		done = vectors * p.fast.lanes
	}
	if u.rule.Kind == graph.SGD {
		if vectors > 0 {
			wk.adam = [10]T{u.scale, -rate}
			p.fast.sgd(first(w), first(g), vectors, first(wk.adam[:]))
		}
		for j := done; j < len(w); j++ {
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
		keep = T(u.s.Keep[of])
	}
	if vectors > 0 {
		wk.adam = [10]T{u.scale, b1, c1, b2, c2, f1, f2, eps, -rate, keep}
		p.fast.adam(first(w), first(g), first(m), first(v), vectors, first(wk.adam[:]))
	}
	for j := done; j < len(w); j++ {
		x := T(u.scale * g[j])
		mj := fma(b1, m[j], T(c1*x))
		vj := fma(b2, v[j], T(T(c2*x)*x))
		m[j], v[j] = mj, vj
		root := T(sqrt(T(vj*f2))) + eps
		w[j] = fma(-rate, T(mj*f1)/root, T(w[j]*keep))
	}
}
