package kernel_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/f32"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// dense is a layer of a walk: weights [k][n], for the first one the rows that features choose.
type dense struct {
	k, n    int
	act     graph.Act
	w, bias []float32
}

// stroll is a batch that walk draws, and the same by the definitions.
type stroll struct {
	moves     graph.Moves
	layers    []dense
	batch     int
	epsilon   float32
	key       rng.Key
	iteration uint32
	first     uint32
	args      kernel.WalkArgs
}

// newStroll has layers of the given widths before the head.
func newStroll(r *rig, m graph.Moves, batch int, epsilon float32, act graph.Act, widths ...int) *stroll {
	o := &stroll{moves: m, batch: batch, epsilon: epsilon, key: rng.NewKey(0x9876543210), iteration: 5, first: 70}
	world := newModel(m, false, 1, 1, 1).world
	o.args = kernel.WalkArgs{World: world, Layers: int32(len(widths) + 1), Batch: int32(batch), GivenAt: r.blank(batch), GivenLen: r.blank(batch),
		Given: r.blank(batch * m.Steps()), Length: r.blank(batch), State: r.blank(batch * m.Registers)}
	draw := kernel.Draw{Key0: o.key.K0, Key1: o.key.K1, Iteration: o.iteration, Purpose: uint32(rng.Eval), First: o.first, Epsilon: epsilon}
	o.args.Draw = r.blank(len(kernel.Bytes(&draw)) / 4)
	require.NoError(r.t, r.m.Write(o.args.Draw, kernel.Bytes(&draw)))
	k := m.Registers * m.Values
	for i, n := range append(widths, int(world.Actions)) {
		l := dense{k, n, act, r.floats(k * n), r.floats(n)}
		if i == len(widths) {
			l.act = graph.Identity
		}
		o.args.Layer[i] = kernel.Layer{W: up(r, l.w), Bias: up(r, l.bias), K: int32(k), N: int32(n), Act: int32(l.act)}
		o.layers = append(o.layers, l)
		k = n
	}
	return o
}

// stop makes every trajectory stop at once.
func (o *stroll) stop(r *rig) {
	head := len(o.layers) - 1
	o.layers[head].bias[o.args.World.Stop] = 1e4
	o.args.Layer[head].Bias = up(r, o.layers[head].bias)
}

// logits is the stack at a state.
func (o *stroll) logits(s []int32) (h []float32) {
	for i, l := range o.layers {
		out := make([]float32, l.n)
		for j := range out {
			v := float32(0)
			if i == 0 {
				for f, x := range s {
					v += l.w[(f*o.moves.Values+int(x))*l.n+j]
				}
			} else {
				for k, x := range h {
					v = f32.FMA(x, l.w[k*l.n+j], v)
				}
			}
			out[j] = act(l.act, v+l.bias[j])
		}
		h = out
	}
	return h
}

// draw is trajectory i's actions and where they end, in at most steps steps.
func (o *stroll) draw(i, steps int) (actions, s []int32) {
	m, mask := o.moves, make([]uint32, 1)
	s = make([]int32, m.Registers)
	for step := range steps {
		m.MaskForward(mask, s)
		w := o.key.Block(rng.Counter(o.first+uint32(i), uint32(step), o.iteration, rng.Eval, 0))
		a := int32(rng.Categorical(w[0], w[1], o.epsilon, o.logits(s), mask))
		actions = append(actions, a)
		if a == o.args.World.Stop {
			return actions, s
		}
		m.Step(s, int(a))
		if m.Terminal(s) {
			return actions, s
		}
	}
	return actions, s
}

// check runs both kernels and holds them to the definitions.
func (o *stroll) check(r *rig) {
	r.t.Helper()
	steps, ints := int(o.args.World.Steps), o.moves.Registers
	for id, rows := range map[kernel.ID]int{kernel.Walk: 32, kernel.WalkFew: 8} {
		run(r, id, kernel.Grid{X: (o.batch + rows - 1) / rows, Y: 1, Threads: 256}, o.args)
		at, length := down[int32](r, o.args.GivenAt, o.batch), down[int32](r, o.args.GivenLen, o.batch)
		said, states := down[int32](r, o.args.Length, o.batch), down[int32](r, o.args.State, o.batch*ints)
		for i := range o.batch {
			what := fmt.Sprint(id, " trajectory ", i)
			actions, s := o.draw(i, steps)
			require.Equal(r.t, int32(i*steps), at[i], what)
			require.Equal(r.t, actions, down[int32](r, o.args.Given+uint64(4*at[i]), int(length[i])), what)
			require.Equal(r.t, s, states[i*ints:(i+1)*ints], what)
			if ended := actions[len(actions)-1] == o.args.World.Stop || o.moves.Terminal(s); ended {
				require.Equal(r.t, int32(len(actions)), said[i], what)
			} else {
				require.Equal(r.t, ^int32(len(actions)), said[i], what)
			}
		}
	}
}

