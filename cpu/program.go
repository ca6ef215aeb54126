package cpu

import (
	"fmt"
	"slices"

	"github.com/sluice-ml/sluice/f32"
	"github.com/sluice-ml/sluice/graph"
)

// program is a Plan with the memory it works on. Its entries run lane by lane on the device's workers; the jobs are bound once,
// so that starting one allocates nothing.
type program[T f32.Float] struct {
	dev      *device[T]
	plan     *graph.Plan
	fast     *rowKernels // of the device's tier; nil for the definition
	keptCols []int       // width of the Kept value that starts at a column, 0 elsewhere

	heads     []graph.Instr // Step's slice for Eval
	uniform   []T           // 0 - log n, the log-probability of one of n; +0 for one
	undrawn   []graph.Instr // Step without OpSample
	recompute []graph.Instr // Step's slice for the Saved values of a dropped block

	forward, back []*pack[T] // weights by direction
	packs         []*pack[T] // those being packed
	stepPack      []*pack[T] // of plan.Step, heads, recompute, plan.Backward, by instruction
	headPack      []*pack[T]
	undrawnPack   []*pack[T]
	againPack     []*pack[T]
	backPack      []*pack[T]
	thin          []*pack[T] // those of forward that are narrow
	thinPack      []*pack[T] // stepPack without the others
	rollPack      []*pack[T] // stepPack, or thinPack while lanes are too thin for it

	allPacked bool // all of forward, for this batch
	largest   int  // multiply-adds a row of the largest product that workers may share; 0 for none

	lanes      []lane[T]
	active     int // lanes of the running batch
	src        graph.Source
	host       graph.Host
	params     []T
	grads      []T // destination of Backward
	traj       [][]T
	logR       []T
	scored     []float32 // log R as Rollout returns it, of a Plan with a Reward
	scalars    []T
	closeGrads []T
	first      []int32 // first row of each trajectory, in its lane
	last       []int32 // row of role last
	terminal   []int32
	length     []int32
	steps      int
	tree       []T // one float a trajectory, for pairwise trees
	norms      []T

	evalLanes  []lane[T] // one a worker
	evalStates []int32
	evalDst    [][]float64
	update     updateArgs[T]

	laneJob, backJob, packJob, reduceJob, evalJob, normJob, updateJob func(*worker[T], int)
}

func compile[T f32.Float](d *device[T], plan *graph.Plan) (*program[T], error) {
	p := &program[T]{dev: d, plan: plan, fast: rowTable[d.tier], keptCols: make([]int, plan.KeptCols), scalars: make([]T, plan.Scalars),
		traj: make([][]T, plan.TrajCols), closeGrads: make([]T, plan.Params.Len())}
	for _, entry := range [][]graph.Instr{plan.Step, plan.Close, plan.Backward} {
		for _, in := range entry {
			if int(in.Op) >= len(opKnown) || !opKnown[in.Op] {
				return nil, fmt.Errorf("cpu: no instruction for op %v", in.Op)
			}
			for _, r := range []graph.Ref{in.Out, in.A, in.B, in.C} {
				if r.Class == graph.Kept {
					p.keptCols[r.Off] = max(p.keptCols[r.Off], r.Cols)
				}
			}
		}
	}
	var want []graph.Ref
	for _, h := range plan.Heads {
		want = append(want, h.Ref)
	}
	p.heads = slice(plan.Step, want)
	want = want[:0]
	for _, in := range plan.Backward {
		for _, r := range []graph.Ref{in.A, in.B, in.C} {
			if r.Class == graph.Saved {
				want = append(want, r)
			}
		}
	}
	p.recompute = slice(plan.Step, want)
	for n := range plan.World.Back + 1 {
		p.uniform = append(p.uniform, 0-log(T(n)))
	}
	p.undrawn = slices.DeleteFunc(slices.Clone(plan.Step), func(in graph.Instr) bool { return in.Op == graph.OpSample })
	p.undrawnPack = p.packsOf(p.undrawn, &p.forward)
	p.stepPack, p.headPack = p.packsOf(plan.Step, &p.forward), p.packsOf(p.heads, &p.forward)
	p.againPack, p.backPack = p.packsOf(p.recompute, &p.forward), p.packsOf(plan.Backward, &p.back)
	for _, q := range append(slices.Clone(p.forward), p.back...) {
		p.largest = max(p.largest, q.k*q.n)
	}
	p.thin, p.thinPack = slices.DeleteFunc(slices.Clone(p.forward), (*pack[T]).wide), slices.Clone(p.stepPack)
	for i, q := range p.thinPack {
		if q != nil && q.wide() {
			p.thinPack[i] = nil
		}
	}
	p.laneJob, p.backJob, p.packJob, p.reduceJob = p.rollLane, p.backLane, p.packOne, p.reduceRange
	p.evalJob, p.normJob, p.updateJob = p.evalBlock, p.normRange, p.updateRange
	d.pool.mu.Lock()
	defer d.pool.mu.Unlock()
	p.evalLanes = make([]lane[T], len(d.pool.workers))
	for _, w := range d.pool.workers {
		w.scratch = grown(w.scratch, plan.ScratchCols*graph.BlockRows)
		w.spill = grown(w.spill, plan.SavedCols*graph.BlockRows)
	}
	return p, nil
}

