package kernel_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
)

// tour is a model and the device's arrays beside it.
type tour struct {
	*rig
	*model
	args kernel.RolloutArgs
}

func newTour(r *rig, p *model, hosted bool) *tour {
	n, slots, ints, w := p.lanes*p.cap, p.lanes*p.slots, p.moves.Registers, p.world
	words := func(n int) uint64 { return r.blank(n) }
	a := kernel.RolloutArgs{World: w, Cap: int32(p.cap), Lanes: int32(p.lanes), Step: -1,
		Rows: kernel.Rows{Feat: words(n * ints), Mask: words(n * int(w.FW)), BMask: words(n * int(w.BW)), Action: words(n), Undo: words(n), Traj: words(n),
			Next: words(n), Prev: words(n), Role: words(n), LogPB: words(n)},
		Live: kernel.Live{Live: words(slots), LastRow: words(slots), LastUndo: words(slots), Ending: words(slots), State: words(slots * ints),
			NextB: words(slots * int(w.BW)), NextF: words(slots * int(w.FW)), Moved: words(slots), Terminal: words(slots), Count: words(p.lanes),
			From: words(p.lanes), Rows: words(p.lanes), Steps: words(p.lanes), Fault: words(4 * p.lanes), FaultState: words(p.lanes * ints),
			Slots: int32(p.slots), Batch: int32(p.batch)},
		Trajs: kernel.Trajs{First: words(p.batch), Last: words(p.batch), Length: words(p.batch), Terminal: words(p.batch * ints)}}
	if hosted {
		a.World.Kind = kernel.NoMoves
		a.Live.State, a.Live.NextB = up(r, make([]int32, slots*ints)), up(r, make([]uint32, slots*int(w.BW)))
	}
	if p.given != nil {
		at, length, list := make([]int32, p.batch), make([]int32, p.batch), []int32{0}
		for i, g := range p.given {
			at[i], length[i] = int32(len(list)), int32(len(g))
			if g == nil {
				at[i] = -1
			}
			list = append(list, g...)
		}
		a.GivenAt, a.GivenLen, a.Given = up(r, at), up(r, length), up(r, list)
	}
	return &tour{r, p, a}
}

func (o *tour) launch(k kernel.ID) { run(o.rig, k, kernel.LanesGrid(o.lanes), o.args) }

func (o *tour) put(at uint64, i int, v int32) { write(o.rig, at+uint64(4*i), []int32{v}) }

func (o *tour) get(at uint64, i int) int32 { return down[int32](o.rig, at+uint64(4*i), 1)[0] }

// act chooses the newest rows' actions, at random or as given, here and on the device.
func (o *tour) act(step int) {
	for l, v := range o.lane {
		for i := range v.live {
			row := int32(l*o.cap + v.from + i)
			if o.role[row] == graph.End {
				continue
			}
			a := int32(-1)
			if g := o.givenTo(v.live[i]); g == nil {
				for a = int32(o.rnd.IntN(int(o.world.Actions))); !o.allowed(row, a); a = int32(o.rnd.IntN(int(o.world.Actions))) {
				}
			} else if step < len(g) && o.allowed(row, g[step]) {
				a = g[step]
			}
			o.action[row] = a
			o.put(o.args.Rows.Action, int(row), a)
		}
	}
}

func (o *tour) givenTo(t int32) []int32 {
	if o.given == nil {
		return nil
	}
	return o.given[t]
}

// forward uploads the masks of the device's live states, as a host does.
func (o *tour) forward() {
	w, ints := &o.world, o.moves.Registers
	for l := range o.lane {
		for i := range int(o.get(o.args.Live.Count, l)) {
			slot := l*o.slots + i
			s := down[int32](o.rig, o.args.Live.State+uint64(4*slot*ints), ints)
			mask := make([]uint32, w.FW)
			o.moves.MaskForward(mask, s)
			for b, m := range mask {
				o.put(o.args.Live.NextF, slot*int(w.FW)+b, int32(m))
			}
		}
	}
}

// hostStep is what a host does between leave and settle.
func (o *tour) hostStep() {
	w, ints := &o.world, o.moves.Registers
	for l := range o.lane {
		for i := range int(o.get(o.args.Live.Count, l)) {
			slot := l*o.slots + i
			s := down[int32](o.rig, o.args.Live.State+uint64(4*slot*ints), ints)
			o.put(o.args.Live.LastUndo, slot, int32(o.moves.Step(s, int(o.get(o.args.Live.Moved, slot)))))
			for k, v := range s {
				o.put(o.args.Live.State, slot*ints+k, v)
			}
			mask, ends := make([]uint32, w.BW), int32(0)
			o.moves.MaskBackward(mask, s)
			for b, m := range mask {
				o.put(o.args.Live.NextB, slot*int(w.BW)+b, int32(m))
			}
			if o.moves.Terminal(s) {
				ends = 1
			}
			o.put(o.args.Live.Terminal, slot, ends)
		}
	}
}

