package cuda

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/cuda/sim"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// This file holds small batches against package cpu: what is seen of them and what is refused of them, word for word.

// strict is the simulator with all checks.
var strict = sim.Config{Race: true, Init: true}

// iteration is everything that can be seen of one, and the error that ended it.
type iteration struct {
	Terminal, Length, Actions []int32
	Rows, Steps               int
	LogR                      []float32 // of a Plan with a Reward
	Loss                      float64
	Heads, Outputs, Grads     []float64
	Err                       error
}

// twin is a program and its buffers on one device.
type twin struct {
	program       graph.Program
	plan          *graph.Plan
	params, grads graph.Buffer
}

func newTwin(t testing.TB, dev graph.Device, plan *graph.Plan) *twin {
	t.Helper()
	w := &twin{plan: plan}
	var err error
	w.program, err = dev.Compile(plan)
	require.NoError(t, err)
	t.Cleanup(w.program.Free)
	n := plan.Params.Len()
	w.params, err = dev.Alloc(n)
	require.NoError(t, err)
	w.grads, err = dev.Alloc(n)
	require.NoError(t, err)
	x := make([]float64, n)
	for i, q := range plan.Params {
		u := make([]float32, q.Size())
		rng.NewKey(uint64(i)).Uniform(u, 0)
		for j, v := range u {
			x[q.Offset+j] = float64(q.Init.Spread * (2*v - 1))
		}
	}
	w.params.Write(x, 0)
	return w
}

func (w *twin) run(src graph.Source, host graph.Host) (it iteration) {
	var b graph.Batch
	if b, it.Err = w.program.Rollout(w.params, src, host); it.Err != nil {
		return it
	}
	it.Terminal, it.Length, it.Rows, it.Steps = slices.Clone(b.Terminal), slices.Clone(b.Length), b.Rows, b.Steps
	for i := range b.Count {
		it.Actions = w.program.Actions(it.Actions, i)
	}
	if it.LogR = slices.Clone(b.LogR); it.LogR == nil {
		logR := make([]float32, b.Count)
		for i := range logR {
			logR[i] = float32(b.Terminal[i*w.plan.World.Ints]) / 4
		}
		w.program.Reward(logR)
	}
	if it.Err = w.program.Close(w.params); it.Err != nil {
		return it
	}
	for _, o := range w.plan.Outputs {
		x := make([]float64, b.Count)
		if o.Ref.Class == graph.Scalar {
			x = x[:1]
		}
		w.program.Read(x, o.Ref)
		it.Outputs = append(it.Outputs, x...)
	}
	dst := make([][]float64, len(w.plan.Heads))
	for i, h := range w.plan.Heads {
		dst[i] = make([]float64, b.Count*h.Ref.Cols)
	}
	if it.Err = w.program.Eval(w.params, b.Terminal, dst); it.Err != nil {
		return it
	}
	it.Heads = slices.Concat(dst...)
	if it.Err = w.program.Backward(w.params, w.grads); it.Err != nil {
		return it
	}
	var out graph.Outcome
	if out, it.Err = w.program.Outcome(nil, -1); it.Err != nil {
		return it
	}
	it.Loss, it.Grads = out.Loss, make([]float64, w.grads.Len())
	w.grads.Read(it.Grads, 0)
	return it
}

// smallest is a Plan of few parameters on a world: trajectory balance, log P_B learned where a state has several parents. Its width
// is none that walk takes, so that a rollout is launched step by step.
func smallest(t testing.TB, m graph.Moves, code bool) *graph.Plan { return small(t, m, code, 6) }

// small is smallest with layers of other widths.
func small(t testing.TB, m graph.Moves, code bool, widths ...int) *graph.Plan {
	t.Helper()
	s := selftest{moves: m, back: m.Backward() > 1, build: func(s *sketch) graph.Want {
		h := s.torso(graph.Tanh, widths...)
		pf, pb := s.layer(h, s.World().Actions), s.Data(graph.LogPBUniform)
		if s.World().Back > 1 {
			pb = s.Next(s.LogPB(s.layer(h, s.World().Back)))
		}
		sum := s.Sub(s.SumT(s.LogPF(pf)), s.SumT(pb))
		r := s.Sub(s.Add(s.Spread(s.param("log_z", 1)), sum), s.Data(graph.LogR))
		return graph.Want{Policy: pf, Loss: s.Mean(s.Square(r)), Heads: []graph.Named{{Name: "pf", Node: pf}}, Outputs: []graph.Named{{Name: "sum", Node: sum}}}
	}}
	p, err := s.plan()
	require.NoError(t, err)
	if code {
		p.World.Moves = nil
	}
	return p
}

