//go:build (linux || windows) && (amd64 || arm64)

package driver

import (
	"fmt"
	"unsafe"

	"github.com/ebitengine/purego"
)

// blasLib is a loaded cuBLAS. Its functions have had these names and arguments from CUDA 11 to 13.
type blasLib struct {
	file string
	fn   [blasCalls]uintptr
	list [18]uintptr // a product's arguments: a list made for each would be an allocation
}

type blasCall int

const (
	cublasCreate blasCall = iota
	cublasDestroy
	cublasGetProperty
	cublasSetStream
	cublasSetWorkspace
	cublasSetMathMode
	cublasSgemm
	cublasSgemmStridedBatched
	blasCalls
)

var blasSymbols = [blasCalls]string{
	cublasCreate:              "cublasCreate_v2",
	cublasDestroy:             "cublasDestroy_v2",
	cublasGetProperty:         "cublasGetProperty",
	cublasSetStream:           "cublasSetStream_v2",
	cublasSetWorkspace:        "cublasSetWorkspace_v2", // since 11.2
	cublasSetMathMode:         "cublasSetMathMode",
	cublasSgemm:               "cublasSgemm_v2",
	cublasSgemmStridedBatched: "cublasSgemmStridedBatched",
}

func loadBLAS(files ...string) (*blasLib, error) {
	handle, file, err := openAny(files)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoBLAS, err)
	}
	l := &blasLib{file: file}
	for i, name := range blasSymbols {
		if l.fn[i] = symbol(handle, name); l.fn[i] == 0 {
			return nil, fmt.Errorf("%w: %s has no %s", ErrNoBLAS, file, name)
		}
	}
	return l, nil
}

//go:uintptrescapes
func (l *blasLib) call(f blasCall, args ...uintptr) int {
	r, _, _ := purego.SyscallN(l.fn[f], args...)
	return int(int32(r))
}

// statuses are cublasStatus_t's names (cublas_api.h), without CUBLAS_STATUS_.
var statuses = map[int]string{1: "NOT_INITIALIZED", 3: "ALLOC_FAILED", 7: "INVALID_VALUE", 8: "ARCH_MISMATCH", 11: "MAPPING_ERROR",
	13: "EXECUTION_FAILED", 14: "INTERNAL_ERROR", 15: "NOT_SUPPORTED", 16: "LICENSE_ERROR"}

// fail describes a call that returned a status. Its number is cuBLAS's own, but for memory that ran out, which is OutOfMemory.
func (l *blasLib) fail(status int, format string, args ...any) *Error {
	const allocFailed = 3
	e := &Error{Code: status, Name: "CUBLAS_STATUS_" + statuses[status], Call: fmt.Sprintf(format, args...)}
	if status == allocFailed {
		e.Code = OutOfMemory
	}
	return e
}

func (l *blasLib) create() (uint64, int) {
	h := new(uint64)
	status := l.call(cublasCreate, uintptr(unsafe.Pointer(h)))
	return *h, status
}

func (l *blasLib) destroy(h uint64) int { return l.call(cublasDestroy, uintptr(h)) }

// version is zeros where cuBLAS does not say.
func (l *blasLib) version() (major, minor, patch int) {
	v := new([3]int32)
	for i := range v { // libraryPropertyType: MAJOR_VERSION, MINOR_VERSION, PATCH_LEVEL
		l.call(cublasGetProperty, uintptr(i), uintptr(unsafe.Pointer(&v[i])))
	}
	return int(v[0]), int(v[1]), int(v[2])
}

func (l *blasLib) setStream(h uint64, s Stream) int {
	return l.call(cublasSetStream, uintptr(h), uintptr(s))
}

func (l *blasLib) setWorkspace(h uint64, p Ptr, bytes int64) int {
	return l.call(cublasSetWorkspace, uintptr(h), uintptr(p), uintptr(bytes))
}

func (l *blasLib) setMath(h uint64, tf32 bool) int {
	const defaultMath, tf32Math = 0, 3 // cublasMath_t
	if tf32 {
		return l.call(cublasSetMathMode, uintptr(h), tf32Math)
	}
	return l.call(cublasSetMathMode, uintptr(h), defaultMath)
}

// operation is cublasOperation_t: CUBLAS_OP_N, CUBLAS_OP_T.
func operation(trans bool) uintptr {
	if trans {
		return 1
	}
	return 0
}

// sgemm takes a row-major product (see blas.Gemm): operands, their operations and sizes change places. scale is alpha and beta, on the
// heap.
func (l *blasLib) sgemm(h uint64, scale *[2]float32, g Gemm) int {
	alpha, beta := uintptr(unsafe.Pointer(&scale[0])), uintptr(unsafe.Pointer(&scale[1]))
	f, n := cublasSgemm, 14
	l.list = [18]uintptr{uintptr(h), operation(g.TransB), operation(g.TransA), uintptr(g.N), uintptr(g.M), uintptr(g.K), alpha,
		uintptr(g.B), uintptr(g.LDB), uintptr(g.A), uintptr(g.LDA), beta, uintptr(g.C), uintptr(g.LDC)}
	if g.Count > 1 {
		f, n = cublasSgemmStridedBatched, 18
		copy(l.list[9:], []uintptr{uintptr(g.StrideB), uintptr(g.A), uintptr(g.LDA), uintptr(g.StrideA), beta,
			uintptr(g.C), uintptr(g.LDC), uintptr(g.StrideC), uintptr(g.Count)})
	}
	r, _, _ := purego.SyscallN(l.fn[f], l.list[:n]...)
	return int(int32(r))
}