// slice is the instructions of list that the values of want need, in order, drawing no action.
func slice(list []graph.Instr, want []graph.Ref) []graph.Instr {
	need := map[graph.Ref]bool{}
	for _, r := range want {
		need[r] = true
	}
	keep := make([]bool, len(list))
	for i := len(list) - 1; i >= 0; i-- {
		in := list[i]
		if in.Op == graph.OpSample || !need[in.Out] {
			continue
		}
		keep[i] = true
		for _, r := range []graph.Ref{in.A, in.B, in.C} {
			need[r] = true
		}
	}
	var out []graph.Instr
	for i, in := range list {
		if keep[i] {
			out = append(out, in)
		}
	}
	return out
}

// reset cuts the batch into lanes.
func (p *program[T]) reset(src graph.Source) error {
	n := p.plan.Params.Len()
	lanes := src.Lanes
	if lanes == 0 {
		lanes = graph.Lanes(src.Count, n)
	}
	if src.Count < 1 || lanes < 1 || lanes > src.Count {
		return fmt.Errorf("cpu: a batch of %d trajectories in %d lanes", src.Count, lanes)
	}
	if src.Given != nil && len(src.Given) != src.Count {
		return fmt.Errorf("cpu: %d given trajectories in a batch of %d", len(src.Given), src.Count)
	}
	for len(p.lanes) < lanes {
		p.lanes = append(p.lanes, lane[T]{})
	}
	p.src, p.active = src, lanes
	for i := range p.traj {
		p.traj[i] = grown(p.traj[i], src.Count)
	}
	if p.plan.Reward != nil {
		p.scored = grown(p.scored, src.Count)
	}
	p.logR, p.tree = grown(p.logR, src.Count), grown(p.tree, src.Count)
	p.first, p.last, p.length = grown(p.first, src.Count), grown(p.last, src.Count), grown(p.length, src.Count)
	p.terminal = grown(p.terminal, src.Count*p.plan.World.Ints)
	for i := range lanes {
		l := &p.lanes[i]
		a, b := i*src.Count/lanes, (i+1)*src.Count/lanes
		l.begin(a, b-a, &p.plan.World)
	}
	return nil
}

func (p *program[T]) Reward(logR []float32) {
	if len(logR) != p.src.Count {
		panic("cpu: rewards and trajectories differ in number")
	}
	for i, v := range logR {
		p.logR[i] = T(v)
	}
}

func (p *program[T]) Read(dst []float64, o graph.Ref) {
	switch o.Class {
	case graph.Traj:
		for i := range dst {
			dst[i] = float64(p.traj[o.Off][i])
		}
	case graph.TrajData:
		for i := range dst {
			dst[i] = float64(p.logR[i])
		}
	case graph.Scalar:
		dst[0] = float64(p.scalars[o.Off])
	default:
		panic(badClass)
	}
}

// Actions walks the trajectory's rows.
func (p *program[T]) Actions(dst []int32, i int) []int32 {
	for k := range p.active {
		l := &p.lanes[k]
		if i < l.first || i >= l.first+l.count {
			continue
		}
		for r := p.first[i]; r >= 0 && l.role[r] != graph.End; r = l.next[r] {
			dst = append(dst, l.action[r])
		}
	}
	return dst
}

func (p *program[T]) Memory() graph.Memory {
	var m graph.Memory
	for i := range p.lanes {
		l := &p.lanes[i]
		m.RowsHeld += l.room
		m.RowBytes += l.bytes(p.plan)
		m.GradBytes += len(l.grads) * sizeof[T]()
	}
	m.Scratch, m.Packed = p.scratchBytes(), p.packedBytes()
	return m
}

// scratchBytes is what the workers hold for all programs of the device.
func (p *program[T]) scratchBytes() (n int) {
	p.dev.pool.mu.Lock() // another program's Compile lets them grow
	defer p.dev.pool.mu.Unlock()
	for _, w := range p.dev.pool.workers {
		n += (len(w.scratch) + len(w.spill)) * sizeof[T]()
	}
	return n
}

func (p *program[T]) packedBytes() (n int) {
	for _, list := range [][]*pack[T]{p.forward, p.back} {
		for _, q := range list {
			n += len(q.panels) * sizeof[T]()
		}
	}
	return n
}

// bytes is row data, Kept and Saved, as held.
func (l *lane[T]) bytes(p *graph.Plan) int {
	ints := len(l.feat) + len(l.mask) + len(l.bmask) + len(l.action) + len(l.undo) + len(l.traj) + len(l.next) + len(l.prev) + len(l.role)
	floats := len(l.logPB)
	for _, k := range l.kept {
		floats += len(k)
	}
	floats += len(l.saved) * p.SavedCols * graph.BlockRows
	return 4*ints + floats*sizeof[T]()
}

func sizeof[T f32.Float]() int {
	if _, wide := any(T(0)).(float64); wide {
		return 8
	}
	return 4
}

func (p *program[T]) Free() { *p = program[T]{dev: p.dev, plan: p.plan} }
