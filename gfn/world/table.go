package world

import (
	"math/bits"
	"slices"
)

// This file finds the number of a state: by closed form where the world has one, else by hashing its registers. Either
// way the registers are compared, so identity is exact.

// table holds, by slot, the number of a state plus 1, or 0. A state's slot is its index in the world's own numbering,
// or the place where linear probing finds it.
type table struct {
	enum  Enumerator // nil: hash
	slots []int32
	used  int
}

func newTable(enum Enumerator, states int) table {
	if enum != nil {
		return table{enum: enum, slots: make([]int32, states)}
	}
	return table{slots: make([]int32, 1024)}
}

// slot is where s is or belongs, -1 if the world's numbering has no place for it.
func (t *table) slot(s, states []int32) int {
	if t.enum != nil {
		i := t.enum.Index(s)
		if i < 0 || i >= len(t.slots) {
			return -1
		}
		return i
	}
	mask := len(t.slots) - 1
	i := int(hash(s)) & mask
	for t.slots[i] != 0 && t.at(i, s, states) < 0 {
		i = (i + 1) & mask
	}
	return i
}

// at is the number of the state in a slot if that state is s, else -1.
func (t *table) at(slot int, s, states []int32) int {
	id := int(t.slots[slot]) - 1
	if id < 0 || !slices.Equal(states[id*len(s):(id+1)*len(s)], s) {
		return -1
	}
	return id
}

// put gives the free slot to state id, the last of states, and keeps a hash table at most half full.
func (t *table) put(slot, id, ints int, states []int32) {
	t.slots[slot] = int32(id + 1)
	t.used++
	if t.enum != nil || 2*t.used < len(t.slots) {
		return
	}
	t.slots = make([]int32, 2*len(t.slots))
	for i := range id + 1 {
		t.slots[t.slot(states[i*ints:(i+1)*ints], states)] = int32(i + 1)
	}
}

func hash(s []int32) uint64 {
	h := uint64(len(s))
	for _, v := range s {
		h = bits.RotateLeft64((h^uint64(uint32(v)))*0x9e3779b97f4a7c15, 29)
	}
	return h ^ h>>32
}
