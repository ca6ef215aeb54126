//go:build libsim

package main

import "C"

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/sim"
)

func main() {} // never called: the library has no program

// Codes that only this file answers with.
const (
	notInitialized = 3
	invalidDevice  = 101
	notSupported   = 801
	unknown        = 999
)

// state is the library's: the driver and the contexts that threads hold.
var state struct {
	sync.Mutex
	drv     driver.Driver
	current map[int]*held // by thread
	primary map[int]*held // by device
}

// held is an open device. Handles are the simulator's; a context's own handle is its device's number and one.
type held struct {
	driver.Context
	device int
	users  int
	pinned map[*byte][]byte // page-locked memory, kept from this library's collector
	blas   map[uintptr]*product
}

func start() C.int {
	state.Lock()
	defer state.Unlock()
	if state.drv == nil {
		state.drv = sim.Driver(sim.Config{})
		state.current, state.primary = map[int]*held{}, map[int]*held{}
	}
	return 0
}

// ctx is the calling thread's context, nil if it has none.
func ctx() *held {
	state.Lock()
	defer state.Unlock()
	return state.current[syscall.Gettid()]
}

// on makes a call on the thread's context.
func on(call func(*held) error) C.int {
	c := ctx()
	if c == nil {
		return driver.InvalidContext
	}
	return code(call(c))
}

// code is the driver's code in an error.
func code(err error) C.int {
	if err == nil {
		return 0
	}
	if os.Getenv("LIBSIM_VERBOSE") != "" {
		fmt.Fprintln(os.Stderr, "libsim:", err)
	}
	var e *driver.Error
	if errors.As(err, &e) && e.Code != 0 {
		note(e)
		return C.int(e.Code)
	}
	return unknown
}

// names are those of codes that were met, as C strings that live as long as the library.
var names sync.Map

func note(e *driver.Error) { names.LoadOrStore(e.Code, C.CString(e.Name)) }

// put hands a handle out.
func put[T ~uint64](dst *uint64, x T, err error) error {
	*dst = uint64(x)
	return err
}
