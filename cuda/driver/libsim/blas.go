//go:build libsim

package main

import "C"

import "github.com/sluice-ml/sluice/cuda/driver"

// product is a cuBLAS handle. It holds what was set and refuses what cuBLAS would do badly: work on a stream without a workspace of
// its own would allocate one.
type product struct {
	driver.BLAS
	stream driver.Stream
	space  driver.Ptr
	tf32   bool
}

// Statuses of cuBLAS.
const (
	blasNotInitialized = 1
	blasInvalidValue   = 7
	blasFailed         = 13
	blasNotSupported   = 15
)

// with makes a call on a handle of the thread's context.
func with(h uintptr, call func(*held, *product) C.int) C.int {
	c := ctx()
	if c == nil {
		return blasNotInitialized
	}
	b := c.blas[h]
	if b == nil {
		return blasNotInitialized
	}
	return call(c, b)
}

//export cublasCreate_v2
func cublasCreate_v2(h *uintptr) C.int {
	c := ctx()
	if c == nil {
		return blasNotInitialized
	}
	b, err := c.BLAS()
	if code(err) != 0 {
		return blasNotInitialized
	}
	*h = uintptr(len(c.blas) + 1)
	c.blas[*h] = &product{BLAS: b}
	return 0
}

//export cublasDestroy_v2
func cublasDestroy_v2(h uintptr) C.int {
	return with(h, func(c *held, b *product) C.int {
		delete(c.blas, h)
		if code(b.Close()) != 0 {
			return blasFailed
		}
		return 0
	})
}

//export cublasGetProperty
func cublasGetProperty(which C.int, v *C.int) C.int {
	if which < 0 || which > 2 {
		return blasInvalidValue
	}
	*v = [3]C.int{12, 4, 5}[which]
	return 0
}

//export cublasSetStream_v2
func cublasSetStream_v2(h uintptr, s uint64) C.int {
	return with(h, func(_ *held, b *product) C.int {
		b.stream, b.space = driver.Stream(s), 0 // as cuBLAS does
		return 0
	})
}

//export cublasSetWorkspace_v2
func cublasSetWorkspace_v2(h uintptr, p uint64, bytes C.size_t) C.int {
	return with(h, func(_ *held, b *product) C.int {
		if p%256 != 0 || bytes == 0 {
			return blasInvalidValue
		}
		b.space = driver.Ptr(p)
		return 0
	})
}

//export cublasSetMathMode
func cublasSetMathMode(h uintptr, mode C.int) C.int {
	const defaultMath, tf32Math = 0, 3
	return with(h, func(_ *held, b *product) C.int {
		b.tf32 = mode == tf32Math
		if mode != defaultMath && mode != tf32Math {
			return blasNotSupported
		}
		return 0
	})
}

//export cublasSgemm_v2
func cublasSgemm_v2(h uintptr, ta, tb, m, n, k C.int, alpha *C.float, a uint64, lda C.int, b uint64, ldb C.int,
	beta *C.float, c uint64, ldc C.int) C.int {
	return gemm(h, *alpha, driver.Gemm{TransA: tb != 0, TransB: ta != 0, M: int(n), N: int(m), K: int(k),
		A: driver.Ptr(b), B: driver.Ptr(a), C: driver.Ptr(c), LDA: int(ldb), LDB: int(lda), LDC: int(ldc), Beta: float32(*beta), Count: 1})
}

//export cublasSgemmStridedBatched
func cublasSgemmStridedBatched(h uintptr, ta, tb, m, n, k C.int, alpha *C.float, a uint64, lda C.int, strideA C.longlong,
	b uint64, ldb C.int, strideB C.longlong, beta *C.float, c uint64, ldc C.int, strideC C.longlong, count C.int) C.int {
	return gemm(h, *alpha, driver.Gemm{TransA: tb != 0, TransB: ta != 0, M: int(n), N: int(m), K: int(k),
		A: driver.Ptr(b), B: driver.Ptr(a), C: driver.Ptr(c), LDA: int(ldb), LDB: int(lda), LDC: int(ldc), Beta: float32(*beta), Count: int(count),
		StrideA: int64(strideB), StrideB: int64(strideA), StrideC: int64(strideC)})
}

func gemm(h uintptr, alpha C.float, g driver.Gemm) C.int {
	return with(h, func(_ *held, b *product) C.int {
		if alpha != 1 || b.space == 0 {
			return blasNotSupported
		}
		g.TF32 = b.tf32
		if code(b.Gemm(b.stream, g)) != 0 {
			return blasFailed
		}
		return 0
	})
}
