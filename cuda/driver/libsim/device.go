//go:build libsim

package main

import "C"

import (
	"syscall"
	"unsafe"

	"github.com/sluice-ml/sluice/cuda/driver"
)

//export cuInit
func cuInit(C.uint) C.int { return start() }

//export cuDriverGetVersion
func cuDriverGetVersion(v *C.int) C.int {
	start()
	n, err := state.drv.Version()
	*v = C.int(n)
	return code(err)
}

//export cuGetErrorName
func cuGetErrorName(c C.int, s **C.char) C.int {
	name, ok := names.Load(int(c))
	if !ok {
		note(&driver.Error{Code: int(c), Name: fixedNames[int(c)]})
		name, _ = names.Load(int(c))
	}
	*s = name.(*C.char)
	return 0
}

// fixedNames are of codes that come from here.
var fixedNames = map[int]string{driver.InvalidValue: "CUDA_ERROR_INVALID_VALUE", notInitialized: "CUDA_ERROR_NOT_INITIALIZED",
	invalidDevice: "CUDA_ERROR_INVALID_DEVICE", driver.InvalidContext: "CUDA_ERROR_INVALID_CONTEXT",
	notSupported: "CUDA_ERROR_NOT_SUPPORTED", unknown: "CUDA_ERROR_UNKNOWN"}

//export cuGetErrorString
func cuGetErrorString(c C.int, s **C.char) C.int { return cuGetErrorName(c, s) }

//export cuDeviceGetCount
func cuDeviceGetCount(n *C.int) C.int {
	if state.drv == nil {
		return notInitialized
	}
	list, err := state.drv.Devices()
	*n = C.int(len(list))
	return code(err)
}

//export cuDeviceGet
func cuDeviceGet(d *C.int, ordinal C.int) C.int {
	*d = ordinal
	_, status := info(ordinal)
	return status
}

func info(d C.int) (driver.Info, C.int) {
	if state.drv == nil {
		return driver.Info{}, notInitialized
	}
	list, err := state.drv.Devices()
	if err != nil {
		return driver.Info{}, code(err)
	}
	if d < 0 || int(d) >= len(list) {
		return driver.Info{}, invalidDevice
	}
	return list[d], 0
}

//export cuDeviceGetName
func cuDeviceGetName(s *C.char, n, d C.int) C.int {
	i, status := info(d)
	if status == 0 && n > 0 {
		room := unsafe.Slice((*byte)(unsafe.Pointer(s)), int(n))
		room[copy(room[:n-1], i.Name)] = 0
	}
	return status
}

//export cuDeviceTotalMem_v2
func cuDeviceTotalMem_v2(bytes *C.size_t, d C.int) C.int {
	i, status := info(d)
	*bytes = C.size_t(i.Memory)
	return status
}

//export cuDeviceGetAttribute
func cuDeviceGetAttribute(v *C.int, attr, d C.int) C.int {
	i, status := info(d)
	n, ok := map[C.int]int{1: i.ThreadsPerBlock, 8: i.SharedPerBlock, 13: i.ClockKHz, 16: i.Multiprocessors, 36: i.MemoryClockKHz,
		37: i.MemoryBusWidthBit, 38: i.L2, 75: i.Major, 76: i.Minor}[attr]
	*v = C.int(n)
	if !ok {
		return driver.InvalidValue
	}
	return status
}

//export cuDevicePrimaryCtxRetain
func cuDevicePrimaryCtxRetain(h *uintptr, d C.int) C.int {
	if _, status := info(d); status != 0 {
		return status
	}
	state.Lock()
	defer state.Unlock()
	c := state.primary[int(d)]
	if c == nil {
		open, err := state.drv.Open(int(d))
		if err != nil {
			return code(err)
		}
		c = &held{Context: open, device: int(d), pinned: map[*byte][]byte{}, blas: map[uintptr]*product{}}
		state.primary[int(d)] = c
	}
	c.users++
	*h = uintptr(d) + 1
	return 0
}

//export cuDevicePrimaryCtxRelease_v2
func cuDevicePrimaryCtxRelease_v2(d C.int) C.int {
	state.Lock()
	defer state.Unlock()
	c := state.primary[int(d)]
	if c == nil {
		return driver.InvalidContext
	}
	if c.users--; c.users > 0 {
		return 0
	}
	delete(state.primary, int(d))
	for thread, held := range state.current {
		if held == c {
			delete(state.current, thread)
		}
	}
	return code(c.Close())
}

//export cuCtxSetCurrent
func cuCtxSetCurrent(h uintptr) C.int {
	state.Lock()
	defer state.Unlock()
	if h == 0 {
		delete(state.current, syscall.Gettid())
		return 0
	}
	c := state.primary[int(h)-1]
	if c == nil {
		return driver.InvalidContext
	}
	state.current[syscall.Gettid()] = c
	return 0
}
