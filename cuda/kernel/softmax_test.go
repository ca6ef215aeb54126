package kernel_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/f32"
	"github.com/sluice-ml/sluice/rng"
)

// softmax is exp(x - m), +0 where masked, with m and the sum.
func softmax(x []float32, mask []uint32) (e []float32, m, sum float32) {
	m, e = float32(math.Inf(-1)), make([]float32, len(x))
	allowed := func(j int) bool { return mask[j/32]>>(j%32)&1 != 0 }
	for j, v := range x {
		if allowed(j) && v > m {
			m = v
		}
	}
	for j, v := range x {
		if allowed(j) {
			e[j] = f32.Exp(v - m)
		}
	}
	return e, m, f32.RowSum(e)
}

// masks are random ones with at least one action allowed, which it returns beside; bits beyond n are set too.
func (r *rig) masks(rows, n, words int) (mask []uint32, choice []int32) {
	mask, choice = make([]uint32, rows*words), make([]int32, rows)
	for i := range rows {
		row := mask[i*words : (i+1)*words]
		for b := range row {
			row[b] = r.rnd.Uint32() | r.rnd.Uint32()<<(i%3)
			if i%5 == 0 {
				row[b] = 0
			}
		}
		for j := n; j < 32*words; j++ {
			row[j/32] |= 1 << (j % 32)
		}
		a := r.rnd.IntN(n)
		row[a/32] |= 1 << (a % 32)
		choice[i] = int32(a)
	}
	return mask, choice
}

type size struct{ rows, n int } // n actions

// sizes are rows and actions, one varied at a time, around the sizes at which a kernel changes its way.
var sizes = []size{{1, 5}, {31, 5}, {32, 5}, {33, 5}, {255, 5}, {1000, 5}, {40, 1}, {40, 2}, {40, 8}, {40, 9}, {40, 16}, {40, 17}, {40, 31},
	{40, 32}, {40, 33}, {40, 64}, {40, 65}, {20, 100}, {9, 1000}, {5, 4096}}

// logits are of a policy: of ordinary size, now and then far apart or not a number.
func (r *rig) logits(m *matrix) {
	for i := range m.x {
		m.x[i] *= 3
		switch r.rnd.IntN(60) {
		case 0:
			m.x[i] = float32(math.Inf(-1))
		case 1:
			m.x[i] = 80
		case 2:
			m.x[i] = float32(math.NaN())
		}
	}
	m.P = up(r, m.x)
}

func TestLogProb(t *testing.T) {
	for i, c := range someSizes() {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			r := newRig(t)
			l, step := pieceLayout(c.rows), i%2 == 0
			if step {
				l = stepLayout(c.rows)
			}
			words := (c.n + 31) / 32
			mask, choice := r.masks(len(l.n)*l.cap, c.n, words)
			for i := range choice {
				if i%7 == 3 {
					choice[i] = -1
				}
			}
			x := r.matrix(l, c.n, c.n+1, step)
			r.logits(x)
			out, g, back := r.matrix(l, 1, 1, false), r.matrix(l, 1, 1, true), r.matrix(l, c.n, c.n, true)
			a := kernel.LogProbArgs{Span: l.span(r, step), Out: out.Val, A: x.Val, Mask: up(r, mask), Choice: up(r, choice), N: int32(c.n), Words: int32(words)}
			b := a
			b.Out, b.A, b.B = back.Val, g.Val, x.Val
			both := func(ids ...kernel.ID) { // forward, back
				_, grid := a.Launch()
				if ids[0] == kernel.LogProbWide {
					grid = kernel.Grid{X: (c.rows + 3) / 4, Y: len(l.n), Threads: 128}
				}
				run(r, ids[0], grid, a)
				out.check(r, ids[0].String())
				run(r, ids[1], grid, b)
				back.check(r, ids[1].String())
			}
			l.each(func(lane, i int) {
				row := l.global(lane, i)
				action, d := choice[row], back.row(lane, i)
				if action < 0 {
					out.row(lane, i)[0] = 0
					clear(d)
					return
				}
				xr, bits := x.row(lane, i)[:c.n], mask[row*words:(row+1)*words]
				e, m, sum := softmax(xr, bits)
				out.row(lane, i)[0] = (xr[action] - m) - f32.Log(sum)
				for j := range d {
					hit := float32(0)
					if int32(j) == action {
						hit = 1
					}
					d[j] = 0
					if bits[j/32]>>(j%32)&1 != 0 {
						d[j] = g.row(lane, i)[0] * (hit - e[j]/sum)
					}
				}
			})
			f, _ := a.Launch()
			k, _ := b.LaunchBack()
			both(f, k)
			both(kernel.LogProbWide, kernel.LogProbBackWide)
		})
	}
}

// draws is a SampleArgs over a layout, with its row data.
type draws struct {
	kernel.SampleArgs
	mask             []uint32
	traj, role       []int32
	x                *matrix
	key              rng.Key
	iteration, first uint32
	epsilon          float32
}