// One thing varied at a time: the world, the batch, the stack, how its draws are made.
func TestWalk(t *testing.T) {
	grid := func(registers, values int) graph.Moves {
		return graph.Moves{Kind: graph.Increment, Registers: registers, Values: values, Stop: graph.StopAnywhere}
	}
	word := graph.Moves{Kind: graph.Append, Registers: 3, Values: 4, Stop: graph.StopAnywhere}
	full, filled := grid(3, 2), graph.Moves{Kind: graph.Append, Registers: 2, Values: 32, Stop: graph.StopFull}
	full.Stop = graph.StopFull
	small := []int{8, 12}
	for _, c := range []struct {
		m       graph.Moves
		batch   int
		epsilon float32
		act     graph.Act
		widths  []int
	}{
		{grid(2, 3), 5, .2, graph.ReLU, small}, {grid(2, 3), 1, 0, graph.Tanh, small}, {grid(2, 3), 31, 0, graph.ReLU, small},
		{grid(2, 3), 32, 0, graph.Leaky, small}, {grid(2, 3), 33, .5, graph.Identity, small}, {grid(2, 2), 255, 0, graph.ReLU, small},
		{grid(1, 9), 9, 0, graph.ReLU, small}, {grid(7, 2), 9, .1, graph.ReLU, small}, {grid(8, 2), 9, 0, graph.ReLU, small}, {grid(15, 2), 7, 0, graph.ReLU, small},
		{grid(16, 2), 7, 0, graph.ReLU, small}, {grid(31, 2), 3, 0, graph.ReLU, small}, {word, 9, .3, graph.Tanh, small}, {full, 9, 0, graph.ReLU, small},
		{filled, 9, 1, graph.ReLU, small},
		{grid(2, 3), 9, 0, graph.ReLU, []int{4}}, {grid(2, 3), 9, 0, graph.Tanh, []int{16}}, {grid(2, 3), 9, 0, graph.Tanh, []int{20, 4, 32}},
		{grid(2, 2), 9, 0, graph.ReLU, []int{128, 132}}, {grid(2, 2), 9, 0, graph.Tanh, []int{252, 64}}, {grid(2, 2), 17, 0, graph.ReLU, []int{256, 256}},
		{filled, 3, 0, graph.Tanh, []int{32, 256}}, {grid(2, 2), 2, 0, graph.ReLU, []int{8, 8, 8, 8, 8, 8, 8}},
	} {
		t.Run(fmt.Sprint(c.m, c.batch, c.epsilon, c.act, c.widths), func(t *testing.T) {
			r := newRig(t)
			newStroll(r, c.m, c.batch, c.epsilon, c.act, c.widths...).check(r)
		})
	}
}

// A world that needs more steps than it promised leaves lists that have not ended.
func TestWalkStops(t *testing.T) {
	r := newRig(t)
	o := newStroll(r, graph.Moves{Kind: graph.Append, Registers: 3, Values: 4, Stop: graph.StopAnywhere}, 40, 0, graph.ReLU, 8)
	o.args.World.Steps = 2
	o.check(r)
}

// replayed is a given batch on the model and by one launch of replay, or place.
func replayed(r *rig, p *model, k kernel.ID) {
	o := newTour(r, p, false)
	o.append(0)
	for step := 0; o.alive(); step++ {
		for l, v := range o.lane {
			for i := range v.live {
				row := int32(l*o.cap + v.from + i)
				if g := o.given[v.live[i]]; o.role[row] != graph.End && step < len(g) && o.allowed(row, g[step]) {
					o.action[row] = g[step]
				}
			}
		}
		o.move(step)
		o.append(step + 1)
	}
	o.launch(k)
	o.compare(k.String())
	for l := range o.lane {
		if o.lane[l].fault[0] != kernel.FaultNone {
			return
		}
	}
	o.joint()
}

// random is a list of actions that ends.
func (p *model) random(r *rig) (list []int32) {
	s, mask := make([]int32, p.moves.Registers), make([]uint32, p.world.FW)
	for !p.moves.Terminal(s) {
		p.moves.MaskForward(mask, s)
		a := int32(r.rnd.IntN(int(p.world.Actions)))
		if mask[a/32]>>(a%32)&1 == 0 {
			continue
		}
		list = append(list, a)
		if a == p.world.Stop {
			break
		}
		p.moves.Step(s, int(a))
	}
	return list
}

