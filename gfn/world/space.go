package world

// This file is an enumerated world: what exact evaluation walks over.

// Space is every state of a world, in a topological order: a child comes after all its parents, and state 0 is the
// source. Probability is pushed through it in one pass over the states. Its slices are only read.
type Space struct {
	N, Ints int

	States []int32 // [N x Ints]

	// Moves of state i are the edges First[i]..First[i+1]-1.
	First  []int32 // [N+1]
	Child  []int32 // [edges] the state an edge leads to
	Action []int32 // [edges] the move; ascending within a state
	Undo   []int32 // [edges] the undo action of the child that takes the move back

	Mask  []uint32 // [N x Spec.Words] allowed actions, stop included; none in a terminal state
	BMask []uint32 // [N x Spec.BackwardWords] allowed undo actions; none at the source

	Terminal []bool // [N] a trajectory ends on reaching the state (worlds without a stop action)
	Stop     []bool // [N] the stop action is allowed

	// Layer l is the states Layers[l]..Layers[l+1]-1, those whose longest way from the source has l moves. No edge
	// stays within a layer, so a layer can be pushed at once; the longest trajectory has len(Layers)-2 moves.
	Layers []int32

	spec Spec
	find table
}

// Spec is the sizes of the world.
func (p *Space) Spec() Spec { return p.spec }

// State is state i; it is not to be written to.
func (p *Space) State(i int) []int32 { return p.States[i*p.Ints : (i+1)*p.Ints : (i+1)*p.Ints] }

// Ends reports whether a trajectory may end in state i, so that its reward counts.
func (p *Space) Ends(i int) bool { return p.Terminal[i] || p.Stop[i] }

// Index is the number of state s in this order, -1 if s is no reachable state.
func (p *Space) Index(s []int32) int {
	if len(s) != p.Ints {
		return -1
	}
	for _, v := range s {
		if v < 0 || int(v) >= p.spec.Values {
			return -1
		}
	}
	slot := p.find.slot(s, p.States)
	if slot < 0 {
		return -1
	}
	return p.find.at(slot, s, p.States)
}

// ForwardMasks and BackwardMasks view Mask and BMask.
func (p *Space) ForwardMasks() Masks { return p.spec.ForwardMasks(p.Mask) }

// BackwardMasks is described at ForwardMasks.
func (p *Space) BackwardMasks() Masks { return p.spec.BackwardMasks(p.BMask) }