var (
	tinyGrid   = graph.Moves{Kind: graph.Increment, Registers: 2, Values: 4, Stop: graph.StopAnywhere}
	tinyWord   = graph.Moves{Kind: graph.Append, Registers: 3, Values: 3, Stop: graph.StopAnywhere}
	tinyFull   = graph.Moves{Kind: graph.Increment, Registers: 2, Values: 3, Stop: graph.StopFull}
	tinyFilled = graph.Moves{Kind: graph.Append, Registers: 3, Values: 4, Stop: graph.StopFull}
	longGrid   = graph.Moves{Kind: graph.Increment, Registers: 1, Values: 60, Stop: graph.StopAnywhere}
)

// Worlds that are data and worlds that are code, drawn, given, and mixed, in lanes of any number, odd halves among them: one program a
// world, so that what a batch leaves behind is there for the next.
func TestBatches(t *testing.T) {
	dev, ref := open(t, sim.Driver(strict), Config{Chunk: 24}), cpu.New(cpu.Config{})
	for _, m := range []graph.Moves{tinyGrid, tinyWord, tinyFull, tinyFilled} {
		for _, code := range []bool{false, true} {
			if testing.Short() && code == (m.Kind == graph.Increment) { // each kind of world once
				continue
			}
			t.Run(fmt.Sprintf("%v, code %v", m, code), func(t *testing.T) {
				plan := smallest(t, m, code)
				if m.Kind == graph.Increment { // and one that walk takes, while nothing is given
					plan = small(t, m, code, 8)
				}
				if m.Stop == graph.StopAnywhere {
					plan.Reward = tabled(m)
				}
				var host graph.Host
				if code {
					host = coded{m}
				}
				a, b := newTwin(t, dev, plan), newTwin(t, ref, plan)
				for i, lanes := range []int{1, 3, 0, 2} {
					src := graph.Source{Key: rng.NewKey(5), Iteration: uint32(i), First: 9, Count: 11, Lanes: lanes, Epsilon: .3}
					want := b.run(src, host)
					require.NoError(t, want.Err)
					require.Equal(t, want, a.run(src, host), "drawn, %d lanes", lanes)
					src.Given = make([][]int32, src.Count)
					for k := range src.Given {
						src.Given[k] = b.program.Actions(nil, k)
					}
					require.Equal(t, want, a.run(src, host), "given, %d lanes", lanes)
					for k := range src.Given {
						if k%3 == i%3 {
							src.Given[k] = nil
						}
					}
					require.Equal(t, want, a.run(src, host), "some given, %d lanes", lanes)
				}
			})
		}
	}
}

// coded steps a world that is data as if it were code.
type coded struct{ m graph.Moves }

func (h coded) Reset(states []int32) { clear(states) }

func (h coded) Forward(mask []uint32, states []int32) {
	k := h.m.Registers
	for i := range len(states) / k {
		h.m.MaskForward(mask[i:i+1], states[i*k:(i+1)*k]) // of one word each
	}
}

func (h coded) Backward(mask []uint32, states []int32) {
	k := h.m.Registers
	for i := range len(states) / k {
		h.m.MaskBackward(mask[i:i+1], states[i*k:(i+1)*k])
	}
}

func (h coded) Step(undo, states, actions []int32) {
	k := h.m.Registers
	for i, a := range actions {
		undo[i] = int32(h.m.Step(states[i*k:(i+1)*k], int(a)))
	}
}

func (h coded) Terminal(dst []bool, states []int32) {
	k := h.m.Registers
	for i := range dst {
		dst[i] = h.m.Terminal(states[i*k : (i+1)*k])
	}
}

// bent is coded with one promise broken by each function that is there, in the state it is asked about.
type bent struct {
	coded
	reset, forward, back, step, terminal func(state []int32) (broken int32, is bool)
}

func (h bent) each(states []int32, f func([]int32) (int32, bool), do func(i int, v int32)) {
	k := h.m.Registers
	for i := range len(states) / k {
		if f != nil {
			if v, is := f(states[i*k : (i+1)*k]); is {
				do(i, v)
			}
		}
	}
}

