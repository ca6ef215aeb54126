package cpu

import (
	"sync"
	"sync/atomic"

	"github.com/sluice-ml/sluice/f32"
)

// pool is a fixed set of workers. Worker 0 is the caller itself, so one worker costs what no worker costs; the others are goroutines
// that sleep on a channel between jobs. Waking allocates nothing.
type pool[T f32.Float] struct {
	mu      sync.Mutex // one job at a time
	workers []*worker[T]
	job     func(w *worker[T], i int)
	n       int
	next    atomic.Int64
	done    sync.WaitGroup
}

// worker is one goroutine's scratch memory. It grows to what the largest program needs and stays.
type worker[T f32.Float] struct {
	id      int
	wake    chan struct{}
	pack    packer
	scratch []T        // one block of Scratch columns
	spill   []T        // one block of Saved columns, where the lane keeps none
	dlogits []T        // one row of exponentials
	q       product[T] // the running product, here so that its address escapes nowhere
}

func newPool[T f32.Float](n int) *pool[T] {
	p := &pool[T]{}
	for i := range n {
		w := &worker[T]{id: i}
		p.workers = append(p.workers, w)
		if i > 0 {
			w.wake = make(chan struct{}, 1)
			go func() {
				for range w.wake {
					p.work(w)
					p.done.Done()
				}
			}()
		}
	}
	return p
}

// run calls job(w, i) for i in 0..n-1, each once, on whichever worker is free. Jobs must not depend on which one that is.
func (p *pool[T]) run(n int, job func(w *worker[T], i int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.job, p.n = job, n
	p.next.Store(0)
	helpers := min(len(p.workers), n) - 1
	for i := 1; i <= helpers; i++ {
		p.done.Add(1)
		p.workers[i].wake <- struct{}{}
	}
	p.work(p.workers[0])
	p.done.Wait()
}

func (p *pool[T]) work(w *worker[T]) {
	for {
		i := int(p.next.Add(1)) - 1
		if i >= p.n {
			return
		}
		p.job(w, i)
	}
}

// stop ends the goroutines; the pool must not run again.
func (p *pool[T]) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.workers[1:] {
		if w.wake != nil {
			close(w.wake)
			w.wake = nil
		}
	}
	p.workers = p.workers[:1]
}
