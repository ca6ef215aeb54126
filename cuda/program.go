package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/graph"
)

// program is a Plan with the memory it works on. Its entries run whole on the device's thread, as jobs bound once; what they work on
// lies in the program, so that starting one allocates nothing.
type program struct {
	dev  *device
	o    *owner
	plan *graph.Plan
	mem  *arena

	step      [][]graph.Instr // Step in runs: see runs
	heads     [][]graph.Instr // Step's slice for Eval
	undrawn   [][]graph.Instr // Step without OpSample
	backFull  [][]graph.Instr // of pieces all of whose rows every lane has, in the fast mode
	recompute [][]graph.Instr // Step's slice for Saved values that were dropped
	stack     []graph.Instr   // what walk multiplies, nil if it does not know this Plan
	back      [][]graph.Instr // Backward
	groups    map[string]int

	shape           // of the running batch
	held   holdings // device memory
	pin    pages    // host memory
	shots  map[playKey]*shot
	moved  int  // mem.moved when shots were taken
	walked walk // of a rollout that the host steps
	drawn  bool // some action is

	// Arguments and results of the entry under way.
	src     graph.Source
	host    graph.Host
	params  driver.Ptr
	grads   driver.Ptr
	moments driver.Ptr
	rule    graph.Rule
	scalars graph.Scalars
	at      int // the parameter that Outcome brings along
	outcome graph.Outcome
	states  []int32
	dst     [][]float64
	want    graph.Ref // of Read
	out     []float64
	failure error // an ordinary error of this call: the device goes on

	rows, steps       int  // of the batch
	longest, shortest int  // rows of a lane
	fetched           bool // actions and links are on the host
	scored            bool // log R is on the device already
	rewarded, rated   bool // the device may still be reading the rewards, the rates, in host memory

	rolloutJob, settleJob, closeJob, backwardJob, updateJob, outcomeJob func()
	evalJob, readJob, fetchJob                                          func()
	emitPart, emitForward, emitClose, emitChunk, emitSums, emitUpdate   func()
	part, chunk                                                         int // what emitPart, emitForward and emitChunk emit
}

const badClass = "cuda: an operand of this class cannot stand here"

var errNoHost = errors.New("cuda: the world is Go code, so a rollout needs a host to step it")

func compile(d *device, plan *graph.Plan) (*program, error) {
	p := &program{dev: d, o: d.o, plan: plan, mem: &arena{o: d.o}, groups: map[string]int{}, shots: map[playKey]*shot{}}
	for _, entry := range [][]graph.Instr{plan.Step, plan.Close, plan.Backward} {
		for _, in := range entry {
			if in.Op > graph.OpFirstBack {
				return nil, fmt.Errorf("cuda: no kernel for op %v", in.Op)
			}
		}
	}
	for i, g := range plan.Params.Groups() {
		p.groups[g] = i
	}
	var want []graph.Ref
	for _, h := range plan.Heads {
		want = append(want, h.Ref)
	}
	p.step, p.heads = runs(plan.Step), runs(slice(plan.Step, want))
	want = want[:0]
	for _, in := range plan.Backward {
		for _, r := range []graph.Ref{in.A, in.B, in.C} {
			if r.Class == graph.Saved {
				want = append(want, r)
			}
		}
	}
	p.recompute, p.back = runs(slice(plan.Step, want)), runs(plan.Backward)
	if p.o.blas != nil {
		list := ungated(plan.Backward)
		p.back, p.backFull = runs(list), runs(unbiased(list))
	}
	p.undrawn = runs(slices.DeleteFunc(slices.Clone(plan.Step), func(in graph.Instr) bool { return in.Op == graph.OpSample }))
	p.stack = stackOf(plan)
	p.rolloutJob, p.closeJob, p.backwardJob, p.updateJob = p.rollout, p.closing, p.backward, p.update
	p.settleJob, p.outcomeJob = p.settle, p.conclude
	p.evalJob, p.readJob, p.fetchJob = p.evaluate, p.read, p.fetch
	p.emitPart, p.emitForward, p.emitClose = p.emitSteps, p.emitUndrawn, p.emitClosing
	p.emitChunk, p.emitSums, p.emitUpdate = p.emitBack, p.emitReduce, p.emitRule
	if err := d.o.do(func() { p.failure = p.reserveFixed() }); err != nil {
		return nil, err
	}
	if p.failure != nil {
		return nil, p.failure
	}
	runtime.AddCleanup(p, (*arena).abandon, p.mem)
	return p, nil
}

