package sim

import (
	"encoding/binary"
	"math"

	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/f32"
)

// blas stands for cuBLAS: each element one chain of fused multiply-adds. The library's own order of additions is its secret.
type blas struct{ c *context }

func (c *context) BLAS() (driver.BLAS, error) {
	if err := c.enter("cublasCreate"); err != nil {
		return nil, err
	}
	return blas{c}, nil
}

func (blas) Name() string { return "simulated cuBLAS" }
func (blas) Close() error { return nil }

func (b blas) Gemm(s driver.Stream, g driver.Gemm) error {
	if err := b.c.enter("cublasSgemm"); err != nil || g.M == 0 || g.N == 0 {
		return err
	}
	for _, m := range [3]struct {
		transposed     bool
		rows, cols, ld int
	}{{g.TransA, g.M, g.K, g.LDA}, {g.TransB, g.K, g.N, g.LDB}, {false, g.M, g.N, g.LDC}} {
		if _, cols := flip(m.transposed, m.rows, m.cols); m.ld < cols {
			return failed(driver.InvalidValue, "cublasSgemm of rows of %d floats, %d apart", cols, m.ld)
		}
	}
	return b.c.enqueue(s, "cublasSgemm", func() error {
		for i := range int64(g.Count) {
			if err := b.one(g, uint64(g.A)+uint64(4*i*g.StrideA), uint64(g.B)+uint64(4*i*g.StrideB), uint64(g.C)+uint64(4*i*g.StrideC)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b blas) one(g driver.Gemm, a, bb, c uint64) error {
	rows, cols := flip(g.TransA, g.M, g.K)
	x, err := b.matrix(a, rows, cols, g.LDA)
	if err != nil {
		return err
	}
	rows, cols = flip(g.TransB, g.K, g.N)
	y, err := b.matrix(bb, rows, cols, g.LDB)
	if err != nil {
		return err
	}
	at := func(m []float32, t bool, i, j, ld int) float32 {
		if t {
			i, j = j, i
		}
		v := m[i*ld+j]
		if g.TF32 {
			v = tf32(v)
		}
		return v
	}
	var word [4]byte
	for i := range g.M {
		for j := range g.N {
			p := c + uint64(4*(i*g.LDC+j))
			sum := float32(0)
			if g.Beta != 0 {
				if err := b.c.m.Read(word[:], p); err != nil {
					return err
				}
				sum = g.Beta * math.Float32frombits(binary.LittleEndian.Uint32(word[:]))
			}
			for k := range g.K {
				sum = f32.FMA(at(x, g.TransA, i, k, g.LDA), at(y, g.TransB, k, j, g.LDB), sum)
			}
			binary.LittleEndian.PutUint32(word[:], math.Float32bits(sum))
			if err := b.c.m.Write(p, word[:]); err != nil {
				return err
			}
		}
	}
	return nil
}

// flip is a matrix's shape as it lies in memory.
func flip(transposed bool, rows, cols int) (int, int) {
	if transposed {
		return cols, rows
	}
	return rows, cols
}

// matrix reads rows of cols floats, ld apart; what lies between them may be anything.
func (b blas) matrix(p uint64, rows, cols, ld int) ([]float32, error) {
	out := make([]float32, rows*ld)
	raw := make([]byte, 4*cols)
	for i := range rows {
		if err := b.c.m.Read(raw, p+uint64(4*i*ld)); err != nil {
			return nil, err
		}
		for j := range cols {
			out[i*ld+j] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*j:]))
		}
	}
	return out, nil
}

// tf32 rounds to ten bits after the point, ties away from zero, as cvt.rna does.
func tf32(x float32) float32 {
	if x-x != 0 {
		return x
	}
	return math.Float32frombits((math.Float32bits(x) + 1<<12) &^ (1<<13 - 1))
}
