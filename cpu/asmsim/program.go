// This file is a loaded program and the call into one of its functions.

package asmsim

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"unsafe"
)

// Program is the functions of one file. It may be used concurrently.
type Program struct {
	functions map[string]*function
	data      map[string][]uint64 // of read-only symbols
	machines  sync.Pool
}

// function is one TEXT block.
type function struct {
	name  string
	args  int // bytes of arguments and results
	insts []*inst
	steps []step
}

// step executes one instruction.
type step func(m *machine)

// Load reads a file of Go assembly.
func Load(path string) (*Program, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("asmsim: %w", err)
	}
	return Parse(filepath.Base(path), string(text))
}

// Parse reads Go assembly; name stands for the file in errors.
func Parse(name, text string) (*Program, error) {
	p := &Program{functions: map[string]*function{}, data: map[string][]uint64{}}
	p.machines.New = func() any { return new(machine) }
	if err := p.parse(name, text); err != nil {
		return nil, err
	}
	for _, f := range p.functions {
		for _, in := range f.insts {
			do, err := in.decode()
			if err != nil {
				return nil, in.errorf("%w", err)
			}
			f.steps = append(f.steps, do)
		}
	}
	return p, nil
}

// Functions lists the names of the functions in order.
func (p *Program) Functions() []string {
	var names []string
	for name := range p.functions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Call runs a function. The arguments are laid out as ABI0 does for 8-byte parameters; what pointers among them refer
// to must be on the heap and be kept alive by the caller.
func (p *Program) Call(name string, args ...uintptr) (err error) {
	f := p.functions[name]
	if f == nil {
		return fmt.Errorf("asmsim: no function %s", name)
	}
	if want := (f.args + 7) / 8; len(args) != want {
		return fmt.Errorf("asmsim: %s takes %d words of arguments, not %d", name, want, len(args))
	}
	m := p.machines.Get().(*machine)
	defer p.machines.Put(m)
	m.reset()
	m.frame = append(m.frame[:0], args...)
	m.args = uintptr(unsafe.Pointer(unsafe.SliceData(m.frame)))

	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = f.insts[m.at].errorf("%v", r)
		}
	}()
	for m.next = 0; m.next >= 0; {
		if m.next >= len(f.steps) {
			return fmt.Errorf("asmsim: %s does not end in RET", name)
		}
		m.at = m.next
		m.next++
		f.steps[m.at](m)
	}
	for r := range 16 {
		if *(*[12]uint32)(m.z[r][4:]) != [12]uint32{} {
			return f.insts[m.at].errorf("returns with the upper part of Z%d in use: no VZEROUPPER", r)
		}
	}
	return nil
}