func (h bent) Reset(states []int32) {
	clear(states)
	h.each(states, h.reset, func(i int, v int32) { states[i*h.m.Registers] = v })
}

func (h bent) Forward(mask []uint32, states []int32) {
	h.coded.Forward(mask, states)
	h.each(states, h.forward, func(i int, v int32) { mask[i] = uint32(v) })
}

func (h bent) Backward(mask []uint32, states []int32) {
	h.coded.Backward(mask, states)
	h.each(states, h.back, func(i int, v int32) { mask[i] = uint32(v) })
}

func (h bent) Step(undo, states, actions []int32) {
	h.coded.Step(undo, states, actions)
	h.each(states, h.step, func(i int, v int32) {
		if v < 0 || v > 90 {
			undo[i] = v
		} else {
			states[i*h.m.Registers] = v
		}
	})
}

func (h bent) Terminal(dst []bool, states []int32) {
	h.coded.Terminal(dst, states)
	h.each(states, h.terminal, func(i int, v int32) { dst[i] = v != 0 })
}

// at is "v where the registers are s".
func at(v int32, s ...int32) func([]int32) (int32, bool) {
	return func(state []int32) (int32, bool) { return v, slices.Equal(state, s) }
}

// What the definition refuses is refused with the same error: its kind, trajectory, step, state and words; the lowest lane's first one
// where there are several.
func TestRefusals(t *testing.T) {
	dev, ref := open(t, sim.Driver(strict), Config{Chunk: 24}), cpu.New(cpu.Config{})
	stop := int32(2)
	fine := []int32{0, 1, stop}
	for _, c := range []struct {
		name  string
		moves graph.Moves
		host  func(m graph.Moves) graph.Host // nil: the world is data
		given [][]int32
		steps int // promised, if not what the world needs
	}{
		{"forbidden", tinyGrid, nil, [][]int32{fine, {0, 0, 0, 0, stop}, nil, fine}, 0},
		{"no such action", tinyGrid, nil, [][]int32{fine, {1, 9}, nil, {-3}}, 0},
		{"ends early", tinyGrid, nil, [][]int32{fine, {1}, nil, {}}, 0},
		{"goes on", tinyGrid, nil, [][]int32{fine, nil, {1, stop, 0}, {1, stop, 1}}, 0},
		{"two in one lane", tinyGrid, nil, [][]int32{fine, {0, stop, 1}, {0, 9}, fine}, 0},
		{"goes on in a full state", tinyFull, nil, [][]int32{{0, 0, 1, 1}, {0, 1, 0, 1, 1}, {0, 0, 1, 1, 0}, nil}, 0},
		{"goes on, all given, code", tinyFull, func(m graph.Moves) graph.Host { return coded{m} }, [][]int32{{0, 0, 1, 1, 1}, {0, 0, 1, 1, 0}, {0, 9}, {0}}, 0},
		{"longer than promised", tinyGrid, nil, nil, 2},
		{"longer than promised, code", tinyGrid, func(m graph.Moves) graph.Host { return coded{m} }, nil, 2},
		{"a dead end", tinyGrid, func(m graph.Moves) graph.Host { return bent{coded: coded{m}, forward: at(0, 1, 0)} }, nil, 0},
		{"a dead source", tinyGrid, func(m graph.Moves) graph.Host { return bent{coded: coded{m}, forward: at(0, 0, 0)} }, nil, 0},
		{"a source out of range", tinyGrid, func(m graph.Moves) graph.Host { return bent{coded: coded{m}, reset: at(7, 0, 0)} }, nil, 0},
		{"a register out of range", tinyGrid, func(m graph.Moves) graph.Host { return bent{coded: coded{m}, step: at(50, 1, 0)} }, nil, 0},
		{"an undo that is none", tinyGrid, func(m graph.Moves) graph.Host { return bent{coded: coded{m}, step: at(99, 1, 0)} }, nil, 0},
		{"a negative undo", tinyGrid, func(m graph.Moves) graph.Host { return bent{coded: coded{m}, step: at(-1, 0, 1)} }, nil, 0},
		{"an undo not allowed", tinyGrid, func(m graph.Moves) graph.Host { return bent{coded: coded{m}, back: at(2, 1, 0)} }, nil, 0},
		{"a list that goes on before an undo that is none", tinyFull,
			func(m graph.Moves) graph.Host {
				return bent{coded: coded{m}, step: at(99, 1, 0), terminal: at(1, 1, 0)}
			}, [][]int32{nil, {0, 0}, nil, nil}, 0},
		{"a dead end and a forbidden action", tinyGrid,
			func(m graph.Moves) graph.Host { return bent{coded: coded{m}, forward: at(0, 2, 0)} }, [][]int32{{0, 0, stop}, {0, 9}, {9}, fine}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan := smallest(t, c.moves, c.host != nil)
			if c.steps > 0 {
				plan.World.Steps = c.steps
			}
			a, b := newTwin(t, dev, plan), newTwin(t, ref, plan)
			var host graph.Host
			if c.host != nil {
				host = c.host(c.moves)
			}
			for _, lanes := range []int{1, 2, 3, 4} {
				src := graph.Source{Key: rng.NewKey(2), Count: 4, Lanes: lanes, Given: c.given, Epsilon: 1}
				if c.given == nil {
					src.Count = 24
				}
				want := b.run(src, host)
				require.Error(t, want.Err)
				got := a.run(src, host)
				require.IsType(t, want.Err, got.Err, "%d lanes", lanes)
				require.Equal(t, want.Err, got.Err, "%d lanes", lanes)
			}
			// A program goes on after a refusal.
			if plan.World.Moves != nil && c.steps == 0 {
				src := graph.Source{Key: rng.NewKey(3), Count: 6}
				require.Equal(t, b.run(src, nil), a.run(src, nil))
			}
		})
	}
}

