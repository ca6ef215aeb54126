package cpu

import (
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-ml/sluice/f32"
	"github.com/sluice-ml/sluice/graph"
)

// pool is a fixed set of workers. Worker 0 is the caller itself, so one worker costs what no worker costs; the others are goroutines.
// Between jobs a goroutine looks for work for some microseconds and then sleeps; waking allocates nothing.
type pool[T f32.Float] struct {
	mu      sync.Mutex // one job at a time
	workers []*worker[T]
	job     func(w *worker[T], i int)
	n       int
	next    atomic.Int64
	left    atomic.Int64 // jobs not done
	pending atomic.Int32 // goroutines still at the job
	broken  atomic.Pointer[graph.Panic]
	asleep  atomic.Bool   // the caller waits for done
	done    chan struct{} // one token, for a caller that sleeps
	spins   bool          // looks before sleeping; not where another thread needs the processor
	closing bool
}

// What a worker is doing.
const (
	looking  = int32(iota) // for work
	posted                 // there is some
	sleeping               // until woken
)

// How long a worker looks before it sleeps.
const (
	patience = 50 * time.Microsecond  // between jobs: longer than the serial pieces of an iteration, too short for anyone to miss
	zeal     = 200 * time.Microsecond // for a share of a job: from one large product to the next is less, or else the job is not worth it
)

// worker is one goroutine's scratch memory. It grows to what the largest program needs and stays.
type worker[T f32.Float] struct {
	id      int
	state   atomic.Int32
	wake    chan struct{} // one token, for a worker that sleeps
	pack    packer
	scratch []T // one block of Scratch columns
	spill   []T // one block of Saved columns, where the lane keeps none
	dlogits []T // one row of exponentials
	turned  []T // a narrow layer's gradient

	// What kernels get the address of lies here: on the stack it would escape through the calls by table.
	part [f32.Lanes]T // partial sums of squares
	adam [10]T        // constants of the optimiser
	soft softmaxBlock
	q    product[T] // the running product
}

func newPool[T f32.Float](n int) *pool[T] {
	p := &pool[T]{done: make(chan struct{}, 1), spins: n <= runtime.GOMAXPROCS(0)}
	for i := range n {
		w := &worker[T]{id: i}
		w.pack.shares = n > 1 && p.spins
		p.workers = append(p.workers, w)
		if i > 0 {
			w.wake = make(chan struct{}, 1)
			go p.serve(w)
		}
	}
	return p
}

// serve is a goroutine's life.
func (p *pool[T]) serve(w *worker[T]) {
	for {
		for !p.look(patience, func() bool { return w.state.Load() == posted }) {
			if w.state.CompareAndSwap(looking, sleeping) {
				<-w.wake
			}
		}
		w.state.Store(looking)
		if p.closing {
			return
		}
		p.attend(w)
		if p.pending.Add(-1) == 0 && p.asleep.Swap(false) {
			p.done <- struct{}{}
		}
	}
}

// post hands the pool's job to a goroutine.
func (w *worker[T]) post() {
	if w.state.Swap(posted) == sleeping {
		w.wake <- struct{}{}
	}
}

// run calls job(w, i) for i in 0..n-1, each once, on whichever worker is free. Jobs must not depend on which one that is. A job that
// panics, as a world in Go may, panics on the caller, when no worker is at the job any more.
func (p *pool[T]) run(n int, job func(w *worker[T], i int)) { p.start(n, n, job) }

// share is run for jobs of large products, which workers without a job of their own help with, up to two workers a job.
func (p *pool[T]) share(n int, job func(w *worker[T], i int)) { p.start(2*n, n, job) }

func (p *pool[T]) start(workers, n int, job func(w *worker[T], i int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.job, p.n = job, n
	p.next.Store(0)
	p.left.Store(int64(n))
	helpers := max(min(len(p.workers), workers)-1, 0)
	p.pending.Store(int32(helpers))
	for _, w := range p.workers[1 : 1+helpers] {
		w.post()
	}
	defer p.end()
	p.work(p.workers[0])
}

// end waits for the others and forgets the job, through which the pool would hold the device and keep one that nobody closed from being
// collected.
func (p *pool[T]) end() {
	p.next.Store(int64(p.n)) // after a panic there is work left
	p.join()
	p.job = nil
	if b := p.broken.Swap(nil); b != nil {
		panic(b)
	}
}

func (p *pool[T]) join() {
	for !p.look(patience, func() bool { return p.pending.Load() == 0 }) {
		p.asleep.Store(true)
		// Whoever takes the flag back owes the other side nothing or one token.
		if p.pending.Load() == 0 && p.asleep.Swap(false) {
			return
		}
		<-p.done // perhaps from the last worker of the job before, which was slow to look: so look again
	}
}

// work does jobs and, when there is none left to take, shares of the products of those who are at one still. So the wait is short for a
// worker that has the longest lane, or a processor that does a stranger's work besides.
func (p *pool[T]) work(w *worker[T]) {
	for {
		i := int(p.next.Add(1)) - 1
		if i >= p.n {
			break
		}
		p.job(w, i)
		p.left.Add(-1)
	}
	for p.look(zeal, func() bool { return p.help(w) }) && p.left.Load() > 0 {
	}
}

// help does a share of a product of another worker and reports whether there was one, or nothing to wait for.
func (p *pool[T]) help(w *worker[T]) bool {
	for _, owner := range p.workers {
		if owner != w && w.pack.join(&owner.pack) {
			return true
		}
	}
	return p.left.Load() <= 0
}

// look asks until the answer is yes or the time is over, and returns the answer.
func (p *pool[T]) look(limit time.Duration, done func() bool) bool {
	if !p.spins {
		return done()
	}
	for start := time.Now(); ; {
		for range 32 {
			if done() {
				return true
			}
		}
		if time.Since(start) > limit {
			return false
		}
	}
}

// attend is work on a goroutine, whose panic would end the process.
func (p *pool[T]) attend(w *worker[T]) {
	defer func() {
		if v := recover(); v != nil {
			p.broken.CompareAndSwap(nil, &graph.Panic{Value: v, Stack: debug.Stack()})
			p.next.Store(int64(p.n))
		}
	}()
	p.work(w)
}

// stop ends the goroutines; what runs later runs on the caller alone.
func (p *pool[T]) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing { // by Close, and once more when the device is collected
		return
	}
	p.closing = true
	for _, w := range p.workers[1:] {
		w.post()
	}
	p.workers = p.workers[:1]
}
