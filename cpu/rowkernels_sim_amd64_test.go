//go:build !noasm

// This file runs the row kernels in asmsim, so that AVX-512 is tested on every machine.

package cpu

import (
	"fmt"
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu/asmsim"
)

// interpretedRows is a table like the given one, of the same functions by name. Arguments stay reachable while a kernel runs, as in Go.
func interpretedRows(t testing.TB, on tier, like *rowKernels) *rowKernels {
	isa := map[tier]string{tierAVX2: "256", tierAVX512: "512"}[on]
	programs := map[string]*asmsim.Program{}
	for _, stem := range []string{"gather", "linear", "softmax", "update"} {
		p, err := asmsim.Load(stem + "_amd64.s")
		require.NoError(t, err)
		for _, name := range p.Functions() {
			programs[name] = p
		}
	}
	call := func(name string, args ...uintptr) {
		if err := programs[name].Call(name, args...); err != nil {
			panic(err)
		}
	}
	at := func(p *float32) uintptr { return uintptr(unsafe.Pointer(p)) }
	on32 := func(p *int32) uintptr { return uintptr(unsafe.Pointer(p)) }
	k := &rowKernels{lanes: like.lanes}
	gather := func(width int) gatherKernel {
		return func(out *float32, outStride int, w *float32, wStride int, bias *float32, feat *int32, active, rows int, lanes *int32, relu int) {
			call(fmt.Sprintf("gather%s_%d", isa, width), at(out), uintptr(outStride), at(w), uintptr(wStride), at(bias), on32(feat),
				uintptr(active), uintptr(rows), on32(lanes), uintptr(relu))
			runtime.KeepAlive([]any{out, w, bias, feat, lanes})
		}
	}
	k.gather, k.gatherOne = gather(wideColumns), gather(k.lanes)
	scatter := func(width int) scatterKernel {
		return func(w *float32, wStride int, bias, d *float32, dStride int, feat *int32, active, rows int, lanes *int32) {
			call(fmt.Sprintf("scatter%s_%d", isa, width), at(w), uintptr(wStride), at(bias), at(d), uintptr(dStride), on32(feat),
				uintptr(active), uintptr(rows), on32(lanes))
			runtime.KeepAlive([]any{w, bias, d, feat, lanes})
		}
	}
	k.scatter, k.scatterOne = scatter(wideColumns), scatter(k.lanes)
	columns := func(width int) columnsKernel {
		return func(sum, x *float32, stride, rows int, lanes *int32) {
			call(fmt.Sprintf("columnSums%s_%d", isa, width), at(sum), at(x), uintptr(stride), uintptr(rows), on32(lanes))
			runtime.KeepAlive([]any{sum, x, lanes})
		}
	}
	k.columnSums, k.columnSumsOne = columns(wideColumns), columns(k.lanes)
	soft := func(name string) func(p *byte) {
		return func(p *byte) {
			call(name+isa, uintptr(unsafe.Pointer(p)))
			runtime.KeepAlive(p)
		}
	}
	k.logProb, k.logProbBack, k.draw = soft("logProb"), soft("logProbBack"), soft("draw")
	k.adam = func(w, grad, m, v *float32, vectors int, c *float32) {
		call("adam"+isa, at(w), at(grad), at(m), at(v), uintptr(vectors), at(c))
		runtime.KeepAlive([]any{w, grad, m, v, c})
	}
	k.sgd = func(w, grad *float32, vectors int, c *float32) {
		call("sgd"+isa, at(w), at(grad), uintptr(vectors), at(c))
		runtime.KeepAlive([]any{w, grad, c})
	}
	k.squares = func(part, x *float32, groups int) {
		call("squares"+isa, at(part), at(x), uintptr(groups))
		runtime.KeepAlive([]any{part, x})
	}
	k.add = func(dst, src *float32, groups int) {
		call("add"+isa, at(dst), at(src), uintptr(groups))
		runtime.KeepAlive([]any{dst, src})
	}
	return k
}

// The interpreted kernels give the bits of the definition: of AVX2, which hardware confirms in the other tests, and of AVX-512.
func TestRowsSimulated(t *testing.T) {
	for _, on := range []tier{tierAVX2, tierAVX512} {
		t.Run(on.String(), func(t *testing.T) { testRows(t, interpretedRows(t, on, rowTable[on])) })
	}
}

// The kernels read softmaxArgs at these offsets.
func TestSoftmaxArgsLayout(t *testing.T) {
	var a softmaxArgs
	require.Equal(t, []uintptr{0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88}, []uintptr{unsafe.Offsetof(a.groups), unsafe.Offsetof(a.n),
		unsafe.Offsetof(a.fold), unsafe.Offsetof(a.x), unsafe.Offsetof(a.xStep), unsafe.Offsetof(a.mask), unsafe.Offsetof(a.maskStep),
		unsafe.Offsetof(a.top), unsafe.Offsetof(a.sum), unsafe.Offsetof(a.action), unsafe.Offsetof(a.given), unsafe.Offsetof(a.part)})
}
