package cpu

import "fmt"

// This file lets a benchmark time the matrix product alone.

// Product is the matrix product op(A)·op(B), m x k times k x n, on the caller's thread and the tier that New would use; op transposes
// where tA or tB say so. Each call of run multiplies the same matrices; what packing they need is part of it.
func Product(tA, tB bool, m, k, n int) (run func(), err error) {
	t, err := tierFromEnv()
	if err != nil {
		return nil, err
	}
	if m < 1 || k < 1 || n < 1 {
		return nil, fmt.Errorf("cpu: a product of %d x %d x %d", m, k, n)
	}
	p := &product[float32]{tA: tA, tB: tB, m: m, k: k, n: n, a: ramp(m * k), lda: k, b: ramp(k * n), ldb: n, c: make([]float32, m*n), ldc: n}
	if tA {
		p.lda = m
	}
	if tB {
		p.ldb = k
	}
	w := &packer{}
	return func() { w.matmul(t, p) }, nil
}

// ramp is numbers of both signs below 1.
func ramp(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i%13-6) / 8
	}
	return x
}
