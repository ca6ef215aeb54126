package sim

import (
	"github.com/sluice-ml/sluice/cuda/ptx"
)

// This file is predicates: comparisons, logic, and the instructions in which the lanes of a warp take part together.

// predicate reads one, for all lanes at once.
func (t *translator) predicate(o ptx.Operand) func(w *warp) uint32 {
	if o.Kind == ptx.Immediate {
		v := uint32(0)
		if o.Value != 0 {
			v = full
		}
		return func(*warp) uint32 { return v }
	}
	slot := t.k.slots[o.Reg]
	if o.Not {
		return func(w *warp) uint32 { return ^w.preds[slot] }
	}
	return func(w *warp) uint32 { return w.preds[slot] }
}

// logic is and, or, xor, not and mov of predicates.
func (t *translator) logic() run {
	in := t.in
	d, a := t.k.slots[in.Args[0].Reg], t.predicate(in.Args[1])
	b := a
	if len(in.Args) > 2 {
		b = t.predicate(in.Args[2])
	}
	f := map[string]func(x, y uint32) uint32{
		"and": func(x, y uint32) uint32 { return x & y },
		"or":  func(x, y uint32) uint32 { return x | y },
		"xor": func(x, y uint32) uint32 { return x ^ y },
		"not": func(x, _ uint32) uint32 { return ^x },
		"mov": func(x, _ uint32) uint32 { return x },
	}[in.Op]
	if f == nil {
		t.refuse("no form for predicates")
	}
	return func(w *warp, m uint32) { w.preds[d] = w.preds[d]&^m | f(a(w), b(w))&m }
}

// compare is setp.
func (t *translator) compare() run {
	in := t.in
	d, also := t.k.slots[in.Args[0].Reg], -1
	if in.Args[0].Also >= 0 {
		also = t.k.slots[in.Args[0].Also]
	}
	relation := in.Mods[0]
	wide := in.Type.Bits() == 64
	a, b := t.operand(in.Args[1], wide), t.operand(in.Args[2], wide)
	var hold func(w *warp, m uint32) uint32
	if in.Type.Float() {
		hold = floatRelation(relation, a.slot, b.slot)
	} else {
		hold = integerRelation(relation, widthOf(in.Type), a, b)
	}
	with := func(v, _ uint32) uint32 { return v }
	other := func(*warp) uint32 { return 0 }
	if mod := in.Mod("and", "or", "xor"); mod != "" {
		other = t.predicate(in.Args[3])
		with = map[string]func(v, c uint32) uint32{
			"and": func(v, c uint32) uint32 { return v & c },
			"or":  func(v, c uint32) uint32 { return v | c },
			"xor": func(v, c uint32) uint32 { return v ^ c },
		}[mod]
	}
	return func(w *warp, m uint32) {
		v, c := hold(w, m), other(w)
		w.preds[d] = w.preds[d]&^m | with(v, c)&m
		if also >= 0 {
			w.preds[also] = w.preds[also]&^m | with(^v, c)&m
		}
	}
}

// floatRelation is false for a NaN unless it ends in u; num says that there is none, nan that there is one.
func floatRelation(relation string, a, b int) func(w *warp, m uint32) uint32 {
	unordered := len(relation) == 3 && relation[2] == 'u'
	f := map[string]func(x, y float32) bool{
		"eq": func(x, y float32) bool { return x == y }, "ne": func(x, y float32) bool { return x != y && x == x && y == y },
		"lt": func(x, y float32) bool { return x < y }, "le": func(x, y float32) bool { return x <= y },
		"gt": func(x, y float32) bool { return x > y }, "ge": func(x, y float32) bool { return x >= y },
		"nu": func(x, y float32) bool { return x == x && y == y }, "na": func(x, y float32) bool { return x != x || y != y },
	}[relation[:2]]
	return func(w *warp, m uint32) (v uint32) {
		A, B := &w.narrow[a], &w.narrow[b]
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			x, y := value(A[l]), value(B[l])
			if f(x, y) || unordered && (x != x || y != y) {
				v |= 1 << l
			}
		}
		return v
	}
}

func integerRelation(relation string, t width, a, b place) func(w *warp, m uint32) uint32 {
	if plain, ok := map[string]string{"lo": "lt", "ls": "le", "hi": "gt", "hs": "ge"}[relation]; ok {
		relation, t.signed = plain, false
	}
	f := map[string]func(x, y uint64) bool{
		"eq": func(x, y uint64) bool { return t.cut(x) == t.cut(y) }, "ne": func(x, y uint64) bool { return t.cut(x) != t.cut(y) },
		"lt": t.less, "le": func(x, y uint64) bool { return !t.less(y, x) },
		"gt": func(x, y uint64) bool { return t.less(y, x) }, "ge": func(x, y uint64) bool { return !t.less(x, y) },
	}[relation]
	return func(w *warp, m uint32) (v uint32) {
		for ; m != 0; m &= m - 1 {
			l := lane(m)
			if f(a.get(w, l), b.get(w, l)) {
				v |= 1 << l
			}
		}
		return v
	}
}

// shuffle is shfl.sync: each lane reads another's value. Clamp and segment are as the PTX manual has them.
func (t *translator) shuffle() run {
	in := t.in
	d, also := t.narrow(in.Args[0]), -1
	if in.Args[0].Also >= 0 {
		also = t.k.slots[in.Args[0].Also]
	}
	a, b, c, mode := t.narrow(in.Args[1]), t.narrow(in.Args[2]), t.narrow(in.Args[3]), in.Mod("up", "down", "bfly", "idx")
	return func(w *warp, m uint32) {
		from := w.narrow[a]
		for k := m; k != 0; k &= k - 1 {
			l := lane(k)
			j, ok := partner(mode, l, int(w.narrow[b][l]), int(w.narrow[c][l]))
			if !ok {
				j = l
			}
			if m>>j&1 == 0 {
				w.fault(Divergence, l, "the value is lane %d's, which does not take part (%08x does)", j, m)
			}
			w.narrow[d][l] = from[j]
			if also >= 0 {
				w.preds[also] &^= 1 << l
				if ok {
					w.preds[also] |= 1 << l
				}
			}
		}
	}
}

// partner is the lane whose value lane l gets; not ok where it would lie outside the segment.
func partner(mode string, l, by, clamp int) (j int, ok bool) {
	by &= 31
	segment := clamp >> 8 & 31
	last := l&segment | clamp&31&^segment
	switch mode {
	case "up":
		j = l - by
		return j, j >= last
	case "down":
		j = l + by
	case "bfly":
		j = l ^ by
	default:
		j = l&segment | by&^segment
	}
	return j, j <= last
}

// vote is vote.sync.
func (t *translator) vote() run {
	in := t.in
	p := t.predicate(in.Args[1])
	if in.Has("ballot") {
		d := t.narrow(in.Args[0])
		return func(w *warp, m uint32) {
			v := p(w) & m
			for k := m; k != 0; k &= k - 1 {
				w.narrow[d][lane(k)] = v
			}
		}
	}
	d, mode := t.k.slots[in.Args[0].Reg], in.Mod("any", "all", "uni")
	return func(w *warp, m uint32) {
		v := p(w) & m
		holds := mode == "any" && v != 0 || mode == "all" && v == m || mode == "uni" && (v == 0 || v == m)
		if w.preds[d] &^= m; holds {
			w.preds[d] |= m
		}
	}
}
