package sim

import (
	"fmt"

	"github.com/sluice-ml/sluice/cuda/ptx"
)

// Kernel is an entry, translated to functions on warps.
type Kernel struct {
	mod  *Module
	tree *ptx.Kernel
	code []instr

	narrow, wide, preds int        // registers: of 32 bits and less, of 64, predicates
	slots               []int      // of each register of the tree, in its file
	constants           []constant // in either file
	specials            []special  // in the narrow file
	blk                 *block     // reused from launch to launch of one shape
}

type constant struct {
	wide  bool
	slot  int
	value uint64
}

type special struct {
	name string
	slot int
}

// class says how the scheduler treats an instruction.
type class uint8

const (
	plain class = iota
	branch
	leave
	barrier
	together // warp-synchronous
)

type instr struct {
	class  class
	guard  int // predicate, -1 for none
	not    bool
	ffma   bool
	target int32
	run    func(w *warp, lanes uint32)
	mask   int // of together: slot of the member mask
	line   int
	text   string
	last   *allocation // that it met last
}

const (
	full       = ^uint32(0)
	maxThreads = 1024
	maxShared  = 48 << 10
)

// Attributes of a kernel.
func (k *Kernel) Attributes() (registers, shared, threads int) {
	threads = k.tree.MaxThreads
	if threads == 0 {
		threads = maxThreads
	}
	return len(k.tree.Regs), k.tree.SharedSize, threads
}

// ParamBytes is the length of its argument buffer.
func (k *Kernel) ParamBytes() int { return k.tree.ParamBytes }

// check refuses what a GPU would not launch.
func (k *Kernel) check(grid, dim [3]int, shared int, params []byte) error {
	refuse := func(format string, args ...any) error {
		return &Fault{Kind: LaunchRefused, Kernel: k.tree.Name, Detail: fmt.Sprintf(format, args...)}
	}
	for i, most := range [3]int{1<<31 - 1, 65535, 65535} {
		if grid[i] < 1 || grid[i] > most {
			return refuse("a grid of %v blocks", grid)
		}
	}
	for i, most := range [3]int{1024, 1024, 64} {
		if dim[i] < 1 || dim[i] > most {
			return refuse("a block of %v threads", dim)
		}
	}
	if n := dim[0] * dim[1] * dim[2]; n > maxThreads || k.tree.MaxThreads > 0 && n > k.tree.MaxThreads {
		return refuse("a block of %d threads, at most %d", n, k.tree.MaxThreads)
	}
	if n := k.tree.SharedSize + shared; shared < 0 || n > maxShared {
		return refuse("%d bytes of shared memory, at most %d", n, maxShared)
	}
	if len(params) != k.tree.ParamBytes {
		return refuse("%d bytes of arguments, not %d", len(params), k.tree.ParamBytes)
	}
	return nil
}

// Launch runs the kernel on a grid of blocks of threads, with so many bytes of dynamic shared memory and the bytes of its parameters
// as they lie in a C struct. An error is a *Fault; what was written before it stays written.
func (k *Kernel) Launch(grid, dim [3]int, shared int, params []byte) (err error) {
	if err := k.check(grid, dim, shared, params); err != nil {
		return err
	}
	m := k.mod.m
	m.launches++
	c := m.counters[k.tree.Name]
	if c == nil {
		c = &Counters{}
		m.counters[k.tree.Name] = c
	}
	c.Launches++
	b := k.block(dim, shared)
	b.grid, b.params, b.count = grid, params, c
	b.left = m.cfg.Limit
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(*Fault)
			if !ok {
				panic(r)
			}
			k.blk, err = nil, f // it may be anywhere in the code
		}
	}()
	total := grid[0] * grid[1] * grid[2]
	turn := 0
	if m.cfg.Seed != 0 {
		turn = m.pick(total)
	}
	for i := range total {
		n := (i + turn) % total
		b.run(n)
	}
	return nil
}