func TestReplay(t *testing.T) {
	grid := graph.Moves{Kind: graph.Increment, Registers: 2, Values: 3, Stop: graph.StopAnywhere}
	full := graph.Moves{Kind: graph.Increment, Registers: 2, Values: 3, Stop: graph.StopFull}
	for _, c := range []struct {
		m            graph.Moves
		endRows      bool
		batch, lanes int
		spoil        map[int][]int32 // lists that are not as they should be
		steps        int32           // promised, if not what the world needs
	}{
		{m: grid, batch: 1, lanes: 1}, {m: grid, batch: 31, lanes: 3}, {m: grid, batch: 600, lanes: 2},
		{m: full, batch: 33, lanes: 2}, {m: full, endRows: true, batch: 32, lanes: 5}, {m: full, endRows: true, batch: 513, lanes: 1},
		{m: graph.Moves{Kind: graph.Append, Registers: 3, Values: 40, Stop: graph.StopAnywhere}, batch: 20, lanes: 2},
		{m: graph.Moves{Kind: graph.Increment, Registers: 33, Values: 2, Stop: graph.StopAnywhere}, batch: 4, lanes: 1},
		{m: grid, batch: 9, lanes: 3, spoil: map[int][]int32{1: {0, 0, 0, 2}, 4: {0}, 7: {2, 1}}},
		{m: grid, batch: 300, lanes: 1, spoil: map[int][]int32{290: {1, 9}, 277: {1, -4}, 5: {0, 1, 2, 2}}},
		{m: full, batch: 9, lanes: 3, spoil: map[int][]int32{1: {0, 0, 1, 1, 0}, 5: {}}},
		{m: full, batch: 9, lanes: 3, steps: 2},
	} {
		t.Run(fmt.Sprint(c.m, c.endRows, c.batch, len(c.spoil), c.steps), func(t *testing.T) {
			r := newRig(t)
			p := newModel(c.m, c.endRows, c.batch, c.lanes, room(c.m, c.batch, c.lanes))
			p.given = make([][]int32, c.batch)
			for i := range p.given {
				p.given[i] = p.random(r)
				if list, ok := c.spoil[i]; ok {
					p.given[i] = list
				}
			}
			if c.steps > 0 {
				p.world.Steps = c.steps
			}
			replayed(r, p, kernel.Replay)
		})
	}
}

// What place lays out are lists that end, of few and many trajectories a lane, of lanes with none, in worlds of more than a word of
// actions, and of more steps than a block has threads.
func TestPlace(t *testing.T) {
	grid := graph.Moves{Kind: graph.Increment, Registers: 2, Values: 3, Stop: graph.StopAnywhere}
	full := graph.Moves{Kind: graph.Increment, Registers: 2, Values: 3, Stop: graph.StopFull}
	long := graph.Moves{Kind: graph.Increment, Registers: 1, Values: 300, Stop: graph.StopAnywhere}
	for _, c := range []struct {
		m            graph.Moves
		endRows      bool
		batch, lanes int
	}{
		{grid, false, 1, 1}, {grid, false, 31, 1}, {grid, false, 33, 1}, {grid, false, 31, 3}, {grid, false, 2, 5}, {grid, false, 255, 1},
		{grid, false, 257, 1}, {grid, false, 600, 2}, {full, false, 33, 2}, {full, true, 32, 5}, {full, true, 513, 1}, {grid, true, 40, 2},
		{graph.Moves{Kind: graph.Append, Registers: 3, Values: 40, Stop: graph.StopAnywhere}, false, 20, 2},
		{graph.Moves{Kind: graph.Append, Registers: 3, Values: 4, Stop: graph.StopFull}, true, 20, 3},
		{graph.Moves{Kind: graph.Increment, Registers: 33, Values: 2, Stop: graph.StopAnywhere}, false, 4, 1}, {long, false, 9, 2},
		{graph.Moves{Kind: graph.Increment, Registers: 1, Values: kernel.PlaceRows, Stop: graph.StopFull}, true, 2, 1},
	} {
		t.Run(fmt.Sprint(c.m, c.endRows, c.batch, c.lanes), func(t *testing.T) {
			r := newRig(t)
			p := newModel(c.m, c.endRows, c.batch, c.lanes, room(c.m, c.batch, c.lanes))
			for range c.batch {
				p.given = append(p.given, p.random(r))
			}
			replayed(r, p, kernel.Place)
		})
	}
}
