//go:build linux && (cu || cuda) && (amd64 || arm64)

package driver

/*
#include <cuda.h>

static const char *name(int code) { const char *s = 0; return cuGetErrorName(code, &s) ? 0 : s; }
static const char *text(int code) { const char *s = 0; return cuGetErrorString(code, &s) ? 0 : s; }
*/
import "C"

import (
	"reflect"
	"unsafe"

	"gorgonia.org/cu"
)

// This file and cu_calls.go are the binding to gorgonia.org/cu, which has started the driver, or ended the program, before main.
// Its package functions are called from the context's own thread: its Ctx would hand each call to another one.

const binding = "gorgonia.org/cu"

// lib is nothing: the library is linked.
type lib struct{}

func load(...string) (*lib, error) { return new(lib), nil }
func (l *lib) bind() error         { return nil }
func (l *lib) init() int           { return 0 }
func (l *lib) version() (int, int) {
	v := cu.Version()
	if v < 0 {
		return 0, NotInitialized
	}
	return v, 0
}

// code is the driver's code in an error of cu's, whose type has no name outside it.
func code(err error) int {
	if err == nil {
		return 0
	}
	return int(reflect.ValueOf(err).Int())
}

// handle and as turn cu's types into handles and back: each is a struct of one pointer of the driver's.
func handle[T any](x T) uint64 { return *(*uint64)(unsafe.Pointer(&x)) }
func as[T any](h uint64) T     { return *(*T)(unsafe.Pointer(&h)) }

var (
	_ [8]byte = [unsafe.Sizeof(cu.Stream{})]byte{}
	_ [8]byte = [unsafe.Sizeof(cu.Event{})]byte{}
	_ [8]byte = [unsafe.Sizeof(cu.Module{})]byte{}
	_ [8]byte = [unsafe.Sizeof(cu.Function{})]byte{}
	_ [8]byte = [unsafe.Sizeof(cu.CUContext{})]byte{}
)

func (l *lib) errorText(code int) string { return C.GoString(C.text(C.int(code))) }

func (l *lib) errorName(code int) string {
	if s := C.GoString(C.name(C.int(code))); s != "" {
		return s
	}
	return "an error without a name"
}
