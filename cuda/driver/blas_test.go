//go:build linux && !cu && !cuda && (amd64 || arm64)

package driver_test

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/driver"
)

// columns is cuBLAS as its manual defines it, on host memory: column-major, C = alpha op(A) op(B) + beta C. It refuses a product on a
// stream whose workspace was not set after the stream was.
const columns = `
typedef long long i64;
static void *stream, *space, *last; int fake_math, fake_streams, fake_status, fake_handles;
int cublasCreate_v2(void **h) { *h = (void *)7; fake_handles += !fake_status; return fake_status; }
int cublasDestroy_v2(void *h) { fake_handles--; return h == (void *)7 ? 0 : 1; }
int cublasGetProperty(int which, int *v) { *v = which == 0 ? 12 : which; return 0; }
int cublasSetStream_v2(void *h, void *s) { stream = s; space = 0; fake_streams++; return 0; }
int cublasSetWorkspace_v2(void *h, void *p, unsigned long n) { last = space = p; return n == 4 << 20 && p ? 0 : 7; }
int cublasSetMathMode(void *h, int m) { fake_math = m; return fake_status; }
static float at(const float *x, int i, int j, int ld, int op) { return op ? x[j + (i64)i * ld] : x[i + (i64)j * ld]; }
int cublasSgemmStridedBatched(void *h, int opA, int opB, int m, int n, int k, const float *alpha, const float *A, int lda, i64 sA,
                              const float *B, int ldb, i64 sB, const float *beta, float *C, int ldc, i64 sC, int count) {
  if (!space || fake_status) return fake_status ? fake_status : 15;
  for (int b = 0; b < count; b++)
    for (int j = 0; j < n; j++)
      for (int i = 0; i < m; i++) {
        float s = 0;
        for (int l = 0; l < k; l++) s += at(A + b * sA, i, l, lda, opA) * at(B + b * sB, l, j, ldb, opB);
        C[b * sC + i + (i64)j * ldc] = *alpha * s + *beta * C[b * sC + i + (i64)j * ldc];
      }
  return 0;
}
int cublasSgemm_v2(void *h, int opA, int opB, int m, int n, int k, const float *alpha, const float *A, int lda,
                   const float *B, int ldb, const float *beta, float *C, int ldc) {
  return cublasSgemmStridedBatched(h, opA, opB, m, n, k, alpha, A, lda, 0, B, ldb, 0, beta, C, ldc, 0, 1);
}
int cuMemAlloc_v2(unsigned long *p, unsigned long n) { static unsigned long next = 1 << 20; *p = next += 1 << 28; return code(); }
int cuDeviceGetAttribute(int *v, int a, int d) { *v = a == 75 ? 8 : 0; return code(); }
`

// openBLAS is a driver and cuBLAS in one fake library.
func openBLAS(t *testing.T) (driver.Driver, driver.Context, driver.BLAS) {
	f := working()
	f.own = columns
	file := f.build(t)
	drv, err := driver.OpenLibrary(file)
	require.NoError(t, err)
	c, err := drv.Open(0)
	require.NoError(t, err)
	t.Cleanup(driver.SetBLAS(file))
	b, err := c.BLAS()
	require.NoError(t, err)
	return drv, c, b
}

var heap []float32 // what is assigned to it does not lie on a stack, which may move

func address(x []float32) driver.Ptr {
	heap = x
	return driver.Ptr(uintptr(unsafe.Pointer(unsafe.SliceData(x))))
}

