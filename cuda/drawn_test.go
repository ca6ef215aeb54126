package cuda

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/cuda/sim"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// Batches that one kernel draws, of one program: of several sizes, again with the same (captured), given, half given, and drawn again.
func TestDrawn(t *testing.T) {
	dev, ref := open(t, sim.Driver(strict), Config{Chunk: 24}), cpu.New(cpu.Config{})
	for i, m := range []graph.Moves{tinyGrid, tinyFull, tinyWord, tinyFilled} {
		if testing.Short() && i > 1 {
			continue
		}
		t.Run(m.String(), func(t *testing.T) {
			plan := small(t, m, false, [][]int{{8}, {8, 12}, {4, 8, 4}, {12}}[i]...)
			require.NotNil(t, stackOf(plan))
			a, b := newTwin(t, dev, plan), newTwin(t, ref, plan)
			for k, count := range []int{1, 33, 9, 9, 9} {
				src := graph.Source{Key: rng.NewKey(8), Iteration: uint32(k), First: 3, Count: count, Epsilon: .2}
				if k%2 == 1 {
					src.Given = make([][]int32, count) // of which none is given
				}
				want := b.run(src, nil)
				require.NoError(t, want.Err)
				require.Equal(t, want, a.run(src, nil), "%d drawn", count)
				if k != 2 {
					continue
				}
				src.Given = make([][]int32, count)
				for j := range src.Given {
					src.Given[j] = b.program.Actions(nil, j)
				}
				require.Equal(t, want, a.run(src, nil), "given")
				src.Given[4] = nil
				require.Equal(t, want, a.run(src, nil), "all given but one")
			}
		})
	}
}

// What walk does not take is launched step by step.
func TestStackOf(t *testing.T) {
	for _, c := range []struct {
		name  string
		moves graph.Moves
		build func(s *sketch) graph.Node // the logits
		want  int                        // layers, 0 if it is not taken
	}{
		{"one layer", tinyGrid, func(s *sketch) graph.Node { return s.layer(s.torso(graph.Tanh, 4), 3) }, 2},
		{"six hidden", tinyGrid, func(s *sketch) graph.Node { return s.layer(s.torso(graph.ReLU, 8, 8, 256, 8, 8, 8), 3) }, 7},
		{"seven hidden", tinyGrid, func(s *sketch) graph.Node { return s.layer(s.torso(graph.ReLU, 8, 8, 8, 8, 8, 8, 8), 3) }, 8},
		{"eight hidden", tinyGrid, func(s *sketch) graph.Node { return s.layer(s.torso(graph.ReLU, 8, 8, 8, 8, 8, 8, 8, 8), 3) }, 0},
		{"too wide", tinyGrid, func(s *sketch) graph.Node { return s.layer(s.torso(graph.ReLU, 260), 3) }, 0},
		{"not whole quads", tinyGrid, func(s *sketch) graph.Node { return s.layer(s.torso(graph.ReLU, 8, 6), 3) }, 0},
		{"no hidden layer", tinyGrid, func(s *sketch) graph.Node { return s.layer(graph.Node{}, 3) }, 0},
		{"a head that bends", tinyGrid, func(s *sketch) graph.Node { return s.Act(s.layer(s.torso(graph.ReLU, 8), 3), graph.Tanh) }, 0},
		{"layers that are added", tinyGrid, func(s *sketch) graph.Node {
			h := s.torso(graph.ReLU, 8)
			return s.layer(s.Add(h, s.Act(s.layer(h, 8), graph.ReLU)), 3)
		}, 0},
		{"32 actions", graph.Moves{Kind: graph.Append, Registers: 2, Values: 33, Stop: graph.StopFull}, func(s *sketch) graph.Node {
			return s.layer(s.torso(graph.ReLU, 8), 32)
		}, 2},
		{"33 actions", graph.Moves{Kind: graph.Append, Registers: 2, Values: 33, Stop: graph.StopAnywhere}, func(s *sketch) graph.Node {
			return s.layer(s.torso(graph.ReLU, 8), 33)
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan, err := selftest{moves: c.moves, build: func(s *sketch) graph.Want { return graph.Want{Policy: c.build(s)} }}.plan()
			require.NoError(t, err)
			require.Len(t, stackOf(plan), c.want)
			plan.World.Moves = nil
			require.Nil(t, stackOf(plan))
		})
	}
}

// What was drawn is placed where place has room for so many steps, else replayed, to the same bits.
func TestDrawnRows(t *testing.T) {
	for steps, want := range map[int]string{kernel.PlaceRows: "place", kernel.PlaceRows + 1: "replay"} {
		ran := map[string]bool{}
		drv := &edited{Driver: sim.Driver(strict), fail: func(_ string, _ int, kernel string) error {
			ran[kernel] = true
			return nil
		}}
		plan := small(t, graph.Moves{Kind: graph.Increment, Registers: 1, Values: steps, Stop: graph.StopAnywhere}, false, 4)
		require.Equal(t, steps, plan.World.Steps)
		src := graph.Source{Key: rng.NewKey(9), Count: 5, Lanes: 2, Epsilon: .5}
		a, b := newTwin(t, open(t, drv, Config{Chunk: 24}), plan), newTwin(t, cpu.New(cpu.Config{}), plan)
		require.Equal(t, b.run(src, nil), a.run(src, nil))
		require.Equal(t, want == "place", ran["place"])
		require.Equal(t, want == "replay", ran["replay"])
	}
}

