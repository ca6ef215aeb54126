//go:build (amd64 || arm64) && !noasm

package cpu

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// soon is how long a test tries until another goroutine has had its turn, which on a busy machine may take its time.
const soon = 20 * time.Second

// kernelTier is the best tier that has kernels.
func kernelTier(t *testing.T) tier {
	t.Helper()
	on := detectTier()
	if on == tierGo {
		t.Skip("no kernels on this processor")
	}
	return on
}

// processors gives the test so many, also where the machine has fewer: a pool of more workers shares nothing.
func processors(t *testing.T, n int) {
	old := runtime.GOMAXPROCS(n)
	t.Cleanup(func() { runtime.GOMAXPROCS(old) })
}

// crew are packers that join whatever owner offers.
type crew struct {
	owner   *packer
	members []*packer
	taken   atomic.Int64 // times that one of them found something
	over    atomic.Bool
	all     sync.WaitGroup
}

func newCrew(t *testing.T, members int) *crew {
	c := &crew{owner: &packer{shares: true}}
	for range members {
		w := new(packer)
		c.members = append(c.members, w)
		c.all.Go(func() {
			for !c.over.Load() {
				if w.join(c.owner) {
					c.taken.Add(1)
				}
			}
		})
	}
	t.Cleanup(c.stop)
	return c
}

func (c *crew) stop() {
	c.over.Store(true)
	c.all.Wait()
}

// help repeats a product until a member has had a share of it.
func (c *crew) help(t *testing.T, product func()) {
	t.Helper()
	before := c.taken.Load()
	for end := time.Now().Add(soon); c.taken.Load() == before && time.Now().Before(end); {
		product()
	}
	require.Greater(t, c.taken.Load(), before, "nobody ever joined")
}

// A product has its bits whoever computes which rows, in every way that a block can be cut.
func TestMatmulShared(t *testing.T) {
	for _, on := range tiers() {
		if on == tierGo {
			continue
		}
		t.Run(on.String(), func(t *testing.T) {
			c := newCrew(t, 2)
			for seed, s := range []shape{
				{m: 256, n: 128, k: 80, tA: true, acc: true},                // a weight's gradient: A and B are packed
				{m: 140, n: 80, k: 600, tA: true, acc: true},                // three blocks of it
				{m: 65, n: 256, k: 128, tB: true, gate: true, packed: true}, // the gradient by a layer's input
				{m: 65, n: 256, k: 128, bias: true, relu: true, packed: true},
				{m: 40, n: 300, k: 200},                      // B where it is, its last panel padded
				{m: 112, n: 100, k: 600, bias: true, pad: 3}, // three blocks
				{m: 180, n: 60, k: 400, tA: true},            // A where it is though transposed
			} {
				c.help(t, func() { agree(t, c.owner, on, s, uint64(seed)) })
			}
			c.stop()
			require.Zero(t, c.owner.offer.left.Load())
			require.Nil(t, c.owner.offer.block.product, "an offer that is over keeps its matrices alive")
			for _, w := range c.members {
				require.Zero(t, w.args, "so does a packer that has helped")
			}
		})
	}
}

// Drawn shapes of one to three blocks along k, all large enough, against one worker alone.
func TestSharedProductOfAnyShape(t *testing.T) {
	on := kernelTier(t)
	c := newCrew(t, 2)
	rapid.Check(t, func(t *rapid.T) {
		s := shape{m: rapid.IntRange(64, 160).Draw(t, "m"), n: rapid.IntRange(140, 300).Draw(t, "n"), tA: rapid.Bool().Draw(t, "tA"),
			tB: rapid.Bool().Draw(t, "tB"), acc: rapid.Bool().Draw(t, "acc"), relu: rapid.Bool().Draw(t, "relu"),
			bias: rapid.Bool().Draw(t, "bias"), gate: rapid.Bool().Draw(t, "gate"), packed: rapid.Bool().Draw(t, "packed")}
		least := (leastShared + s.m*s.n - 1) / (s.m * s.n)
		s.k = rapid.IntRange(1, 3).Draw(t, "blocks") * rapid.IntRange(min(least, blockK), blockK).Draw(t, "k")
		p := s.build(rapid.Uint64().Draw(t, "seed"))
		if s.packed {
			p.packed = make([]float32, packedLen(s.k, s.n))
			packB(on, p.packed, s.tB, s.k, s.n, p.b, p.ldb)
		}
		alone := *p
		alone.c = append([]float32(nil), p.c...)
		new(packer).matmul(on, &alone)
		c.owner.matmul(on, p)
		sameBits(t, alone.c, p.c, s)
	})
	require.NotZero(t, c.taken.Load())
}

