//go:build (linux || windows) && (amd64 || arm64)

package driver

// context is a device's primary context: current on the thread that opened it, and used from there alone.
type context struct {
	*lib
	device int32
	names  map[Func]string // for errors
	params *params         // on the heap: its address is handed out
	recent recent
	blas   *blas
}

// Close ends what the context still holds of cuBLAS, makes no context current and releases the primary one; its memory, modules and
// streams go with the last holder.
func (c *context) Close() error {
	var first error
	if c.blas != nil {
		first = c.blas.Close()
	}
	code := c.setCurrent(0)
	if code != 0 && first == nil {
		first = c.fail(code, "cuCtxSetCurrent of no context")
	}
	if code := c.release(c.device); code != 0 && first == nil {
		first = c.fail(code, "cuDevicePrimaryCtxRelease")
	}
	return first
}

func (c *context) MemInfo() (free, total int64, err error) {
	free, total, code := c.memInfo()
	if code != 0 {
		return 0, 0, c.failed(code, "cuMemGetInfo")
	}
	return free, total, nil
}

func (c *context) Alloc(bytes int64) (Ptr, error) {
	p, code := c.alloc(bytes)
	if code != 0 {
		return 0, c.failed(code, "cuMemAlloc of %d bytes", bytes)
	}
	return p, nil
}

func (c *context) Free(p Ptr) error {
	if code := c.free(p); code != 0 {
		return c.failed(code, "cuMemFree of %#x", uint64(p))
	}
	return nil
}

func (c *context) AllocHost(bytes int) ([]byte, error) {
	b, code := c.allocHost(bytes)
	if code != 0 {
		return nil, c.failed(code, "cuMemAllocHost of %d bytes", bytes)
	}
	return b, nil
}

func (c *context) FreeHost(b []byte) error {
	if code := c.freeHost(b); code != 0 {
		return c.failed(code, "cuMemFreeHost of %d bytes", len(b))
	}
	return nil
}

// Copies and fills of nothing are not asked of the driver: an empty slice has no address.

func (c *context) ToDevice(dst Ptr, src []byte, s Stream) error {
	if len(src) == 0 {
		return nil
	}
	if code := c.toDevice(dst, src, s); code != 0 {
		return c.failed(code, "cuMemcpyHtoDAsync of %d bytes to %#x", len(src), uint64(dst))
	}
	return nil
}

func (c *context) ToHost(dst []byte, src Ptr, s Stream) error {
	if len(dst) == 0 {
		return nil
	}
	if code := c.toHost(dst, src, s); code != 0 {
		return c.failed(code, "cuMemcpyDtoHAsync of %d bytes from %#x", len(dst), uint64(src))
	}
	return nil
}

func (c *context) Copy(dst, src Ptr, bytes int64, s Stream) error {
	if bytes == 0 {
		return nil
	}
	if code := c.copy(dst, src, bytes, s); code != 0 {
		return c.failed(code, "cuMemcpyDtoDAsync of %d bytes from %#x to %#x", bytes, uint64(src), uint64(dst))
	}
	return nil
}

func (c *context) Fill32(dst Ptr, value uint32, words int64, s Stream) error {
	if words == 0 {
		return nil
	}
	if code := c.fill32(dst, value, words, s); code != 0 {
		return c.failed(code, "cuMemsetD32Async of %d words at %#x", words, uint64(dst))
	}
	return nil
}
