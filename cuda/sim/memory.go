package sim

import (
	"encoding/binary"
	"fmt"
	"sort"
	"sync"
)

// This file is device memory: allocations apart from each other, each with a byte a byte that says whether it was written, and under
// Config.Race two records a word that say who touched it last.

const (
	deviceBase = 0x7f00_0000_0000
	guard      = 1 << 20          // bytes between allocations: what overruns one meets nothing
	sharedBase = 0x0100_0000_0000 // of a block's shared memory among generic addresses
	sharedEnd  = sharedBase + 1<<24
	alignment  = 256
)

// Calls that memory refuses.
type errMemory struct{ asked, free int64 }

func (e errMemory) Error() string {
	return fmt.Sprintf("sim: out of device memory: %d bytes asked, %d free", e.asked, e.free)
}

type memory struct {
	cfg  *Config
	list []*allocation // by address, the freed ones too
	next uint64
	card *card
}

// card is what the contexts of a device share: how much of its memory is in use. What one does not give back stays in use until the last
// has gone, as it does in a device's primary context.
type card struct {
	mu    sync.Mutex
	used  int64
	users int
}

// take is room for bytes of total, or how much there is.
func (c *card) take(bytes, total int64) (free int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if free = total - c.used; bytes < 0 || bytes > free {
		return free, false
	}
	c.used += bytes
	return free - bytes, true
}

func (c *card) give(bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used -= bytes
}

func (c *card) open() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users++
}

func (c *card) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.users--; c.users == 0 {
		c.used = 0
	}
}

type allocation struct {
	base, size uint64
	cells      // size bytes
	freed      bool
}

// cells are bytes with their marks.
type cells struct {
	data  []byte
	init  []byte   // 1 where written; nil where nobody asks
	wrote []access // by word; nil where nobody asks
	read  []access
}

func newCells(n int, cfg *Config) cells {
	c := cells{data: make([]byte, n)}
	for i := range c.data {
		c.data[i] = 0xff // floats read as NaN, numbers as wild
	}
	if cfg.Init {
		c.init = make([]byte, n)
	}
	if cfg.Race {
		c.wrote, c.read = make([]access, n/4+1), make([]access, n/4+1)
	}
	return c
}

func (c *cells) mark(from, n uint64) {
	if c.init != nil {
		for i := range c.init[from : from+n] {
			c.init[from+uint64(i)] = 1
		}
	}
}

// unwritten is the first byte of a range that nobody wrote, -1 if all were.
func (c *cells) unwritten(from, n uint64) int {
	if c.init == nil {
		return -1
	}
	if n == 4 {
		if binary.LittleEndian.Uint32(c.init[from:]) == 0x01010101 {
			return -1
		}
	}
	for i, b := range c.init[from : from+n] {
		if b == 0 {
			return i
		}
	}
	return -1
}

// Alloc is room for that many bytes, at a multiple of 256, holding nothing that may be read.
func (m *Machine) Alloc(bytes int) (uint64, error) {
	if free, ok := m.mem.card.take(int64(bytes), m.cfg.Memory); !ok {
		return 0, errMemory{int64(bytes), free}
	}
	a := &allocation{base: m.mem.next, size: uint64(bytes), cells: newCells(bytes, &m.cfg)}
	m.mem.list = append(m.mem.list, a)
	m.mem.next += (a.size + guard + alignment - 1) &^ (alignment - 1)
	return a.base, nil
}

// Free gives an allocation back. Later accesses are faults.
func (m *Machine) Free(addr uint64) error {
	a := m.mem.find(addr)
	switch {
	case a == nil || a.base != addr:
		return &Fault{Kind: OutOfBounds, Detail: fmt.Sprintf("free of %#x, which is no allocation", addr)}
	case a.freed:
		return &Fault{Kind: DoubleFree, Detail: fmt.Sprintf("%#x", addr)}
	}
	a.freed = true
	a.cells = cells{}
	m.mem.card.give(int64(a.size))
	return nil
}

// find is the allocation that begins at addr or last before it.
func (m *memory) find(addr uint64) *allocation {
	i := sort.Search(len(m.list), func(i int) bool { return m.list[i].base > addr }) - 1
	if i < 0 {
		return nil
	}
	return m.list[i]
}

// holds says whether n bytes from addr on are the allocation's.
func (a *allocation) holds(addr, n uint64) bool {
	return !a.freed && addr >= a.base && n <= a.size && addr-a.base <= a.size-n
}

// where describes an address that no allocation holds n bytes at.
func (m *memory) where(addr, n uint64) (FaultKind, string) {
	a := m.find(addr)
	switch {
	case a == nil:
		return OutOfBounds, fmt.Sprintf("%#x is no device address", addr)
	case a.freed && addr < a.base+a.size:
		return UseAfterFree, fmt.Sprintf("%#x is byte %d of an allocation that was freed", addr, addr-a.base)
	case addr >= a.base+a.size:
		return OutOfBounds, fmt.Sprintf("%#x is %d bytes past the end of an allocation of %d", addr, addr-a.base-a.size, a.size)
	}
	return OutOfBounds, fmt.Sprintf("%d bytes at byte %d of an allocation of %d", n, addr-a.base, a.size)
}

// span is the bytes of a copy by the host.
func (m *Machine) span(addr uint64, n int) (*allocation, uint64, error) {
	a := m.mem.find(addr)
	if a == nil || !a.holds(addr, uint64(n)) {
		kind, text := m.mem.where(addr, uint64(n))
		return nil, 0, &Fault{Kind: kind, Detail: fmt.Sprintf("a copy of %d bytes: %s", n, text)}
	}
	return a, addr - a.base, nil
}

// Write copies bytes to the device.
func (m *Machine) Write(addr uint64, src []byte) error {
	if len(src) == 0 {
		return nil
	}
	a, at, err := m.span(addr, len(src))
	if err != nil {
		return err
	}
	copy(a.data[at:], src)
	a.mark(at, uint64(len(src)))
	return nil
}

// Read copies bytes from the device.
func (m *Machine) Read(dst []byte, addr uint64) error {
	if len(dst) == 0 {
		return nil
	}
	a, at, err := m.span(addr, len(dst))
	if err != nil {
		return err
	}
	if i := a.unwritten(at, uint64(len(dst))); i >= 0 {
		return &Fault{Kind: Uninitialised, Detail: fmt.Sprintf("a copy to the host of byte %d of an allocation of %d", int(at)+i, a.size)}
	}
	copy(dst, a.data[at:])
	return nil
}

// Copy moves bytes on the device; what nobody wrote stays so.
func (m *Machine) Copy(dst, src uint64, n int) error {
	if n == 0 {
		return nil
	}
	from, i, err := m.span(src, n)
	if err != nil {
		return err
	}
	to, j, err := m.span(dst, n)
	if err != nil {
		return err
	}
	copy(to.data[j:j+uint64(n)], from.data[i:])
	if to.init != nil {
		copy(to.init[j:j+uint64(n)], from.init[i:])
	}
	return nil
}

// Fill32 writes a word n times.
func (m *Machine) Fill32(addr uint64, value uint32, n int) error {
	if n == 0 {
		return nil
	}
	a, at, err := m.span(addr, 4*n)
	if err != nil {
		return err
	}
	for i := range n {
		binary.LittleEndian.PutUint32(a.data[at+4*uint64(i):], value)
	}
	a.mark(at, uint64(4*n))
	return nil
}
