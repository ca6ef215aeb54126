//go:build (amd64 || arm64) && !noasm

// This file packs B into panels: groups of columns whose rows lie one behind the other, in the order the kernels read.

package cpu

import "unsafe"

// packPanels is packB for a tier of kernels.
func packPanels(t tier, dst []float32, tB bool, k, n int, b []float32, ldb int) {
	ks := matmulKernels[t]
	if k > 0 && n > 0 {
		ks.pack(dst, ks.width(n), tB, k, n, b, ldb)
	}
}

// pack stores op(B), k x n, as panels of width columns, the last one padded with zeros:
//
//	dst[j/width*width*k + p*width + j%width] = op(b)[p][j]
func (ks *kernels) pack(dst []float32, width int, tB bool, k, n int, b []float32, ldb int) {
	if tB {
		for j := 0; j < n; j += width {
			ks.packTransposed(dst[j*k:][:width*k], width, k, min(width, n-j), b[j*ldb:], ldb)
		}
		return
	}
	cut := ks.cut[width/ks.lanes]
	for j := 0; j < n; j += width {
		cut(&dst[j*k], 4*width*k, 4*width, &b[j], 4*ldb, k, 1, firstLanes(min(width, n-j)))
	}
}

// packTransposed fills one panel with n rows of a B that is stored n x k.
func (ks *kernels) packTransposed(dst []float32, width, k, n int, b []float32, ldb int) {
	if n < width {
		clear(dst)
	}
	for h := 0; h < n; h += ks.lanes {
		rows, done := min(ks.lanes, n-h), 0
		if rows == ks.lanes && k >= ks.lanes {
			ks.transpose(&dst[h], 4*width, &b[h*ldb], 4*ldb, k/ks.lanes)
			done = k / ks.lanes * ks.lanes
		}
		for r := range rows {
			row := b[(h+r)*ldb:][:k]
			for p := done; p < k; p++ {
				dst[p*width+h+r] = row[p]
			}
		}
	}
}

// room returns a buffer of n floats that begins a cache line: b if it is large enough.
func room(b []float32, n int) []float32 {
	if n <= cap(b) {
		return b[:n]
	}
	b = make([]float32, n+line/4)
	skip := int(-uintptr(unsafe.Pointer(&b[0])) & (line - 1) / 4)
	return b[skip:][: n : n+line/4-skip]
}