// Lists that would be too long for one kernel's room are drawn step by step.
func TestMostDrawn(t *testing.T) {
	p := program{plan: small(t, longGrid, false, 8)}
	p.stack = stackOf(p.plan)
	p.count = mostDrawn / p.plan.World.Steps
	require.True(t, p.walks())
	actions, trajectories := p.listWords()
	require.Equal(t, p.count*p.plan.World.Steps, actions)
	require.Equal(t, p.count, trajectories)
	p.count++
	require.False(t, p.walks())
	actions, _ = p.listWords()
	require.Zero(t, actions)
}

// A world that needs more steps than it promised is refused with the definition's error, whatever the lanes.
func TestDrawnTooLong(t *testing.T) {
	dev, ref := open(t, sim.Driver(strict), Config{Chunk: 24}), cpu.New(cpu.Config{})
	for _, m := range []graph.Moves{tinyGrid, tinyFull} {
		plan := small(t, m, false, 8)
		a, b := newTwin(t, dev, plan), newTwin(t, ref, plan)
		plan.World.Steps = 2
		for _, lanes := range []int{1, 3, 24} {
			src := graph.Source{Key: rng.NewKey(2), Count: 24, Lanes: lanes}
			want := b.run(src, nil).Err
			require.Error(t, want)
			require.Equal(t, want, a.run(src, nil).Err, "%d lanes", lanes)
		}
		plan.World.Steps = m.Steps()
		src := graph.Source{Key: rng.NewKey(3), Count: 6}
		require.Equal(t, b.run(src, nil), a.run(src, nil), "a program goes on after a refusal")
	}
}

// Rows are as many as were drawn need, by whole blocks; a budget drops Saved values to the same bits.
func TestDrawnMemory(t *testing.T) {
	plan := small(t, tinyGrid, false, 8)
	src := graph.Source{Key: rng.NewKey(4), Count: 30, Lanes: 2}
	want := newTwin(t, cpu.New(cpu.Config{}), plan).run(src, nil)
	all := newTwin(t, open(t, sim.Driver(strict), Config{Chunk: 24}), plan)
	require.Equal(t, want, all.run(src, nil))
	require.Equal(t, 2*graph.BlockRows, all.program.Memory().RowsHeld)
	tight := newTwin(t, open(t, sim.Driver(strict), Config{Chunk: 24, Memory: 1}), plan)
	require.Equal(t, want, tight.run(src, nil))
	held := tight.program.Memory()
	require.Equal(t, all.program.Memory().RowBytes-4*plan.SavedCols*held.RowsHeld, held.RowBytes)
}

// A device out of memory says so before the draws and after them, and has not failed.
func TestDrawnShortOfMemory(t *testing.T) {
	plan := small(t, longGrid, false, 8)
	for _, after := range []bool{false, true} {
		on, left := false, 0 // allocations that fail: with Saved values and without
		drv := &edited{Driver: sim.Driver(sim.Config{}), fail: func(call string, _ int, kernel string) error {
			if on && (kernel == "walk_few" || !after) {
				on, left = false, 2
			}
			if call == "alloc" && left > 0 {
				left--
				return driver.ErrOutOfMemory
			}
			return nil
		}}
		w := newTwin(t, open(t, drv, Config{Chunk: 24}), plan)
		on = true
		err := w.run(graph.Source{Count: 20}, nil).Err
		var short *MemoryError
		require.ErrorAs(t, err, &short)
		require.Equal(t, 20, short.Batch)
		require.Positive(t, short.Fits)
		require.False(t, on)
		require.NoError(t, w.run(graph.Source{Count: 20}, nil).Err)
	}
}

// Launches and waits that fail end the device, at each of the places of a drawn rollout.
func TestDrawnFailures(t *testing.T) {
	for _, c := range []struct{ call, kernel string }{{"launch", "walk_few"}, {"launch", "place"}, {"launch", "gather"}, {"sync", ""}} {
		t.Run(c.call+c.kernel, func(t *testing.T) {
			drv := &edited{Driver: sim.Driver(sim.Config{}), fail: func(call string, _ int, kernel string) error {
				if call != c.call || c.kernel != "" && kernel != c.kernel {
					return nil
				}
				return &driver.Error{Code: driver.LaunchFailed, Name: "CUDA_ERROR_LAUNCH_FAILED", Call: "the call", Kernel: kernel}
			}}
			w := newTwin(t, open(t, drv, Config{Chunk: 24}), small(t, tinyGrid, false, 8))
			_, err := w.program.Rollout(w.params, graph.Source{Count: 8}, nil)
			require.ErrorContains(t, err, "the call: CUDA_ERROR_LAUNCH_FAILED")
		})
	}
}
