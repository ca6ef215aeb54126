package reward

import (
	"fmt"
	"math"

	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
)

// This file is rewards that are looked up.

var _ Reward = Table{}

// Table is one log R for each state of a world that numbers its states. Entries of states in which no trajectory ends
// are never asked for. They must not change while a job runs (see Data).
type Table struct {
	World world.World // an Enumerator
	LogR  []float32   // by the Enumerator's Index
}

// LogReward is described at Reward; a table that does not fit its world, or a state that is none, is an error.
func (t Table) LogReward(dst []float32, s []int32, ints int) ([]float32, error) {
	e, ok := t.World.(world.Enumerator)
	if !ok {
		return nil, fmt.Errorf("reward: a Table needs a world that numbers its states, %T does not", t.World)
	}
	n, err := e.States()
	if err != nil {
		return nil, fmt.Errorf("reward: table: %w", err)
	}
	if n != len(t.LogR) {
		return nil, fmt.Errorf("reward: a table of %d values for %d states", len(t.LogR), n)
	}
	dst, err = room(dst, s, ints)
	if err != nil {
		return nil, err
	}
	for i := range dst {
		at := e.Index(s[i*ints : (i+1)*ints])
		if at < 0 || at >= n {
			return nil, fmt.Errorf("reward: %s is no state of the table", world.Text(t.World, s[i*ints:(i+1)*ints]))
		}
		dst[i] = t.LogR[at]
	}
	return dst, nil
}

// mostKeys bounds the tables that are made for a device: 16 MiB of log R.
const mostKeys = 1 << 22

// data is the table by the registers, read as digits. It is nil where the registers of w have more than mostKeys
// combinations, and where not all combinations are states of the table's world, unless w is that world as data, which then
// never leaves its states.
func (t Table) data(w world.World) *graph.RewardTable {
	e, ok := t.World.(world.Enumerator)
	if !ok {
		return nil
	}
	spec, keys := w.Spec(), 1
	for range spec.Ints {
		if keys *= spec.Values; keys > mostKeys {
			return nil
		}
	}
	if n, err := e.States(); err != nil || n != len(t.LogR) || t.World.Spec().Ints != spec.Ints || t.World.Spec().Values != spec.Values {
		return nil
	}
	s := &graph.RewardTable{Key: graph.Digits, Class: make([]int32, spec.Values), Base: spec.Values, LogR: make([]float32, keys)}
	for v := range s.Class {
		s.Class[v] = int32(v)
	}
	closed := sameMoves(t.World, w)
	x := make([]int32, spec.Ints)
	for key := range s.LogR {
		at := e.Index(x)
		switch {
		case at >= 0 && at < len(t.LogR):
			s.LogR[key] = t.LogR[at]
		case closed:
			s.LogR[key] = float32(math.Inf(-1)) // no trajectory comes there
		default:
			return nil
		}
		for i := len(x) - 1; i >= 0; i-- { // the next combination: the last register counts first
			if x[i]++; int(x[i]) < spec.Values {
				break
			}
			x[i] = 0
		}
	}
	return s
}

// sameMoves reports whether two worlds are the same data.
func sameMoves(a, b world.World) bool {
	m, ok := a.(world.Mover)
	n, also := b.(world.Mover)
	return ok && also && m.Moves() == n.Moves()
}
