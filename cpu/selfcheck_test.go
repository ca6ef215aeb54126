//go:build (amd64 || arm64) && !noasm

// This file tests that the self-check notices one wrong bit of any kernel.

package cpu

import (
	"fmt"
	"math"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

func TestSelfCheckPasses(t *testing.T) {
	for _, on := range tiers()[1:] {
		require.True(t, sound(on), on)
	}
}

// spoil flips the last bit of x; a zero becomes the least positive number.
func spoil(x *float32) { *x = math.Float32frombits(math.Float32bits(*x) ^ 1) }

// brokenTiles are the tables of the product with one kernel each that is wrong in one bit, by the kernel's name.
func brokenTiles(good *kernels) map[string]*kernels {
	list := map[string]*kernels{}
	for rows := range good.tile {
		for vectors, tile := range good.tile[rows] {
			if tile == nil {
				continue
			}
			bad := *good
			bad.tile[rows][vectors] = func(p *byte) {
				tile(p)
				x := (*tileArgs)(unsafe.Pointer(p))
				spoil((*float32)(unsafe.Add(unsafe.Pointer(x.c), (rows-1)*x.rowC)))
			}
			list[fmt.Sprintf("tile %dx%d", rows, vectors*good.lanes)] = &bad
		}
	}
	for vectors, cut := range good.cut {
		if cut == nil {
			continue
		}
		bad := *good
		bad.cut[vectors] = func(dst *float32, panelStride, width int, src *float32, srcStride, rows, panels int, lanes *int32) {
			cut(dst, panelStride, width, src, srcStride, rows, panels, lanes)
			*dst++
		}
		list[fmt.Sprintf("cut %d", vectors)] = &bad
	}
	bad := *good
	bad.transpose = func(dst *float32, dstStride int, src *float32, srcStride, blocks int) {
		good.transpose(dst, dstStride, src, srcStride, blocks)
		*dst++
	}
	list["transpose"] = &bad
	return list
}

// brokenRows are the tables of the row kernels with one each that is wrong in one bit.
func brokenRows(good *rowKernels) map[string]*rowKernels {
	list := map[string]*rowKernels{}
	add := func(name string, change func(k *rowKernels)) {
		bad := *good
		change(&bad)
		list[name] = &bad
	}
	gather := func(f gatherKernel) gatherKernel {
		return func(out *float32, outStride int, w *float32, wStride int, bias *float32, feat *int32, active, rows int, lanes *int32, relu int) {
			f(out, outStride, w, wStride, bias, feat, active, rows, lanes, relu)
			spoil(out)
		}
	}
	add("gather", func(k *rowKernels) { k.gather = gather(k.gather) })
	add("gatherOne", func(k *rowKernels) { k.gatherOne = gather(k.gatherOne) })
	scatter := func(f scatterKernel) scatterKernel {
		return func(w *float32, wStride int, bias, d *float32, dStride int, feat *int32, active, rows int, lanes *int32) {
			f(w, wStride, bias, d, dStride, feat, active, rows, lanes)
			spoil(bias)
		}
	}
	add("scatter", func(k *rowKernels) { k.scatter = scatter(k.scatter) })
	add("scatterOne", func(k *rowKernels) { k.scatterOne = scatter(k.scatterOne) })
	columns := func(f columnsKernel) columnsKernel {
		return func(sum, x *float32, stride, rows int, lanes *int32) {
			f(sum, x, stride, rows, lanes)
			spoil(sum)
		}
	}
	add("columnSums", func(k *rowKernels) { k.columnSums = columns(k.columnSums) })
	add("columnSumsOne", func(k *rowKernels) { k.columnSumsOne = columns(k.columnSumsOne) })
	// The arguments' cursors have moved on by a group when a kernel returns.
	soft := func(f func(p *byte), wrong func(b *softmaxBlock)) func(p *byte) {
		return func(p *byte) {
			f(p)
			wrong((*softmaxBlock)(unsafe.Add(unsafe.Pointer(p), -int(unsafe.Offsetof(softmaxBlock{}.args)))))
		}
	}
	add("logProb", func(k *rowKernels) { k.logProb = soft(k.logProb, func(b *softmaxBlock) { spoil(&b.sum[0]) }) })
	add("logProbBack", func(k *rowKernels) { k.logProbBack = soft(k.logProbBack, func(b *softmaxBlock) { spoil(&b.x[0]) }) })
	add("draw", func(k *rowKernels) { k.draw = soft(k.draw, func(b *softmaxBlock) { b.action[0]++ }) })
	add("adam", func(k *rowKernels) {
		k.adam = func(w, grad, m, v *float32, vectors int, c *float32) {
			good.adam(w, grad, m, v, vectors, c)
			spoil(v)
		}
	})
	add("sgd", func(k *rowKernels) {
		k.sgd = func(w, grad *float32, vectors int, c *float32) {
			good.sgd(w, grad, vectors, c)
			spoil(w)
		}
	})
	add("squares", func(k *rowKernels) {
		k.squares = func(part, x *float32, groups int) { good.squares(part, x, groups); *part++ }
	})
	add("add", func(k *rowKernels) {
		k.add = func(dst, src *float32, groups int) {
			good.add(dst, src, groups)
			spoil(dst)
		}
	})
	return list
}

// place puts other kernels into the tables until the test ends.
func place(t *testing.T, on tier, ks *kernels, rows *rowKernels) {
	product, row := matmulKernels[on], rowTable[on]
	t.Cleanup(func() { matmulKernels[on], rowTable[on] = product, row })
	matmulKernels[on], rowTable[on] = ks, rows
}

func TestSelfCheckNoticesEveryKernel(t *testing.T) {
	for _, on := range tiers()[1:] {
		for name, bad := range brokenTiles(matmulKernels[on]) {
			t.Run(fmt.Sprintf("%v/%s", on, name), func(t *testing.T) {
				place(t, on, bad, rowTable[on])
				require.False(t, sound(on))
			})
		}
		for name, bad := range brokenRows(rowTable[on]) {
			t.Run(fmt.Sprintf("%v/%s", on, name), func(t *testing.T) {
				place(t, on, matmulKernels[on], bad)
				require.False(t, sound(on))
			})
		}
	}
}

func BenchmarkSelfCheck(b *testing.B) {
	for _, on := range tiers()[1:] {
		b.Run(on.String(), func(b *testing.B) {
			for b.Loop() {
				sound(on)
			}
		})
	}
}
