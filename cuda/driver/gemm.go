//go:build (linux || windows) && (amd64 || arm64)

package driver

import (
	"errors"
	"fmt"
)

// This file is cuBLAS as a row-major product; blas.go is its library.

// Bytes of workspace that NVIDIA recommends (cuBLAS, cublasSetWorkspace): from sm_90 on, before.
const (
	workspaceNew = 32 << 20
	workspaceOld = 4 << 20
)

// blas is cuBLAS on a context. cuBLAS would allocate a workspace at a stream's first product; within a capture it may not, and a capture
// would keep one each. So it is given ours: one a stream, since two streams' products would write over each other's.
type blas struct {
	c      *context
	lib    *blasLib
	handle uint64
	name   string
	bytes  int64
	spare  Ptr // a workspace for the first stream that comes, which may be capturing
	spaces map[Stream]Ptr
	stream Stream
	bound  bool // stream is set
	tf32   bool
	scale  *[2]float32 // alpha, beta; read by address
}

func (c *context) BLAS() (BLAS, error) {
	if c.blas != nil {
		return c.blas, nil
	}
	l, err := loadBLAS(blasLibraries...)
	if err != nil {
		return nil, err
	}
	b := &blas{c: c, lib: l, bytes: workspaceOld, spaces: map[Stream]Ptr{}, scale: new([2]float32)}
	major, code := c.attribute(attrMajor, c.device)
	if code != 0 {
		return nil, c.failed(code, "cuDeviceGetAttribute %d", attrMajor)
	}
	if major >= 9 {
		b.bytes = workspaceNew
	}
	handle, status := l.create()
	if status != 0 {
		return nil, l.fail(status, "cublasCreate")
	}
	b.handle = handle
	major, minor, patch := l.version()
	b.name = fmt.Sprintf("%s %d.%d.%d", l.file, major, minor, patch)
	if b.spare, err = c.Alloc(b.bytes); err != nil {
		l.destroy(handle)
		return nil, err
	}
	c.blas = b
	return b, nil
}

func (b *blas) Name() string { return b.name }

// Gemm asks for the transpose: row-major C = op(A) op(B) is column-major Cᵀ = op(B)ᵀ op(A)ᵀ, and a row-major matrix is, as it lies, its
// transpose in columns.
func (b *blas) Gemm(s Stream, g Gemm) error {
	if g.M == 0 || g.N == 0 || g.Count == 0 {
		return nil
	}
	if err := b.on(s); err != nil {
		return err
	}
	if g.TF32 != b.tf32 {
		if status := b.lib.setMath(b.handle, g.TF32); status != 0 {
			return b.lib.fail(status, "cublasSetMathMode of TF32 %v", g.TF32)
		}
		b.tf32 = g.TF32
	}
	b.scale[0], b.scale[1] = 1, g.Beta
	if status := b.lib.sgemm(b.handle, b.scale, g); status != 0 {
		return b.lib.fail(status, "cublasSgemm of %d x (%d x %d, inner %d)", g.Count, g.M, g.N, g.K)
	}
	b.c.recent.add(0, s)
	return nil
}

// on makes cuBLAS work on a stream. Setting the stream takes the workspace away, so that is set after it.
func (b *blas) on(s Stream) error {
	if b.bound && b.stream == s {
		return nil
	}
	b.bound = false
	space, ok := b.spaces[s]
	if !ok {
		space, b.spare = b.spare, 0
		if space == 0 {
			var err error
			if space, err = b.c.Alloc(b.bytes); err != nil {
				return fmt.Errorf("cublas: a workspace for another stream: %w", err)
			}
		}
		b.spaces[s] = space
	}
	if status := b.lib.setStream(b.handle, s); status != 0 {
		return b.lib.fail(status, "cublasSetStream")
	}
	if status := b.lib.setWorkspace(b.handle, space, b.bytes); status != 0 {
		return b.lib.fail(status, "cublasSetWorkspace of %d bytes", b.bytes)
	}
	b.stream, b.bound = s, true
	return nil
}

// forget takes the workspace of a stream that is about to end, once its work is done, for the next one.
func (b *blas) forget(s Stream) error {
	if b.stream == s {
		b.bound = false
	}
	space, ok := b.spaces[s]
	if !ok {
		return nil
	}
	if err := b.c.Sync(s); err != nil {
		return err
	}
	delete(b.spaces, s)
	if b.spare == 0 {
		b.spare = space
		return nil
	}
	return b.c.Free(space)
}

func (b *blas) Close() error {
	if b.c.blas != b {
		return nil
	}
	b.c.blas = nil
	var errs []error
	if status := b.lib.destroy(b.handle); status != 0 {
		errs = append(errs, b.lib.fail(status, "cublasDestroy"))
	}
	if b.spare != 0 {
		errs = append(errs, b.c.Free(b.spare))
	}
	for _, p := range b.spaces {
		errs = append(errs, b.c.Free(p))
	}
	return errors.Join(errs...)
}
