package graph

import (
	"errors"
	"fmt"
	"math"
)

// This file is a reward as data: what a device needs in order to score objects without calling Go.

// RewardKey says how the classes of an object's registers become the number of its entry in the table.
type RewardKey uint8

const (
	// Least is the least class: key(x) = min_i Class[x_i].
	Least RewardKey = iota
	// Digits reads the classes as digits, the first one leading: key(x) = Σ_i Class[x_i]·Base^(n-1-i), n the number of registers.
	Digits
)

func (k RewardKey) String() string {
	switch k {
	case Least:
		return "least"
	case Digits:
		return "digits"
	}
	return fmt.Sprintf("RewardKey(%d)", uint8(k))
}

// RewardTable is a reward of objects whose registers are integers, as a fold over them and a table:
//
//	log R(x) = LogR[key(x)],  key(x) = min_i Class[x_i]  or  Σ_i Class[x_i]·Base^(n-1-i)
//
// At is the definition that every device's own loop must equal, to the bit: there is nothing to round. Methods keep nothing; those that take
// an object allocate nothing and are called on a valid table only (see Validate). Like the Plan that holds it a table is never changed: a
// device may keep copies.
type RewardTable struct {
	Key   RewardKey
	Class []int32   // [Values]: of each value a register can hold, from 0 on
	Base  int       // Digits: classes are 0..Base-1; Least does not read it
	LogR  []float32 // [keys]: -Inf is R = 0
}

// Validate names the first thing that does not fit objects of so many registers with so many values each.
func (s *RewardTable) Validate(registers, values int) error {
	switch {
	case s.Key > Digits:
		return fmt.Errorf("graph: RewardTable.Key is %v, want least or digits", s.Key)
	case len(s.Class) != values:
		return fmt.Errorf("graph: RewardTable.Class has %d entries, registers have %d values", len(s.Class), values)
	case len(s.LogR) == 0:
		return errors.New("graph: RewardTable.LogR is empty")
	case len(s.LogR) > math.MaxInt32:
		return fmt.Errorf("graph: RewardTable.LogR has %d entries, more than %d (keys are int32)", len(s.LogR), math.MaxInt32)
	case s.Key == Digits && s.Base < 1:
		return fmt.Errorf("graph: RewardTable.Base is %d, want at least 1", s.Base)
	}
	below := len(s.LogR)
	if s.Key == Digits {
		below = s.Base
		keys := 1
		for range registers {
			if keys > math.MaxInt32/s.Base {
				return fmt.Errorf("graph: RewardTable.Base is %d, of %d registers: more than %d keys", s.Base, registers, math.MaxInt32)
			}
			keys *= s.Base
		}
		if keys != len(s.LogR) {
			return fmt.Errorf("graph: RewardTable.LogR has %d entries, want %d^%d = %d", len(s.LogR), s.Base, registers, keys)
		}
	}
	for v, c := range s.Class {
		if c < 0 || int(c) >= below {
			return fmt.Errorf("graph: RewardTable.Class[%d] is %d, want 0..%d", v, c, below-1)
		}
	}
	for key, r := range s.LogR {
		if r != r || math.IsInf(float64(r), 1) {
			return fmt.Errorf("graph: RewardTable.LogR[%d] is %v", key, r)
		}
	}
	return nil
}

// At is log R of the object x, which has every register in range (see Has).
func (s *RewardTable) At(x []int32) float32 {
	key := s.Class[x[0]]
	for _, v := range x[1:] {
		if c := s.Class[v]; s.Key == Least {
			key = min(key, c)
		} else {
			key = key*int32(s.Base) + c
		}
	}
	return s.LogR[key]
}

// Has reports whether each register of x has a class. In a world that is data it has; one in Go may end anywhere.
func (s *RewardTable) Has(x []int32) bool {
	for _, v := range x {
		if v < 0 || int(v) >= len(s.Class) {
			return false
		}
	}
	return true
}
