package bench

import (
	"fmt"

	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/graph"
)

// This file runs workloads, an iteration at a time.

// Machine is where workloads run. It is handed in, so that this package knows no device.
type Machine struct {
	Cores   int
	Device  func(workers int, tier string) (graph.Device, error) // tier as in Workload
	Tiers   []string                                             // that Device can open
	Peak    func() float64                                       // operations a second of one thread in fused multiply-adds, two each; nil where no workload runs on the CPU
	Product func(p Product) (run func(), err error)              // p on one thread
}

// Runner is an open workload. It serves one caller at a time.
type Runner struct {
	Device string // its name
	// FLOPs is the useful arithmetic of an iteration that goes through so many transitions.
	FLOPs func(transitions float64) float64
	// Step runs an iteration and returns its transitions.
	Step func() (transitions int, err error)
	// Reset goes back to the beginning: the same parameters, and the draws that come next are those of the first time.
	Reset func() error
	// Memory is what the program holds; nil of a product.
	Memory func() graph.Memory
	Close  func()
}

// Open prepares a workload.
func (m Machine) Open(w Workload) (*Runner, error) {
	switch w.Kind {
	case GEMM:
		return m.openProduct(w)
	case Loss, Iteration, Rollout:
		r, err := m.openTrainer(w)
		if err != nil {
			return nil, fmt.Errorf("bench: %s: %w", w.Name(), err)
		}
		return r, nil
	}
	return nil, fmt.Errorf("bench: no workload is called %q", string(w.Kind))
}

func (m Machine) openProduct(w Workload) (*Runner, error) {
	p := w.Product
	run, err := m.Product(p)
	if err != nil {
		return nil, fmt.Errorf("bench: %s: %w", w.Name(), err)
	}
	dev, err := m.Device(1, "")
	if err != nil {
		return nil, err
	}
	defer dev.Close()
	return &Runner{
		Device: dev.Name(),
		FLOPs:  func(float64) float64 { return 2 * float64(p.M) * float64(p.K) * float64(p.N) },
		Step:   func() (int, error) { run(); return 0, nil },
		Reset:  func() error { return nil },
		Close:  func() {},
	}, nil
}

// openTrainer opens a workload that has a policy. The device is its own, so that none inherits memory of another.
func (m Machine) openTrainer(w Workload) (*Runner, error) {
	dev, err := m.Device(w.Workers, w.Tier)
	if err != nil {
		return nil, err
	}
	hidden := w.Hidden()
	job := Job(dev, w.Batch, hidden...)
	if w.Kind != Loss {
		w.Policy.train(&job)
	}
	t, err := gfn.New(job)
	if err != nil {
		dev.Close()
		return nil, err
	}
	r := &Runner{Device: dev.Name(), Memory: t.Memory, Close: func() { t.Close(); dev.Close() }}
	start := t.State()
	if w.Kind != Loss {
		if start, err = w.Policy.load(start); err != nil {
			r.Close()
			return nil, err
		}
	}
	draws := uint64(0)
	r.Reset = func() error { draws = 0; return t.Restore(start) }
	r.FLOPs = func(rows float64) float64 { return rows * RowFLOPs(hidden...) }
	switch w.Kind {
	case Loss:
		given := Longest(w.Batch)
		r.Step = func() (int, error) {
			_, err := t.StepOn(given)
			return w.Batch * LongestRows, err
		}
	case Iteration:
		before := int64(0)
		r.Reset = func() error { before = 0; return t.Restore(start) }
		r.Step = func() (int, error) {
			p, err := t.Step()
			n := p.Transitions - before
			before = p.Transitions
			return int(n), err
		}
	case Rollout:
		r.FLOPs = func(rows float64) float64 { return rows * ForwardFLOPs(hidden...) }
		r.Step = func() (int, error) {
			draws++
			list, err := t.Policy().Sample(w.Batch, draws)
			n := len(list) // the stop of each
			for _, d := range list {
				for _, x := range d.State {
					n += int(x)
				}
			}
			return n, err
		}
	}
	if err := r.Reset(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}
