package cpu

import (
	"unsafe"

	"github.com/sluice-ml/sluice/f32"
)

// This file drives the kernels of the masked softmax. They take a group of rows at a time, one row a lane, so that no sum crosses
// lanes and any number of columns will do; rows are turned into columns here.

// softmaxArgs is what the kernels read; gen/softmax.go has the same layout. The cursors run past the ends of a softmaxBlock's slices,
// so they are no pointers; the slices keep the memory alive.
type softmaxArgs struct {
	groups, n, fold int
	x, xStep        uintptr
	mask, maskStep  uintptr
	top, sum        uintptr
	action, given   uintptr
	part            uintptr
}

// softmaxBlock is some rows as the kernels take them: of slot r, x[j] lies at x[(r/lanes*n+j)*lanes + r%lanes], and so do its mask's words.
type softmaxBlock struct {
	lanes, n, words int
	x               []float32
	mask            []uint32
	top, sum        []float32 // a row; sum is its logarithm after logProb
	given           []float32
	action          []int32
	part            [f32.Lanes * 16]float32
	rows            []int32 // of the block, to be drawn
	uniform         []float32
	args            softmaxArgs
}

// softmaxFloats bounds the numbers of one call, so that it stays under some tens of microseconds: assembly is not preempted.
const softmaxFloats = 16 << 10

// begin makes room and returns how many rows a call takes.
func (b *softmaxBlock) begin(k *rowKernels, n, words int) int {
	b.lanes, b.n, b.words = k.lanes, n, words
	groups := max(1, softmaxFloats/(n*k.lanes))
	groups = min(groups, 256/k.lanes)
	rows := groups * k.lanes
	b.x, b.mask = grown(b.x, rows*n), grown(b.mask, rows*words)
	b.top, b.sum, b.given, b.action = grown(b.top, rows), grown(b.sum, rows), grown(b.given, rows), grown(b.action, rows)
	return rows
}

// putRow sets slot r; a nil mask allows nothing.
func putRow[T f32.Float](b *softmaxBlock, r int, row []T, mask []uint32) {
	at := r/b.lanes*b.lanes*b.n + r%b.lanes
	for _, v := range row {
		b.x[at] = float32(v)
		at += b.lanes
	}
	at = r/b.lanes*b.lanes*b.words + r%b.lanes
	for q := range b.words {
		b.mask[at] = 0
		if mask != nil {
			b.mask[at] = mask[q]
		}
		at += b.lanes
	}
}

// run calls a kernel on the first rows slots.
func (b *softmaxBlock) run(kernel func(p *byte), rows int) {
	groups := (rows + b.lanes - 1) / b.lanes
	for r := rows; r < groups*b.lanes; r++ {
		putRow[float32](b, r, nil, nil)
	}
	fold := 1
	for fold < min(b.n, f32.Lanes) {
		fold *= 2
	}
	b.args = softmaxArgs{groups: groups, n: b.n, fold: fold,
		x: address(b.x, 0), xStep: uintptr(4 * b.lanes * b.n),
		mask: uintptr(unsafe.Pointer(&b.mask[0])), maskStep: uintptr(4 * b.lanes * b.words),
		top: address(b.top, 0), sum: address(b.sum, 0),
		action: uintptr(unsafe.Pointer(&b.action[0])), given: address(b.given, 0), part: address(b.part[:], 0)}
	kernel((*byte)(unsafe.Pointer(&b.args)))
}

// takeRow copies slot r's columns to row.
func takeRow[T f32.Float](b *softmaxBlock, row []T, r int) {
	at := r/b.lanes*b.lanes*b.n + r%b.lanes
	for j := range row {
		row[j] = T(b.x[at])
		at += b.lanes
	}
}

// logProbFast is logProb by a kernel.
func logProbFast[T f32.Float](b *softmaxBlock, k *rowKernels, out []T, lo int, x []T, ld, n int, mask []uint32, words int, action []int32) {
	most := b.begin(k, n, words)
	for from := 0; from < len(action); from += most {
		rows := action[from:min(from+most, len(action))]
		for r := range rows {
			putRow(b, r, x[(from+r)*ld:(from+r)*ld+n], mask[(from+r)*words:(from+r+1)*words])
		}
		b.run(k.logProb, len(rows))
		for r, a := range rows {
			v := T(0)
			if a >= 0 {
				v = (x[(from+r)*ld+int(a)] - T(b.top[r])) - T(b.sum[r])
			}
			out[(from+r)*lo] = v
		}
	}
}

// logProbBackFast is logProbBack by a kernel.
func logProbBackFast[T f32.Float](b *softmaxBlock, k *rowKernels, out []T, lo int, g []T, lg int, x []T, ld, n int,
	mask []uint32, words int, action []int32) {
	most := b.begin(k, n, words)
	for from := 0; from < len(action); from += most {
		rows := action[from:min(from+most, len(action))]
		for r, a := range rows {
			allowed := mask[(from+r)*words : (from+r+1)*words]
			if a < 0 {
				allowed = nil
			}
			putRow(b, r, x[(from+r)*ld:(from+r)*ld+n], allowed)
			b.given[r] = float32(g[(from+r)*lg])
		}
		copy(b.action, rows)
		b.run(k.logProbBack, len(rows))
		for r := range rows {
			takeRow(b, out[(from+r)*lo:(from+r)*lo+n], r)
		}
	}
}

// drawFast draws the actions of the rows in b.rows from the uniform numbers in b.uniform. There are at most 32 actions.
func drawFast[T f32.Float](b *softmaxBlock, k *rowKernels, action []int32, x []T, ld, n int, mask []uint32) {
	most := b.begin(k, n, 1)
	for from := 0; from < len(b.rows); from += most {
		rows := b.rows[from:min(from+most, len(b.rows))]
		for s, r := range rows {
			putRow(b, s, x[int(r)*ld:int(r)*ld+n], mask[r:r+1])
		}
		copy(b.given, b.uniform[from:])
		b.run(k.draw, len(rows))
		for s, r := range rows {
			action[r] = b.action[s]
		}
	}
}