// A batch that needs more rows than there is room for runs again with more, also where its trajectories outlive several parts.
func TestGrowth(t *testing.T) {
	dev, ref := open(t, sim.Driver(strict), Config{Chunk: 64}), cpu.New(cpu.Config{})
	for _, code := range []bool{false, true} {
		plan := smallest(t, longGrid, code)
		var host graph.Host
		if code {
			host = coded{longGrid}
		}
		a, b := newTwin(t, dev, plan), newTwin(t, ref, plan)
		var given [][]int32
		for i := range 8 { // seven of the longest, and a short one
			list := make([]int32, 60)
			list[59] = 1
			if i == 3 {
				list = []int32{0, 1}
			}
			given = append(given, list)
		}
		src := graph.Source{Count: 8, Lanes: 1, Given: given}
		if !code { // else the lists are laid out in rows that were counted before
			src.Given[5] = nil
		}
		want := b.run(src, host)
		require.NoError(t, want.Err)
		require.Greater(t, want.Rows, graph.BlockRows)
		require.Equal(t, want, a.run(src, host))
		held := a.program.Memory()
		require.GreaterOrEqual(t, held.RowsHeld, want.Rows)
		require.Zero(t, held.RowsHeld%graph.BlockRows)
		require.Equal(t, held.RowsHeld*plan.BytesPerRow(), held.RowBytes)
		require.Equal(t, want, a.run(src, host))
		require.Equal(t, held, a.program.Memory(), "the same batch needs no more")
	}
}

// A budget drops Saved values, which come again to the same bits, and shows in what is held.
func TestBudget(t *testing.T) {
	plan := smallest(t, tinyGrid, false)
	require.Positive(t, plan.SavedCols)
	src := graph.Source{Key: rng.NewKey(4), Count: 30}
	want := newTwin(t, cpu.New(cpu.Config{}), plan).run(src, nil)
	all := newTwin(t, open(t, sim.Driver(strict), Config{Chunk: 24}), plan)
	require.Equal(t, want, all.run(src, nil))
	tight := newTwin(t, open(t, sim.Driver(strict), Config{Chunk: 24, Memory: 1}), plan)
	require.Equal(t, want, tight.run(src, nil))
	held := tight.program.Memory()
	require.Equal(t, all.program.Memory().RowBytes-4*plan.SavedCols*held.RowsHeld, held.RowBytes)
	enough := newTwin(t, open(t, sim.Driver(strict), Config{Chunk: 24, Memory: 1 << 30}), plan)
	require.Equal(t, want, enough.run(src, nil))
	require.Equal(t, all.program.Memory(), enough.program.Memory())
}