func (r *rig) draws(l layout, n int, epsilon float32) *draws {
	total := len(l.n) * l.cap
	words := (n + 31) / 32
	d := &draws{key: rng.NewKey(0x123456789abc), iteration: 77, first: 1000, epsilon: epsilon, traj: make([]int32, total), role: make([]int32, total)}
	d.mask, _ = r.masks(total, n, words)
	for i := range d.traj {
		d.traj[i] = int32(r.rnd.IntN(total))
		if i%11 == 5 {
			d.role[i] = 2
		}
	}
	d.x = r.matrix(l, n, n+1, true)
	r.logits(d.x)
	action := make([]int32, total)
	for i := range action {
		action[i] = -9
	}
	draw := kernel.Draw{Key0: d.key.K0, Key1: d.key.K1, Iteration: d.iteration, Purpose: uint32(rng.Eval), First: d.first, Epsilon: epsilon}
	b := kernel.Bytes(&draw)
	words32 := make([]uint32, len(b)/4)
	for i := range words32 {
		words32[i] = uint32(b[4*i]) | uint32(b[4*i+1])<<8 | uint32(b[4*i+2])<<16 | uint32(b[4*i+3])<<24
	}
	d.SampleArgs = kernel.SampleArgs{Span: l.span(r, true), Logits: d.x.Val, Draw: up(r, words32), Actions: int32(n), FW: int32(words), Step: 6,
		Rows: kernel.Rows{Mask: up(r, d.mask), Traj: up(r, d.traj), Role: up(r, d.role), Action: up(r, action)},
		Live: kernel.Live{Fault: up(r, make([]int32, 4*len(l.n)))}}
	return d
}

// want is the action of a row, by rng.Categorical.
func (d *draws) want(l layout, lane, i int) int32 {
	row := l.global(lane, i)
	if d.role[row] == 2 {
		return -9
	}
	w := d.key.Block(rng.Counter(d.first+uint32(d.traj[row]), uint32(d.Step), d.iteration, rng.Eval, 0))
	return int32(rng.Categorical(w[0], w[1], d.epsilon, d.x.row(lane, i)[:d.Actions], d.mask[row*int(d.FW):(row+1)*int(d.FW)]))
}

func TestSample(t *testing.T) {
	for i, c := range someSizes() {
		for _, epsilon := range []float32{0, .5, 1} {
			if i%3 != 0 && epsilon != .5 {
				continue
			}
			t.Run(fmt.Sprint(c, epsilon), func(t *testing.T) {
				r := newRig(t)
				l := stepLayout(c.rows)
				d := r.draws(l, c.n, epsilon)
				id, g := d.Launch()
				check := func(id kernel.ID, g kernel.Grid) {
					run(r, id, g, d.SampleArgs)
					got := down[int32](r, d.Rows.Action, len(d.traj))
					l.each(func(lane, i int) {
						row := l.global(lane, i)
						require.Equal(t, d.want(l, lane, i), got[row], "%v: lane %d row %d", id, lane, i)
						got[row] = -9
					})
					for row, a := range got {
						require.Equal(t, int32(-9), a, "row %d is outside of the span", row)
					}
				}
				check(id, g)
				empty := make([]int32, len(d.traj))
				for i := range empty {
					empty[i] = -9
				}
				d.Rows.Action = up(r, empty)
				check(kernel.SampleWide, kernel.Grid{X: (c.rows + 3) / 4, Y: len(l.n), Threads: 128})
			})
		}
	}
}

// Given actions are taken where they are allowed, else the row says -1; the logits of such rows are not read.
func TestSampleGiven(t *testing.T) {
	for _, n := range []int{5, 70} {
		r := newRig(t)
		l := stepLayout(40)
		d := r.draws(l, n, 0)
		at, length, list := make([]int32, len(d.traj)), make([]int32, len(d.traj)), []int32{}
		for i := range at { // trajectory i: drawn, too short, or an action of any kind at step 6
			at[i] = -1
			if i%3 == 0 {
				continue
			}
			at[i], length[i] = int32(len(list)), int32(i%4+5)
			for range length[i] {
				list = append(list, int32(r.rnd.IntN(n+2)-1))
			}
		}
		d.GivenAt, d.GivenLen, d.Given = up(r, at), up(r, length), up(r, list)
		id, g := d.Launch()
		run(r, id, g, d.SampleArgs)
		got := down[int32](r, d.Rows.Action, len(d.traj))
		kinds := map[string]int{}
		l.each(func(lane, i int) {
			row := l.global(lane, i)
			want, t := d.want(l, lane, i), d.traj[row]
			if want != -9 && at[t] >= 0 {
				want = -1
				if 6 < length[t] {
					if a := list[at[t]+6]; a >= 0 && int(a) < n && d.mask[row*int(d.FW)+int(a)/32]>>(a%32)&1 != 0 {
						want = a
						kinds["allowed"]++
					} else {
						kinds["refused"]++
					}
				}
			}
			require.Equal(r.t, want, got[row])
		})
		require.Greater(t, min(kinds["allowed"], kinds["refused"]), 2, "the case tests nothing")
	}
}

// A lane with a fault stands still.
func TestSampleAfterFault(t *testing.T) {
	r := newRig(t)
	l := stepLayout(40)
	d := r.draws(l, 5, 0)
	d.Live.Fault = up(r, []int32{0, 0, 0, 0, kernel.FaultSteps, 1, 2, 3, 0, 0, 0, 0})
	id, g := d.Launch()
	run(r, id, g, d.SampleArgs)
	got := down[int32](r, d.Rows.Action, len(d.traj))
	l.each(func(lane, i int) {
		want := d.want(l, lane, i)
		if lane == 1 {
			want = -9
		}
		require.Equal(t, want, got[l.global(lane, i)])
	})
}
