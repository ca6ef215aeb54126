//go:build libsim

package main

import "C"

import (
	"errors"
	"unsafe"

	"github.com/sluice-ml/sluice/cuda/driver"
)

const errorLogBuffer, errorLogBytes = 5, 6 // CUjit_option

// cuModuleLoadDataEx writes the simulator's words into the error log and their length over its size.
//
//export cuModuleLoadDataEx
func cuModuleLoadDataEx(m *uint64, image *C.char, n C.uint, options *C.int, values *uintptr) C.int {
	return on(func(c *held) error {
		x, err := c.Load([]byte(C.GoString(image)))
		var e *driver.Error
		if !errors.As(err, &e) {
			return put(m, x, err)
		}
		var log *byte
		var size *uintptr
		for i, o := range unsafe.Slice(options, int(n)) {
			value := &unsafe.Slice(values, int(n))[i]
			switch o {
			case errorLogBuffer:
				log = *(**byte)(unsafe.Pointer(value))
			case errorLogBytes:
				size = value
			}
		}
		if log != nil && size != nil && *size > 0 {
			room := unsafe.Slice(log, int(*size))
			k := copy(room[:len(room)-1], e.Detail)
			room[k] = 0
			*size = uintptr(k)
		}
		return err
	})
}

//export cuModuleUnload
func cuModuleUnload(m uint64) C.int {
	return on(func(c *held) error { return c.Unload(driver.Module(m)) })
}

//export cuModuleGetFunction
func cuModuleGetFunction(f *uint64, m uint64, name *C.char) C.int {
	return on(func(c *held) error {
		x, err := c.Function(driver.Module(m), C.GoString(name))
		return put(f, x, err)
	})
}

//export cuFuncGetAttribute
func cuFuncGetAttribute(v *C.int, attr C.int, f uint64) C.int {
	return on(func(c *held) error {
		a, err := c.Attributes(driver.Func(f))
		n, ok := map[C.int]int{0: a.MaxThreads, 1: a.Shared, 3: a.LocalBytes, 4: a.Registers}[attr]
		*v = C.int(n)
		if err == nil && !ok {
			err = &driver.Error{Code: driver.InvalidValue, Name: "CUDA_ERROR_INVALID_VALUE", Call: "cuFuncGetAttribute"}
		}
		return err
	})
}

// cuLaunchKernel takes arguments as one buffer only: pointer 1, its address, pointer 2, the address of its size, 0.
//
//export cuLaunchKernel
func cuLaunchKernel(f uint64, gx, gy, gz, bx, by, bz, shared C.uint, s uint64, params, extra *uintptr) C.int {
	if params != nil {
		return notSupported
	}
	var args []byte
	if extra != nil {
		x := unsafe.Slice(extra, 5)
		if x[0] != 1 || x[2] != 2 || x[4] != 0 {
			return driver.InvalidValue
		}
		args = unsafe.Slice(*(**byte)(unsafe.Pointer(&x[1])), int(**(**uintptr)(unsafe.Pointer(&x[3]))))
	}
	return on(func(c *held) error {
		return c.Launch(driver.Func(f), driver.Dim{X: int(gx), Y: int(gy), Z: int(gz)}, driver.Dim{X: int(bx), Y: int(by), Z: int(bz)}, int(shared), driver.Stream(s), args)
	})
}