// slice is the instructions of list that the values of want need, in order, drawing no action.
func slice(list []graph.Instr, want []graph.Ref) []graph.Instr {
	need := map[graph.Ref]bool{}
	for _, r := range want {
		need[r] = true
	}
	var out []graph.Instr
	for _, in := range slices.Backward(list) {
		if in.Op == graph.OpSample || !need[in.Out] {
			continue
		}
		out = append(out, in)
		for _, r := range []graph.Ref{in.A, in.B, in.C} {
			need[r] = true
		}
	}
	slices.Reverse(out)
	return out
}

// run is one entry on the device's thread. An ordinary error leaves the device usable.
func (p *program) run(job func()) error {
	p.failure = nil
	if err := p.o.do(job); err != nil {
		return err
	}
	return p.failure
}

func (p *program) Rollout(params graph.Buffer, src graph.Source, host graph.Host) (graph.Batch, error) {
	if err := p.cut(src); err != nil {
		return graph.Batch{}, err
	}
	if host == nil && p.plan.World.Moves == nil {
		return graph.Batch{}, errNoHost
	}
	p.src, p.host, p.params = src, host, params.(*buffer).a.p
	if err := p.run(p.rolloutJob); err != nil {
		return graph.Batch{}, err
	}
	n := src.Count
	b := graph.Batch{Count: n, Rows: p.rows, Steps: p.steps,
		Terminal: as[int32](p.pin.terminal.b, n*p.plan.World.Ints), Length: as[int32](p.pin.length.b, n)}
	if p.plan.Reward == nil {
		return b, nil
	}
	b.LogR = as[float32](p.pin.logR.b, n)
	if host != nil {
		if err := p.checkScored(b); err != nil {
			return graph.Batch{}, err
		}
	}
	return b, nil
}

func (p *program) Reward(logR []float32) {
	if len(logR) != p.src.Count {
		panic("cuda: rewards and trajectories differ in number")
	}
	if p.rewarded {
		_ = p.run(p.settleJob) // what fails is the next entry's error, too
	}
	p.scored = false
	copy(as[float32](p.pin.logR.b, len(logR)), logR)
}

func (p *program) Close(params graph.Buffer) error {
	p.params = params.(*buffer).a.p
	return p.run(p.closeJob)
}

func (p *program) Backward(params, grads graph.Buffer) error {
	p.params, p.grads = params.(*buffer).a.p, grads.(*buffer).a.p
	return p.run(p.backwardJob)
}

func (p *program) Update(params, grads, moments graph.Buffer, rule graph.Rule, s graph.Scalars) error {
	p.params, p.grads, p.moments = params.(*buffer).a.p, grads.(*buffer).a.p, 0
	if moments != nil {
		p.moments = moments.(*buffer).a.p
	}
	p.rule, p.scalars = rule, s
	return p.run(p.updateJob)
}

func (p *program) Outcome(params graph.Buffer, at int) (graph.Outcome, error) {
	p.at = at
	if at >= 0 {
		b := params.(*buffer)
		b.inside(at, 1)
		p.params = b.a.p
	}
	if err := p.run(p.outcomeJob); err != nil {
		return graph.Outcome{}, err
	}
	return p.outcome, nil
}

func (p *program) Eval(params graph.Buffer, states []int32, dst [][]float64) error {
	p.params, p.states, p.dst = params.(*buffer).a.p, states, dst
	err := p.run(p.evalJob)
	p.states, p.dst = nil, nil
	return err
}

func (p *program) Free() {
	_ = p.o.do(func() { // a device that failed or is closed has nothing to give back
		p.settle()
		p.forget()
		p.mem.free()
	})
	p.held, p.pin = holdings{}, pages{}
}

// Memory counts row data, Kept and Saved of the rows held; everything that does not grow with them is Scratch.
func (p *program) Memory() graph.Memory {
	m := graph.Memory{RowsHeld: p.held.rows, GradBytes: int(p.held.grads.bytes)}
	m.RowBytes = p.held.rows * p.bytesPerRow(p.held.saving)
	for _, a := range []*array{&p.held.scratch, &p.held.again, &p.held.evalRows, &p.held.evalFeat, &p.held.classes, &p.held.table} {
		m.Scratch += int(a.bytes)
	}
	return m
}
