//go:build libsim

package main

import "C"

import (
	"unsafe"

	"github.com/sluice-ml/sluice/cuda/driver"
)

//export cuMemGetInfo_v2
func cuMemGetInfo_v2(free, total *C.size_t) C.int {
	return on(func(c *held) error {
		f, n, err := c.MemInfo()
		*free, *total = C.size_t(f), C.size_t(n)
		return err
	})
}

//export cuMemAlloc_v2
func cuMemAlloc_v2(p *uint64, bytes C.size_t) C.int {
	return on(func(c *held) error {
		x, err := c.Alloc(int64(bytes))
		return put(p, x, err)
	})
}

//export cuMemFree_v2
func cuMemFree_v2(p uint64) C.int { return on(func(c *held) error { return c.Free(driver.Ptr(p)) }) }

//export cuMemAllocHost_v2
func cuMemAllocHost_v2(p *uintptr, bytes C.size_t) C.int {
	return on(func(c *held) error {
		b, err := c.AllocHost(int(bytes))
		if err == nil {
			first := unsafe.SliceData(b)
			c.pinned[first] = b
			*p = uintptr(unsafe.Pointer(first))
		}
		return err
	})
}

//export cuMemFreeHost
func cuMemFreeHost(p *byte) C.int {
	return on(func(c *held) error {
		b, ok := c.pinned[p]
		if !ok {
			return &driver.Error{Code: driver.InvalidValue, Name: "CUDA_ERROR_INVALID_VALUE", Call: "cuMemFreeHost"}
		}
		delete(c.pinned, p)
		return c.FreeHost(b)
	})
}

//export cuMemcpyHtoDAsync_v2
func cuMemcpyHtoDAsync_v2(dst uint64, src *byte, bytes C.size_t, s uint64) C.int {
	return on(func(c *held) error {
		return c.ToDevice(driver.Ptr(dst), unsafe.Slice(src, int(bytes)), driver.Stream(s))
	})
}

//export cuMemcpyDtoHAsync_v2
func cuMemcpyDtoHAsync_v2(dst *byte, src uint64, bytes C.size_t, s uint64) C.int {
	return on(func(c *held) error { return c.ToHost(unsafe.Slice(dst, int(bytes)), driver.Ptr(src), driver.Stream(s)) })
}

//export cuMemcpyDtoDAsync_v2
func cuMemcpyDtoDAsync_v2(dst, src uint64, bytes C.size_t, s uint64) C.int {
	return on(func(c *held) error { return c.Copy(driver.Ptr(dst), driver.Ptr(src), int64(bytes), driver.Stream(s)) })
}

//export cuMemsetD32Async
func cuMemsetD32Async(dst uint64, value C.uint, words C.size_t, s uint64) C.int {
	return on(func(c *held) error { return c.Fill32(driver.Ptr(dst), uint32(value), int64(words), driver.Stream(s)) })
}