// compare wants the device to be where the model is.
func (o *tour) compare(what string) {
	o.t.Helper()
	a, ints, w := &o.args, o.moves.Registers, &o.world
	words := func(at uint64, from, n int) []int32 { return down[int32](o.rig, at+uint64(4*from), n) }
	for l, v := range o.lane {
		is := func(name string, want, got []int32) {
			o.t.Helper()
			same(o.t, want, got, fmt.Sprint(what, " lane ", l, " ", name))
		}
		is("fault", v.fault[:], words(a.Live.Fault, 4*l, 4))
		is("fault state", v.faultState, words(a.Live.FaultState, l*ints, ints))
		is("count, from, rows", []int32{int32(len(v.live)), int32(v.from), int32(v.rows)}, []int32{o.get(a.Live.Count, l), o.get(a.Live.From, l), o.get(a.Live.Rows, l)})
		if v.steps >= 0 {
			is("steps", []int32{int32(v.steps)}, words(a.Live.Steps, l, 1))
		}
		for i := range v.live {
			slot, ending := l*o.slots+i, int32(0)
			if v.ending[i] {
				ending = 1
			}
			is("slot", []int32{v.live[i], v.lastRow[i], v.lastUndo[i], ending}, []int32{o.get(a.Live.Live, slot), o.get(a.Live.LastRow, slot), o.get(a.Live.LastUndo, slot), o.get(a.Live.Ending, slot)})
			is("state", v.state[i], words(a.Live.State, slot*ints, ints))
		}
		r0 := l * o.cap
		for _, x := range []struct {
			name string
			want []int32
			at   uint64
			n    int
		}{{"feat", o.feat, a.Rows.Feat, ints}, {"action", o.action, a.Rows.Action, 1}, {"undo", o.undo, a.Rows.Undo, 1}, {"traj", o.traj, a.Rows.Traj, 1},
			{"next", o.next, a.Rows.Next, 1}, {"prev", o.prev, a.Rows.Prev, 1}, {"role", o.role, a.Rows.Role, 1}} {
			if x.name == "role" && v.fault[0] != 0 {
				continue // of a lane that stands still nobody asks which of the step's other rows were the last
			}
			is(x.name, x.want[r0*x.n:(r0+v.rows)*x.n], words(x.at, r0*x.n, v.rows*x.n))
		}
		same(o.t, o.mask[r0*int(w.FW):(r0+v.rows)*int(w.FW)], down[uint32](o.rig, a.Rows.Mask+uint64(4*r0*int(w.FW)), v.rows*int(w.FW)), what+" mask")
		same(o.t, o.bmask[r0*int(w.BW):(r0+v.rows)*int(w.BW)], down[uint32](o.rig, a.Rows.BMask+uint64(4*r0*int(w.BW)), v.rows*int(w.BW)), what+" bmask")
		same(o.t, o.logPB[r0:r0+v.rows], down[float32](o.rig, a.Rows.LogPB+uint64(4*r0), v.rows), what+" log_pb")
	}
}

// walk runs a whole rollout on both, comparing after every step.
func (o *tour) walk() {
	o.t.Helper()
	hosted := o.args.World.Kind == kernel.NoMoves
	if hosted {
		for l, v := range o.lane { // begin has not counted yet
			o.put(o.args.Live.Count, l, int32(len(v.live)))
		}
		o.forward()
	}
	o.launch(kernel.Begin)
	o.append(0)
	o.compare("begin")
	for step := 0; o.alive(); step++ {
		o.act(step)
		o.args.Step = int32(step)
		switch {
		case hosted:
			o.launch(kernel.Leave)
			o.hostStep()
			o.launch(kernel.Settle)
			o.forward()
			o.launch(kernel.Append)
		case step%2 == 0:
			o.launch(kernel.Advance)
		default:
			o.launch(kernel.Leave)
			o.launch(kernel.Moves)
			o.launch(kernel.Append)
		}
		o.move(step)
		o.append(step + 1)
		o.compare(fmt.Sprint("step ", step))
	}
	o.launch(kernel.Advance) // nothing lives: nothing happens
	o.compare("the end")

	tally := kernel.TallyArgs{Rows: o.args.Live.Rows, Steps: o.args.Live.Steps, Fault: o.args.Live.Fault, Out: o.blank(3), Lanes: int32(o.lanes)}
	run(o.rig, kernel.Tally, kernel.OneGrid(), tally)
	want, ok := []int32{0, 0, -1}, true
	for l, v := range o.lane {
		want[0] += int32(v.rows)
		want[1] += int32(v.steps)
		if v.fault[0] != 0 && ok {
			want[2], ok = int32(l), false
		}
	}
	got := down[int32](o.rig, tally.Out, 3)
	require.Equal(o.t, want[2], got[2])
	if !ok {
		return
	}
	require.Equal(o.t, want, got)
	o.joint()
}

// joint wants what is kept of trajectories to be the model's.
func (o *tour) joint() {
	o.t.Helper()
	same(o.t, o.first, down[int32](o.rig, o.args.Trajs.First, o.batch), "first")
	same(o.t, o.last, down[int32](o.rig, o.args.Trajs.Last, o.batch), "last")
	same(o.t, o.length, down[int32](o.rig, o.args.Trajs.Length, o.batch), "length")
	same(o.t, o.terminal, down[int32](o.rig, o.args.Trajs.Terminal, len(o.terminal)), "terminal")
}