// Thirty offers with next to nothing between them: who comes late to one must not take the next for it.
func TestOffersCloseTogether(t *testing.T) {
	on := kernelTier(t)
	c := newCrew(t, 3)
	p := shape{m: 112, n: 100, k: 30 * 200}.build(1)
	new(packer).matmul(on, p)
	want := p.c
	for range 5 {
		c.help(t, func() {
			p.c = make([]float32, len(want))
			c.owner.matmul(on, p)
			for i := range p.m {
				row := i * p.ldc
				sameBits(t, want[row:row+p.n], p.c[row:row+p.n], i)
			}
		})
	}
}

// A product is not over while somebody is at it.
func TestAnOwnerWaitsForThoseInside(t *testing.T) {
	on := kernelTier(t)
	owner := &packer{shares: true}
	owner.offer.inside.Add(1) // somebody who is slow
	started, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		close(started)
		owner.matmul(on, shape{m: 256, n: 256, k: 64}.build(1))
	}()
	<-started
	select {
	case <-done:
		require.Fail(t, "the product was over while somebody was at it")
	case <-time.After(50 * time.Millisecond):
	}
	owner.offer.inside.Add(-1)
	<-done
}

// watched puts kernels in place that say whose arguments they were called with.
func watched(t *testing.T, on tier, see func(args *tileArgs)) {
	real := matmulKernels[on]
	t.Cleanup(func() { matmulKernels[on] = real })
	spy := *real
	for h := range spy.tile {
		for v, f := range spy.tile[h] {
			if f != nil {
				spy.tile[h][v] = func(p *byte) {
					see((*tileArgs)(unsafe.Pointer(p)))
					f(p)
				}
			}
		}
	}
	matmulKernels[on] = &spy
}

// widePlan has a layer whose products are large.
func widePlan(t *testing.T) *graph.Plan {
	t.Helper()
	m := &graph.Moves{Kind: graph.Increment, Registers: 3, Values: 4, Stop: graph.StopAnywhere}
	b := graph.NewBuilder(graph.Shape{Ints: 3, Active: 3, Features: 12, Values: 4, Actions: 4, Stop: 3, Back: 3, Steps: m.Steps(), Moves: m})
	param := func(name string, shape ...int) graph.Node {
		return b.Param(name, "policy", graph.Init{Spread: .1}, shape...)
	}
	h := b.Act(b.Gather(param("w0", 12, 256), param("b0", 256)), graph.ReLU)
	h = b.Act(b.Linear(h, param("w1", 256, 256), param("b1", 256)), graph.ReLU)
	logits := b.Linear(h, param("w2", 256, 4), param("b2", 4))
	p, err := b.Lower(graph.Want{Policy: logits, Loss: b.Variance(b.Sub(b.Data(graph.LogR), b.SumT(b.LogPF(logits))))})
	require.NoError(t, err)
	return p
}

