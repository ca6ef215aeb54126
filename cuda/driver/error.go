package driver

import (
	"errors"
	"fmt"
)

// ErrNoDriver is wrapped where no NVIDIA driver is installed, ErrOldDriver where it is older than the kernels' PTX, ErrNoDevice where it
// finds no device, ErrNoBLAS where cuBLAS is not found, ErrOutOfMemory where device memory is short.
var (
	ErrNoDriver    = errors.New("cuda: no NVIDIA driver")
	ErrOldDriver   = errors.New("cuda: the NVIDIA driver is too old")
	ErrNoDevice    = errors.New("cuda: no NVIDIA device")
	ErrNoBLAS      = errors.New("cuda: no cuBLAS library")
	ErrOutOfMemory = errors.New("cuda: out of device memory")
)

// Codes of the driver interface that are met by name (cuda.h, CUresult).
const (
	InvalidValue   = 1
	OutOfMemory    = 2
	NotInitialized = 3
	NoDevice       = 100
	InvalidContext = 201
	InvalidPTX     = 218
	UnsupportedPTX = 222
	NotFound       = 500
	IllegalAddress = 700
	LaunchOutOf    = 701
	LaunchTimeout  = 702
	LaunchFailed   = 719
	StreamCapture  = 900
)

// Error is a call that failed.
type Error struct {
	Code   int
	Name   string // "CUDA_ERROR_OUT_OF_MEMORY"
	Call   string // "cuMemAlloc of 1048576 bytes"
	Kernel string // launched or running, where that is known
	Detail string // the compiler's log, the simulator's fault
}

func (e *Error) Error() string {
	s := fmt.Sprintf("cuda: %s: %s (%d)", e.Call, e.Name, e.Code)
	if e.Kernel != "" {
		s += ": kernel " + e.Kernel
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Unwrap lets errors.Is find the sentinel of the code.
func (e *Error) Unwrap() error {
	switch e.Code {
	case OutOfMemory:
		return ErrOutOfMemory
	case NoDevice:
		return ErrNoDevice
	}
	return nil
}
