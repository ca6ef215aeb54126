//go:build (linux || windows) && (amd64 || arm64)

package driver

import (
	"bytes"
	"strings"
)

const logBytes = 16 << 10 // of the driver's PTX compiler

// Load compiles PTX for the device, or takes what an earlier load left in the driver's cache.
func (c *context) Load(ptx []byte) (Module, error) {
	log := make([]byte, logBytes)
	m, code := c.load(append(ptx[:len(ptx):len(ptx)], 0), log)
	if code != 0 {
		e := c.failed(code, "cuModuleLoadDataEx of %d bytes of PTX", len(ptx))
		if text, _, _ := bytes.Cut(log, []byte{0}); len(text) > 0 {
			e.Detail = strings.TrimSpace(string(text))
		}
		return 0, e
	}
	return m, nil
}

func (c *context) Unload(m Module) error {
	if code := c.unload(m); code != 0 {
		return c.failed(code, "cuModuleUnload")
	}
	return nil
}

func (c *context) Function(m Module, name string) (Func, error) {
	f, code := c.function(m, name)
	if code != 0 {
		return 0, c.failed(code, "cuModuleGetFunction of %s", name)
	}
	c.names[f] = name
	return f, nil
}

// Function attributes (cuda.h, CUfunction_attribute).
const (
	attrMaxThreads  = 0
	attrSharedBytes = 1
	attrLocalBytes  = 3
	attrRegisters   = 4
)

func (c *context) Attributes(f Func) (a Attributes, err error) {
	for _, x := range []struct {
		attr int
		dst  *int
	}{{attrMaxThreads, &a.MaxThreads}, {attrSharedBytes, &a.Shared}, {attrLocalBytes, &a.LocalBytes}, {attrRegisters, &a.Registers}} {
		var code int
		if *x.dst, code = c.funcAttribute(x.attr, f); code != 0 {
			return Attributes{}, c.failed(code, "cuFuncGetAttribute %d of %s", x.attr, c.names[f])
		}
	}
	return a, nil
}

// Launch hands the arguments over as one buffer (cuLaunchKernel's extra, CU_LAUNCH_PARAM_BUFFER_POINTER): a kernel's only parameter is
// a struct, so its bytes are that buffer.
func (c *context) Launch(f Func, grid, block Dim, shared int, s Stream, args []byte) error {
	if len(args) > maxParamBytes {
		return c.fail(InvalidValue, "cuLaunchKernel of %s with %d bytes of arguments, %d at most", c.names[f], len(args), maxParamBytes)
	}
	code := c.launch(f, one(grid), one(block), shared, s, args)
	if code != 0 {
		e := c.failed(code, "cuLaunchKernel of %s, grid %v, block %v, %d bytes shared", c.names[f], one(grid), one(block), shared)
		if !late(code) {
			e.Kernel = c.names[f]
		}
		return e
	}
	c.recent.add(f, s)
	return nil
}

func one(d Dim) Dim { return Dim{max(d.X, 1), max(d.Y, 1), max(d.Z, 1)} }
