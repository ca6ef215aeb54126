package cuda

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-ml/sluice/cuda/driver"
)

// This file is who holds which memory.

// array is device memory that only grows, and loses what it held when it does.
type array struct {
	p     driver.Ptr
	bytes int64
}

// at is the address n words on.
func (a *array) at(n int) driver.Ptr {
	if a.p == 0 {
		return 0
	}
	return a.p + ptr(n)
}

// u is at as a kernel's argument.
func (a *array) u(n int) uint64 { return uint64(a.at(n)) }

// ptr is n words, to add to an address.
func ptr(n int) driver.Ptr { return driver.Ptr(4 * n) }

// pinned is page-locked host memory that only grows.
type pinned struct{ b []byte }

// arena is what a program or a buffer holds. It does not point to its holder, nor into it, so a cleanup of the holder can give it back.
type arena struct {
	o     *owner
	list  []driver.Ptr
	host  [][]byte
	moved int // counts reallocations: addresses baked into captured graphs are old after one
}

// grow makes room for n words. zero fills them once, when they are new.
func (m *arena) grow(a *array, n int, zero bool) error {
	bytes := int64(4 * n)
	if bytes <= a.bytes {
		return nil
	}
	m.o.sweep()
	m.drop(a)
	p, err := m.o.alloc(bytes)
	if err != nil {
		if !errors.Is(err, driver.ErrOutOfMemory) {
			m.o.check(err)
		}
		return err
	}
	a.p, a.bytes = p, bytes
	m.list = append(m.list, p)
	if zero {
		m.o.fill(p, n, m.o.stream[0])
	}
	return m.o.failed
}

// drop gives one array back.
func (m *arena) drop(a *array) {
	if a.p == 0 {
		return
	}
	m.o.free(a.p)
	m.list = slices.DeleteFunc(m.list, func(p driver.Ptr) bool { return p == a.p })
	*a = array{}
	m.moved++
}

var errHostMemory = errors.New("cuda: out of page-locked host memory")

// pin makes room for n words of host memory, to which no captured launch points: copies are enqueued beside graphs.
func (m *arena) pin(h *pinned, n int) error {
	if 4*n <= len(h.b) {
		return nil
	}
	if h.b != nil {
		if !m.o.freeHost(h.b) {
			return m.o.failed
		}
		m.host = slices.DeleteFunc(m.host, func(b []byte) bool { return &b[0] == &h.b[0] })
	}
	h.b = nil
	b, err := m.o.allocHost(4 * n)
	if err != nil {
		if errors.Is(err, driver.ErrOutOfMemory) { // of the host: a smaller batch's device memory would not help
			return fmt.Errorf("%w: %d bytes: %v", errHostMemory, 4*n, err)
		}
		return fmt.Errorf("cuda: page-locked host memory: %w", err)
	}
	h.b = b
	m.host = append(m.host, b)
	return nil
}

// free gives everything back, on the owner's thread. What pointed to it is the caller's to forget.
func (m *arena) free() {
	for _, p := range m.list {
		m.o.free(p)
	}
	for _, b := range m.host {
		m.o.freeHost(b)
	}
	m.list, m.host = nil, nil
	m.moved++
}

// abandon is free for a cleanup, which runs on any thread.
func (m *arena) abandon() {
	m.o.orphan(m.list, m.host)
	m.list, m.host = nil, nil
}

// MemoryError is a batch that does not fit the device.
type MemoryError struct {
	Batch int   // trajectories asked for
	Bytes int64 // that they need
	Free  int64 // that the device has left
	Fits  int   // trajectories that would fit, 0 if none
	Err   error // the driver's, wrapping driver.ErrOutOfMemory
}

func (e *MemoryError) Error() string {
	s := fmt.Sprintf("cuda: a batch of %d trajectories needs %s of device memory, %s are free", e.Batch, size(e.Bytes), size(e.Free))
	if e.Fits > 0 {
		s += fmt.Sprintf("; a batch of %d fits", e.Fits)
	} else {
		s += "; no batch fits"
	}
	return s + ": " + e.Err.Error()
}

func (e *MemoryError) Unwrap() error { return e.Err }

func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d bytes", n)
}
