package world

// This file sorts an explored world topologically.

// order computes every state's longest way from the source by Kahn's algorithm, finds cycles by what it leaves over,
// and renumbers the states by that depth, equal depths in order of discovery.
func (p *Space) order(w World) error {
	depth, err := p.depths(w)
	if err != nil {
		return err
	}
	deepest := int32(0)
	for _, d := range depth {
		deepest = max(deepest, d)
	}
	p.Layers = make([]int32, deepest+2)
	for _, d := range depth {
		p.Layers[d+1]++
	}
	for l := range deepest + 1 {
		p.Layers[l+1] += p.Layers[l]
	}
	next := append([]int32(nil), p.Layers...)
	rank := make([]int32, p.N) // new number by old number
	sorted := true
	for i, d := range depth {
		rank[i] = next[d]
		next[d]++
		sorted = sorted && rank[i] == int32(i)
	}
	if !sorted {
		p.permute(rank)
	}
	return nil
}

func (p *Space) depths(w World) ([]int32, error) {
	parents := make([]int32, p.N) // not yet taken
	for _, c := range p.Child {
		parents[c]++
	}
	depth, queue := make([]int32, p.N), make([]int32, 0, p.N)
	if parents[0] == 0 { // only the source can have none: everything else was discovered from something
		queue = append(queue, 0)
	}
	for at := 0; at < len(queue); at++ {
		i := queue[at]
		for e := p.First[i]; e < p.First[i+1]; e++ {
			c := p.Child[e]
			depth[c] = max(depth[c], depth[i]+1)
			if parents[c]--; parents[c] == 0 {
				queue = append(queue, c)
			}
		}
	}
	if len(queue) == p.N {
		return depth, nil
	}
	return nil, &CycleError{State: Text(w, p.State(p.onCycle(parents)))}
}

// onCycle is a state on a cycle. A state that Kahn's algorithm leaves over has a parent that is left over too, so
// walking up from one long enough must go round.
func (p *Space) onCycle(parents []int32) int {
	up, at := make([]int, p.N), 0
	for i := range p.N {
		if parents[i] == 0 {
			continue
		}
		for e := p.First[i]; e < p.First[i+1]; e++ {
			up[p.Child[e]] = i
			at = int(p.Child[e])
		}
	}
	for range p.N {
		at = up[at]
	}
	return at
}

func (p *Space) permute(rank []int32) {
	old := *p
	from := make([]int32, p.N) // old number by new number
	for i, r := range rank {
		from[r] = int32(i)
	}
	words := p.spec.Words()
	p.States, p.Mask = make([]int32, len(old.States)), make([]uint32, len(old.Mask))
	p.Terminal, p.Stop = make([]bool, p.N), make([]bool, p.N)
	p.First = make([]int32, 0, p.N+1)
	p.Child, p.Action, p.Undo = make([]int32, 0, len(old.Child)), make([]int32, 0, len(old.Child)), make([]int32, 0, len(old.Child))
	for i, o := range from {
		copy(p.State(i), old.State(int(o)))
		copy(p.Mask[i*words:(i+1)*words], old.Mask[int(o)*words:])
		p.Terminal[i], p.Stop[i] = old.Terminal[o], old.Stop[o]
		lo, hi := old.First[o], old.First[o+1]
		p.First = append(p.First, int32(len(p.Child)))
		p.Action = append(p.Action, old.Action[lo:hi]...)
		p.Undo = append(p.Undo, old.Undo[lo:hi]...)
		for _, c := range old.Child[lo:hi] {
			p.Child = append(p.Child, rank[c])
		}
	}
	p.First = append(p.First, int32(len(p.Child)))
	for slot, n := range p.find.slots {
		if n != 0 {
			p.find.slots[slot] = rank[n-1] + 1
		}
	}
}