// Two workers compute one lane: in the gradient, in a rollout of many rows a step and in one whose trajectories are given. Nothing is
// allocated for it, and the bits are one worker's.
func TestADeviceSharesALane(t *testing.T) {
	on := kernelTier(t)
	processors(t, 2)
	plan := widePlan(t)
	var mu sync.Mutex
	workers := map[*tileArgs]bool{}
	watched(t, on, func(args *tileArgs) { mu.Lock(); workers[args] = true; mu.Unlock() })
	open := func(workers int) *program[float32] {
		q, err := opened(t, Config{Workers: workers}, on).Compile(plan)
		require.NoError(t, err)
		return q.(*program[float32])
	}
	one, two := open(1), open(2)
	_, want := gradient(t, one, 1)
	_, got := gradient(t, two, 1)
	require.Equal(t, want, got)

	params, grads := &buffer[float32]{x: make([]float32, plan.Params.Len())}, &buffer[float32]{x: make([]float32, plan.Params.Len())}
	drawn := graph.Source{Key: rng.NewKey(1), Count: 64, Lanes: 1}
	given := drawn
	for range given.Count {
		given.Given = append(given.Given, []int32{0, 1, 2, 0, 1, 3})
	}
	for name, step := range map[string]func() error{
		"rollout": func() error { _, err := two.Rollout(params, drawn, nil); return err },
		"given":   func() error { _, err := two.Rollout(params, given, nil); return err },
		"gradient": func() error {
			two.Reward(make([]float32, drawn.Count))
			return errors.Join(two.Close(params), two.Backward(params, grads))
		},
	} {
		for end := time.Now().Add(soon); ; {
			_, err := two.Rollout(params, drawn, nil)
			require.NoError(t, err)
			clear(workers)
			require.NoError(t, step())
			if len(workers) == 2 {
				break
			}
			require.True(t, time.Now().Before(end), "%s: one worker was always alone", name)
		}
	}
}

// Where nothing is large nobody is woken for it.
func TestNobodyIsWokenForSmallProducts(t *testing.T) {
	processors(t, 4)
	for _, c := range []struct {
		plan *graph.Plan
		on   tier
	}{{budgetPlan(t), detectTier()}, {widePlan(t), tierGo}} {
		q, err := opened(t, Config{Workers: 4}, c.on).Compile(c.plan)
		require.NoError(t, err)
		p := q.(*program[float32])
		require.Less(t, p.largest*graph.BlockRows, leastShared)
	}
}

// A job that panics while another's product is up for the taking, and a kernel that does, reach the caller; then the pool goes on.
func TestPanicsBesideSharedProducts(t *testing.T) {
	on := kernelTier(t)
	processors(t, 3)
	p := newPool[float32](3)
	defer p.stop()
	q := shape{m: 256, n: 256, k: 256}.build(1)
	new(packer).matmul(on, q)
	want := append([]float32(nil), q.c...)
	caught := func(job func(*worker[float32], int)) (v any) {
		defer func() { v = recover() }()
		p.share(2, job)
		return nil
	}
	for range 20 {
		require.NotNil(t, caught(func(w *worker[float32], i int) {
			if i == 1 {
				panic("wrong")
			}
			w.pack.matmul(on, q)
		}))
	}
	var owner atomic.Pointer[tileArgs]
	var helpers atomic.Bool // panic, and not the owner
	watched(t, on, func(args *tileArgs) {
		if o := owner.Load(); o != nil && (args != o) == helpers.Load() {
			panic("a kernel")
		}
	})
	for _, who := range []bool{false, true} {
		helpers.Store(who)
		for end := time.Now().Add(soon); ; {
			v := caught(func(w *worker[float32], i int) {
				if i == 0 {
					owner.Store(&w.pack.args)
					w.pack.matmul(on, q)
				}
			})
			if v != nil {
				break
			}
			require.True(t, time.Now().Before(end), "nobody ever helped")
		}
		for _, w := range p.workers {
			require.Zero(t, w.pack.offer.left.Load())
			require.Nil(t, w.pack.offer.block.product)
		}
	}
	owner.Store(nil)
	for range 20 {
		clear(q.c)
		require.Nil(t, caught(func(w *worker[float32], i int) {
			if i == 0 {
				w.pack.matmul(on, q)
			}
		}))
		require.Equal(t, want, q.c)
	}
	require.Zero(t, p.left.Load())
}