// room is enough rows for any lane.
func room(m graph.Moves, batch, lanes int) int { return (batch/lanes + 1) * (m.Steps() + 1) }

func TestRollout(t *testing.T) {
	for _, c := range []struct {
		m            graph.Moves
		endRows      bool
		batch, lanes int
	}{
		{graph.Moves{Kind: graph.Increment, Registers: 3, Values: 4, Stop: graph.StopAnywhere}, false, 20, 3},
		{graph.Moves{Kind: graph.Increment, Registers: 3, Values: 2, Stop: graph.StopFull}, false, 20, 3},
		{graph.Moves{Kind: graph.Increment, Registers: 2, Values: 3, Stop: graph.StopFull}, true, 21, 2},
		{graph.Moves{Kind: graph.Append, Registers: 4, Values: 3, Stop: graph.StopAnywhere}, false, 20, 1},
		{graph.Moves{Kind: graph.Append, Registers: 3, Values: 40, Stop: graph.StopAnywhere}, false, 5, 2},
		{graph.Moves{Kind: graph.Append, Registers: 3, Values: 65, Stop: graph.StopFull}, true, 5, 2},
		{graph.Moves{Kind: graph.Increment, Registers: 33, Values: 2, Stop: graph.StopAnywhere}, false, 4, 1},
		{graph.Moves{Kind: graph.Increment, Registers: 32, Values: 2, Stop: graph.StopAnywhere}, false, 4, 1},
		{graph.Moves{Kind: graph.Increment, Registers: 2, Values: 3, Stop: graph.StopAnywhere}, false, 600, 2}, // more slots than threads
		{graph.Moves{Kind: graph.Append, Registers: 2, Values: 3, Stop: graph.StopFull}, true, 513, 1},
	} {
		for _, hosted := range []bool{false, true} {
			t.Run(fmt.Sprint(c.m, c.endRows, c.batch, hosted), func(t *testing.T) {
				r := newRig(t)
				newTour(r, newModel(c.m, c.endRows, c.batch, c.lanes, room(c.m, c.batch, c.lanes)), hosted).walk()
			})
		}
	}
}

// The first thing wrong in a lane is reported, the other lanes go on.
func TestRolloutFaults(t *testing.T) {
	grid := graph.Moves{Kind: graph.Increment, Registers: 2, Values: 3, Stop: graph.StopAnywhere} // actions 0, 1, stop
	full := graph.Moves{Kind: graph.Append, Registers: 2, Values: 3, Stop: graph.StopFull}
	for name, c := range map[string]struct {
		m     graph.Moves
		given map[int][]int32
		cap   int
		steps int32
		want  kernel.Fault
	}{
		"not allowed": {m: grid, given: map[int][]int32{4: {0, 0, 0, 2}, 5: {1, 9}}, want: kernel.FaultGiven},
		"ends early":  {m: grid, given: map[int][]int32{3: {0}, 1: {0, 1, 2}}, want: kernel.FaultGivenEnd},
		"goes on":     {m: grid, given: map[int][]int32{2: {0, 2, 1}, 3: {0, 2, 0}}, want: kernel.FaultGivenMore},
		"both":        {m: grid, given: map[int][]int32{2: {0, 2, 1}, 3: {0, 7}}, want: kernel.FaultGiven},
		"full":        {m: full, given: map[int][]int32{2: {0, 1, 1}, 3: {0, 1}}, want: kernel.FaultGivenMore},
		"all is well": {m: full, given: map[int][]int32{0: {1, 1}, 3: {0, 1}}, want: kernel.FaultNone},
		"no room":     {m: grid, cap: 7, want: kernel.FaultCapacity},
		"too long":    {m: full, steps: 1, want: kernel.FaultSteps},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if c.cap == 0 {
				c.cap = room(c.m, 6, 1)
			}
			p := newModel(c.m, false, 12, 2, c.cap)
			if c.steps > 0 {
				p.world.Steps = c.steps
			}
			if c.given != nil {
				p.given = make([][]int32, p.batch)
				for i, g := range c.given {
					p.given[i] = g
				}
			}
			newTour(r, p, false).walk()
			require.Equal(t, c.want, p.lane[0].fault[0])
		})
	}
}

// A state that allows nothing and is not terminal is a fault of the world; only a host's can have one.
func TestNoAction(t *testing.T) {
	r := newRig(t)
	m := graph.Moves{Kind: graph.Increment, Registers: 2, Values: 3, Stop: graph.StopAnywhere}
	o := newTour(r, newModel(m, false, 300, 1, 400), true)
	masks := make([]uint32, 300)
	for i := range masks {
		masks[i] = 1
	}
	masks[290], masks[277] = 0, 0
	o.args.Live.NextF = up(r, masks)
	o.launch(kernel.Begin)
	same(t, []int32{kernel.FaultNoAction, 277, 0, -1}, down[int32](r, o.args.Live.Fault, 4), "fault")
	same(t, []int32{0}, down[int32](r, o.args.Live.Count, 1), "count")
}
