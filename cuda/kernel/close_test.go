package kernel_test

import (
	"fmt"
	"testing"

	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/f32"
)

// paths is a batch of trajectories laid out as a rollout lays them: rows of a lane step by step, linked.
type paths struct {
	l                      layout
	traj, next, prev, role []int32
	first, last            []int32
	rows                   kernel.Rows
	trajs                  kernel.Trajs
	count                  int
}

// paths has lanes*perLane trajectories of up to most rows; some end in a row of role end.
func (r *rig) paths(lanes, perLane, most int) *paths {
	p := &paths{count: lanes * perLane}
	p.l.cap = perLane*most + 3
	p.l.longest = p.l.cap
	n := lanes * p.l.cap
	for _, x := range []*[]int32{&p.traj, &p.next, &p.prev, &p.role} {
		*x = make([]int32, n)
	}
	p.first, p.last = make([]int32, p.count), make([]int32, p.count)
	for lane := range lanes {
		row := lane * p.l.cap
		length := make([]int, perLane)
		for i := range length {
			length[i] = 1 + r.rnd.IntN(most)
		}
		newest := make([]int32, perLane)
		for step := range most {
			for i := range perLane {
				if step >= length[i] {
					continue
				}
				t := lane*perLane + i
				p.traj[row], p.next[row], p.prev[row], p.role[row] = int32(t), -1, -1, 0
				if step == 0 {
					p.first[t] = int32(row)
				} else {
					p.prev[row] = newest[i]
					p.next[newest[i]] = int32(row)
				}
				end := i%3 == 1 && length[i] > 1
				switch {
				case end && step == length[i]-1:
					p.role[row] = 2
				case end && step == length[i]-2, !end && step == length[i]-1:
					p.role[row], p.last[t] = 1, int32(row)
				}
				newest[i] = int32(row)
				row++
			}
		}
		p.l.lo, p.l.n = append(p.l.lo, 0), append(p.l.n, row-lane*p.l.cap)
	}
	p.rows = kernel.Rows{Traj: up(r, p.traj), Next: up(r, p.next), Prev: up(r, p.prev), Role: up(r, p.role)}
	p.trajs = kernel.Trajs{First: up(r, p.first), Last: up(r, p.last)}
	return p
}

func TestCollect(t *testing.T) {
	for _, perLane := range []int{1, 31, 32, 33, 300} {
		r := newRig(t)
		p := r.paths(2, perLane, 9)
		x := r.matrix(p.l, 1, 2, false)
		for op := range int32(3) {
			a := kernel.CollectArgs{Out: r.blank(p.count), X: x.Val, Rows: p.rows, Trajs: p.trajs, Op: op, Count: int32(p.count)}
			run(r, kernel.Collect, kernel.JointGrid(p.count), a)
			want := make([]float32, p.count)
			for i := range want {
				switch op {
				case 0:
					var s f32.Sum[float32]
					for row := p.first[i]; row >= 0 && p.role[row] != 2; row = p.next[row] {
						s.Add(x.x[2*row])
					}
					want[i] = s.Value()
				case 1:
					want[i] = x.x[2*p.last[i]]
				case 2:
					want[i] = x.x[2*p.first[i]]
				}
			}
			same(t, want, down[float32](r, a.Out, p.count), fmt.Sprint("op ", op))
		}
	}
}

func TestCarry(t *testing.T) {
	for _, perLane := range []int{1, 33, 200} {
		r := newRig(t)
		p := r.paths(2, perLane, 9)
		x := r.matrix(p.l, 1, 1, false)
		joint := r.floats(p.count)
		for op := range int32(6) {
			out := r.matrix(p.l, 1, 1, false)
			a := kernel.CarryArgs{Span: p.l.span(r, false), Out: out.Val, X: x.Val, Joint: up(r, joint), Rows: p.rows, Op: op}
			run(r, kernel.Carry, kernel.ElementsGrid(p.l.longest, 2, 1), a)
			p.l.each(func(lane, i int) {
				row := p.l.global(lane, i)
				next, prev, mine := p.next[row], p.prev[row], joint[p.traj[row]]
				v := float32(0)
				switch {
				case op == 0 && p.role[row] != 2, op == 5 && prev < 0, op == 3 && p.role[row] == 1:
					v = mine
				case op == 1 && next >= 0, op == 3 && p.role[row] == 0:
					v = x.x[next]
				case op == 2 && prev >= 0, op == 4 && prev >= 0 && p.role[prev] == 0:
					v = x.x[prev]
				}
				out.row(lane, i)[0] = v
			})
			out.check(r, fmt.Sprint("op ", op))
		}
	}
}

func tree(x []float32) float32 { return f32.Tree(append([]float32(nil), x...)) }

func TestTotal(t *testing.T) {
	const steps = 12345
	for _, n := range []int{1, 2, 3, 31, 32, 33, 255, 1000, 1024, 1025, 2049, 5000} {
		r := newRig(t)
		x, b := r.floats(n), r.floats(1)
		count := float32(n)
		mean := tree(x) / count
		square, slope, spread, share := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
		for i, v := range x {
			square[i] = (v - mean) * (v - mean)
			slope[i] = 2 / count * b[0] * (v - mean)
			spread[i], share[i] = x[0], x[0]/count
		}
		want := [][]float32{{tree(x)}, {mean}, share, {x[0] / steps}, {tree(square) / count}, slope, spread}
		for op, w := range want {
			a := kernel.TotalArgs{Out: r.blank(len(w)), A: up(r, x), B: up(r, b), Tree: r.blank(n), Steps: up(r, []int32{steps}), Op: int32(op), Count: int32(n)}
			run(r, kernel.Total, kernel.TotalGrid(), a)
			same(t, w, down[float32](r, a.Out, len(w)), fmt.Sprintf("op %d of %d", op, n))
			same(t, x, down[float32](r, a.A, n), "the values are left as they are")
		}
	}
}