// A row-major product by hand, in each form of the operands: A is {1 2 3; 4 5 6}, B {1 0; 2 1; 0 3}.
func TestRowMajor(t *testing.T) {
	_, _, blas := openBLAS(t)
	require.Regexp(t, `libfake.so 12\.1\.2$`, blas.Name())
	a, aT := []float32{1, 2, 3, 9, 4, 5, 6, 9}, []float32{1, 4, 2, 5, 3, 6} // a: rows of 4
	b, bT := []float32{1, 0, 2, 1, 0, 3}, []float32{1, 2, 0, 0, 1, 3}
	for _, transA := range []bool{false, true} {
		for _, transB := range []bool{false, true} {
			c := []float32{10, 20, 9, 30, 40, 9}
			g := driver.Gemm{TransA: transA, TransB: transB, M: 2, N: 2, K: 3, A: address(a), LDA: 4, B: address(b), LDB: 2,
				C: address(c), LDC: 3, Beta: 0.5, Count: 1}
			if transA {
				g.A, g.LDA = address(aT), 2
			}
			if transB {
				g.B, g.LDB = address(bT), 3
			}
			require.NoError(t, blas.Gemm(0, g))
			require.Equal(t, []float32{5 + 5, 10 + 11, 9, 15 + 14, 20 + 23, 9}, c, "%v %v", transA, transB)
		}
	}
	// two products of 1 x 1 x 2: {1 2}{1 0} and {3 4}{2 1}; a stride of 4 in A, 2 in B, 3 in C
	x, y, z := []float32{1, 2, 9, 9, 3, 4}, []float32{1, 0, 2, 1}, []float32{7, 7, 7, 7}
	require.NoError(t, blas.Gemm(0, driver.Gemm{M: 1, N: 1, K: 2, A: address(x), LDA: 2, B: address(y), LDB: 1, C: address(z), LDC: 1,
		Count: 2, StrideA: 4, StrideB: 2, StrideC: 3}))
	require.Equal(t, []float32{1, 7, 7, 10}, z)
	runtime.KeepAlive([][]float32{a, aT, b, bT, x, y})
}

// Streams and the math mode are set when they change, no more; each stream has a workspace.
func TestBLASState(t *testing.T) {
	drv, c, blas := openBLAS(t)
	x := make([]float32, 1)
	g := driver.Gemm{M: 1, N: 1, K: 1, A: address(x), LDA: 1, B: address(x), LDB: 1, C: address(x), LDC: 1, Count: 1}
	for _, s := range []driver.Stream{1, 1, 2, 2, 1} {
		require.NoError(t, blas.Gemm(s, g))
	}
	require.EqualValues(t, 3, driver.Read(drv, "fake_streams"))
	require.Zero(t, driver.Read(drv, "fake_math"))
	g.TF32 = true
	require.NoError(t, blas.Gemm(1, g))
	require.EqualValues(t, 3, driver.Read(drv, "fake_math"), "CUBLAS_TF32_TENSOR_OP_MATH")
	g.TF32 = false
	require.NoError(t, blas.Gemm(1, g))
	require.Zero(t, driver.Read(drv, "fake_math"))

	require.NoError(t, c.FreeStream(1))
	require.NoError(t, blas.Gemm(1, g), "another stream of the same handle")
	require.EqualValues(t, 4, driver.Read(drv, "fake_streams"), "is set anew")
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = blas.Gemm(1, g) }))

	driver.Set(drv, "fake_status", 13)
	require.ErrorContains(t, blas.Gemm(1, g), "cublasSgemm of 1 x (1 x 1, inner 1): CUBLAS_STATUS_EXECUTION_FAILED (13)")
	driver.Set(drv, "fake_status", 3)
	require.ErrorIs(t, blas.Gemm(1, g), driver.ErrOutOfMemory)
	g.M = 0
	require.NoError(t, blas.Gemm(1, g), "nothing to do")
	driver.Set(drv, "fake_status", 0)

	again, err := c.BLAS()
	require.NoError(t, err)
	require.Same(t, blas, again)
	driver.Set(drv, "fake_code", 2)
	require.ErrorContains(t, blas.Gemm(3, driver.Gemm{M: 1, N: 1, Count: 1}), "a workspace for another stream")
	driver.Set(drv, "fake_code", 0)
	require.NoError(t, blas.Close())
	require.NoError(t, blas.Close(), "a second time")
	driver.Set(drv, "fake_code", 2)
	_, err = c.BLAS()
	require.ErrorIs(t, err, driver.ErrOutOfMemory, "no room for a workspace")
	driver.Set(drv, "fake_code", 0)
	driver.Set(drv, "fake_status", 1)
	_, err = c.BLAS()
	require.ErrorContains(t, err, "cublasCreate: CUBLAS_STATUS_NOT_INITIALIZED")

	driver.Set(drv, "fake_status", 0)
	require.NoError(t, second(c.BLAS()))
	require.NoError(t, c.Close(), "with cuBLAS in use")
	require.Zero(t, driver.Read(drv, "fake_handles"))
}
