package reward

import (
	"fmt"

	"github.com/sluice-ml/sluice/gfn/world"
)

// This file is rewards that are looked up.

var _ Reward = Table{}

// Table is one log R for each state of a world that numbers its states. Entries of states in which no trajectory ends
// are never read.
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
