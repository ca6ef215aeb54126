package gfn

import (
	"fmt"
	"math"
	"slices"

	"github.com/sluice-ml/sluice/gfn/metric"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// This file samples trajectories backward, from an object to the source, and what is measured on them.

// EUBO is the mean of log R + log P_B - log P_F over trajectories drawn backward from exact draws of the target, and its standard
// error; see metric.EUBO. The world must be enumerable.
func (p *Policy) EUBO(count int, seed uint64) (mean, stdErr float64, err error) {
	if count < 1 {
		return math.NaN(), math.NaN(), fmt.Errorf("gfn: %d draws asked for, must be at least 1", count)
	}
	if err := p.use(); err != nil {
		return math.NaN(), math.NaN(), err
	}
	defer p.mu.Unlock()
	e, err := p.exact()
	if err != nil {
		return math.NaN(), math.NaN(), err
	}
	key := rng.NewKey(seed)
	ints := p.model.spec.Ints
	x := make([]int32, 0, count*ints)
	logR := make([]float64, count)
	for i, k := range metric.Draw(make([]int32, count), e.True, key) {
		x = append(x, p.space.State(int(k))...)
		logR[i] = float64(p.logR[k])
	}
	given, err := p.backward(x, key)
	if err != nil {
		return math.NaN(), math.NaN(), err
	}
	logPF, logPB, err := p.sums(given)
	if err != nil {
		return math.NaN(), math.NaN(), err
	}
	mean, stdErr = metric.EUBO(logR, logPB, logPF)
	return mean, stdErr, nil
}

// backward draws a trajectory of P_B(·|x) for every object of x (n x Ints) and returns its forward actions.
func (p *Policy) backward(x []int32, key rng.Key) ([][]int32, error) {
	w, spec := p.model.job.World, p.model.spec
	ints, words := spec.Ints, spec.BackwardWords()
	n := len(x) / ints
	states := append([]int32(nil), x...)
	out := make([][]int32, n)
	if spec.Stop {
		for i := range out {
			out[i] = []int32{int32(spec.Forward)}
		}
	}
	live := make([]int, n)
	for i := range live {
		live[i] = i
	}
	_, err := graph.Find(p.model.judge.Heads, backwardHead)
	learned := err == nil
	logits := make([]float64, n*spec.Backward)
	mask := make([]uint32, n*words)
	for step := 0; len(live) > 0; step++ {
		m := spec.BackwardMasks(mask[:len(live)*words])
		m.Reset(false)
		w.Backward(m, states)
		// At the source nothing can be undone.
		k := 0
		for i, t := range live {
			if m.Row(i).Count() == 0 {
				continue
			}
			copy(states[k*ints:(k+1)*ints], states[i*ints:(i+1)*ints])
			copy(mask[k*words:(k+1)*words], mask[i*words:(i+1)*words])
			live[k] = t
			k++
		}
		live, states = live[:k], states[:k*ints]
		if learned && k > 0 {
			if err := p.head(backwardHead, states, logits[:k*spec.Backward]); err != nil {
				return nil, err
			}
		}
		undo, act := make([]int32, k), make([]int32, k)
		for i, t := range live {
			word := key.Block(rng.Counter(uint32(t), uint32(step), 0, rng.Data, 0))
			undo[i] = int32(rng.Categorical(word[0], word[1], 0, logits[i*spec.Backward:(i+1)*spec.Backward], mask[i*words:(i+1)*words]))
		}
		w.Undo(act, states, undo)
		for i, t := range live {
			out[t] = append(out[t], act[i])
		}
		if step > spec.Steps {
			return nil, &world.CycleError{State: world.Text(w, states[:ints])}
		}
	}
	for _, actions := range out {
		slices.Reverse(actions)
	}
	return out, nil
}
