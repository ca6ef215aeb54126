package drivertest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/driver"
)

func product(t *testing.T, b *bench) {
	blas, err := b.BLAS()
	if errors.Is(err, driver.ErrNoBLAS) {
		t.Skip(err)
	}
	b.ok(err)
	require.NotEmpty(t, blas.Name())
	s := b.stream()
	for _, transA := range []bool{false, true} {
		for _, transB := range []bool{false, true} {
			for i, g := range []driver.Gemm{
				{M: 5, N: 3, K: 7, Count: 1},
				{M: 4, N: 6, K: 2, Count: 3, Beta: 0.5},
				{M: 1, N: 9, K: 4, Count: 1, Beta: 1, TF32: true},
			} {
				g.TransA, g.TransB = transA, transB
				b.gemm(blas, []driver.Stream{0, s}[i%2], g)
			}
		}
	}
	b.ok(blas.Gemm(s, driver.Gemm{N: 3, K: 4, Count: 1})) // no rows: no work
	b.ok(b.FreeStream(s))
	b.ok(blas.Close())
}

// gemm multiplies small whole numbers, which float32 and TF32 hold exactly, in rows longer than the matrices' and with gaps between
// the matrices of a batch; C's gaps must stay.
func (b *bench) gemm(blas driver.BLAS, s driver.Stream, g driver.Gemm) {
	b.t.Helper()
	matrix := func(rows, cols int, trans bool) (x []float32, ld int, stride int64) {
		if trans {
			rows, cols = cols, rows
		}
		ld = cols + 2
		x = make([]float32, (rows*ld+3)*g.Count)
		for i := range x {
			x[i] = float32((i*5+rows)%11 - 5)
		}
		return x, ld, int64(rows*ld + 3)
	}
	at := func(x []float32, i, j, ld int, trans bool) float32 {
		if trans {
			i, j = j, i
		}
		return x[i*ld+j]
	}
	var x, y, z []float32
	x, g.LDA, g.StrideA = matrix(g.M, g.K, g.TransA)
	y, g.LDB, g.StrideB = matrix(g.K, g.N, g.TransB)
	z, g.LDC, g.StrideC = matrix(g.M, g.N, false)
	g.A, g.B, g.C = b.upload(x), b.upload(y), b.upload(z)
	b.ok(blas.Gemm(s, g))
	got := b.download(g.C, len(z), s)
	for n := range int64(g.Count) {
		for i := range g.M {
			for j := range g.N {
				c := &z[n*g.StrideC+int64(i*g.LDC+j)]
				*c *= g.Beta
				for k := range g.K {
					*c += at(x[n*g.StrideA:], i, k, g.LDA, g.TransA) * at(y[n*g.StrideB:], k, j, g.LDB, g.TransB)
				}
			}
		}
	}
	require.Equal(b.t, z, got, fmt.Sprintf("%+v", g))
}
