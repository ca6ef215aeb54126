// This file is the table of the fast kernels beside the matrix product's.

package cpu

import (
	"unsafe"

	"github.com/sluice-ml/sluice/f32"
)

// rowKernels is one instruction set's kernels of the instructions that work row by row or parameter by parameter. The formula of each
// stands in the stubs file of its stem; each gives the bits of the plain loop that calls it. Pointers are to the first of many; nothing
// is checked here.
type rowKernels struct {
	lanes int // floats in a vector

	// On wideColumns columns; One: on one vector, of which lanes says which exist.
	gather, gatherOne         gatherKernel
	scatter, scatterOne       scatterKernel
	columnSums, columnSumsOne columnsKernel

	logProb, logProbBack, draw func(p *byte) // of softmaxArgs

	adam    func(w, grad, m, v *float32, vectors int, c *float32)
	sgd     func(w, grad *float32, vectors int, c *float32)
	squares func(part, x *float32, groups int)
	add     func(dst, src *float32, groups int)
}

type (
	gatherKernel  func(out *float32, outStride int, w *float32, wStride int, bias *float32, feat *int32, active, rows int, lanes *int32, relu int)
	scatterKernel func(w *float32, wStride int, bias, d *float32, dStride int, feat *int32, active, rows int, lanes *int32)
	columnsKernel func(sum, x *float32, stride, rows int, lanes *int32)
)

// wideColumns is how many columns gather, scatter and columnSums do in one call; the others come by single vectors.
const wideColumns = 64

// group is the number of floats squares and add go by.
const group = 32

// first is the address of x[0], where T is float32: rowTable has kernels of no other type.
func first[T f32.Float](x []T) *float32 { return (*float32)(unsafe.Pointer(unsafe.SliceData(x))) }

// addTo is  for j := range dst { dst[j] += src[j] }.
func addTo[T f32.Float](k *rowKernels, dst, src []T) {
	src = src[:len(dst)]
	if n := len(dst) / group; k != nil && n > 0 {
		k.add(first(dst), first(src), n)
		dst, src = dst[n*group:], src[n*group:]
	}
	for j, v := range src {
		dst[j] += v
	}
}

// laneWindow is 32 lanes that are on, then 32 that are off: what begins w before the middle has w lanes on.
var laneWindow = func() (window [64]int32) {
	for i := range 32 {
		window[i] = -1
	}
	return window
}()

// firstLanes switches on the first w lanes of a vector or two.
func firstLanes(w int) *int32 { return &laneWindow[32-w] }

// address is that of x[i] as a number, which may lie anywhere.
func address(x []float32, i int) uintptr {
	return uintptr(unsafe.Pointer(unsafe.SliceData(x))) + uintptr(4*i)
}
