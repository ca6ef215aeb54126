//go:build linux && !cu && !cuda && (amd64 || arm64)

package driver_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/driver"
)

// failing is columns with a status for each call, a workspace of the size it says, and a card of the generation it says.
var failing = strings.NewReplacer(
	"int fake_math,", "int fake_stream, fake_space, fake_destroy, fake_major = 8, fake_freed, fake_bytes, fake_math,",
	"fake_streams++; return 0;", "fake_streams++; return fake_stream;",
	"return n == 4 << 20 && p ? 0 : 7;", "fake_bytes = n; return fake_space;",
	"fake_handles--; return h == (void *)7 ? 0 : 1;", "fake_handles--; return fake_destroy;",
	"*v = a == 75 ? 8 : 0;", "*v = a == 75 ? fake_major : 0;",
).Replace(columns) + "int cuMemFree_v2(unsigned long p) { fake_freed++; return code(); }\n"

func openFailing(t *testing.T) (driver.Driver, driver.Context) {
	f := working()
	f.own = failing
	file := f.build(t)
	drv, err := driver.OpenLibrary(file)
	require.NoError(t, err)
	c, err := drv.Open(0)
	require.NoError(t, err)
	t.Cleanup(driver.SetBLAS(file))
	return drv, c
}

// Whatever call of cuBLAS fails, its error says which, and the next product begins with that call again.
func TestBLASFailures(t *testing.T) {
	drv, c := openFailing(t)
	driver.Set(drv, "fake_code", 42)
	require.ErrorContains(t, second(c.BLAS()), "cuDeviceGetAttribute 75")
	driver.Set(drv, "fake_code", 0)
	blas, err := c.BLAS()
	require.NoError(t, err)
	x := make([]float32, 1)
	g := driver.Gemm{M: 1, N: 1, K: 1, A: address(x), LDA: 1, B: address(x), LDB: 1, C: address(x), LDC: 1, Count: 1}
	for i, call := range []struct{ status, says string }{{"fake_stream", "cublasSetStream: CUBLAS_STATUS_EXECUTION_FAILED (13)"},
		{"fake_space", "cublasSetWorkspace of 4194304 bytes: CUBLAS_STATUS_EXECUTION_FAILED (13)"}} {
		driver.Set(drv, call.status, 13)
		require.ErrorContains(t, blas.Gemm(driver.Stream(i+1), g), call.says)
		driver.Set(drv, call.status, 0)
		require.NoError(t, blas.Gemm(driver.Stream(i+1), g))
	}
	g.TF32 = true
	driver.Set(drv, "fake_status", 13)
	require.ErrorContains(t, blas.Gemm(2, g), "cublasSetMathMode of TF32 true: CUBLAS_STATUS_EXECUTION_FAILED (13)")
	driver.Set(drv, "fake_status", 0)
	require.NoError(t, blas.Gemm(2, g))
	require.EqualValues(t, 3, driver.Read(drv, "fake_math"))

	// A stream that ends leaves its workspace to the next one; a second one's is given back.
	driver.Set(drv, "fake_code", 42)
	require.ErrorContains(t, c.FreeStream(1), "cuStreamSynchronize", "what it works on is not taken away")
	driver.Set(drv, "fake_code", 0)
	require.NoError(t, c.FreeStream(1))
	require.Zero(t, driver.Read(drv, "fake_freed"))
	require.NoError(t, c.FreeStream(2))
	require.EqualValues(t, 1, driver.Read(drv, "fake_freed"))
	require.NoError(t, c.FreeStream(3), "cuBLAS never worked on it")
	require.NoError(t, blas.Gemm(2, g))
	require.NoError(t, blas.Gemm(4, g))
	driver.Set(drv, "fake_destroy", 13)
	require.ErrorContains(t, c.Close(), "cublasDestroy: CUBLAS_STATUS_EXECUTION_FAILED (13)")
	require.EqualValues(t, 3, driver.Read(drv, "fake_freed"), "its workspaces go all the same")
}

// From sm_90 on cuBLAS is given more room.
func TestBLASOnNewCards(t *testing.T) {
	drv, c := openFailing(t)
	driver.Set(drv, "fake_major", 9)
	blas, err := c.BLAS()
	require.NoError(t, err)
	x := make([]float32, 1)
	require.NoError(t, blas.Gemm(1, driver.Gemm{M: 1, N: 1, K: 1, A: address(x), LDA: 1, B: address(x), LDB: 1, C: address(x), LDC: 1, Count: 1}))
	require.EqualValues(t, 32<<20, driver.Read(drv, "fake_bytes"))
	require.NoError(t, blas.Close())
}
