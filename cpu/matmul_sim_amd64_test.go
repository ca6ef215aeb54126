//go:build !noasm

// This file runs the kernels of the matrix product in asmsim, so that AVX-512 is tested on every machine.

package cpu

import (
	"fmt"
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu/asmsim"
)

// simulateAVX512 makes tierAVX512 one that tiers lists and matmul runs, until the test ends: by the hardware where
// there is AVX-512, else by interpreting the assembly that ships. Tests that use it do not run in parallel.
func simulateAVX512(t testing.TB) {
	if !hasTier(tierAVX512) {
		simulate(t, tierAVX512)
	}
}

// simulate puts interpreted kernels in the place of a tier's own.
func simulate(t testing.TB, on tier) {
	t.Helper()
	program, err := asmsim.Load("matmul_amd64.s")
	require.NoError(t, err)
	table, rows, supported := matmulKernels[on], rowTable[on], supports[on]
	t.Cleanup(func() { matmulKernels[on], rowTable[on], supports[on] = table, rows, supported })
	matmulKernels[on], rowTable[on], supports[on] = interpreted(t, program, on, table), interpretedRows(t, on, rows), true
}

// interpreted is a table like the given one, of the same functions by name.
func interpreted(t testing.TB, program *asmsim.Program, on tier, like *kernels) *kernels {
	isa := map[tier]string{tierAVX2: "256", tierAVX512: "512"}[on]
	call := func(name string, args ...uintptr) {
		if err := program.Call(name, args...); err != nil {
			panic(err)
		}
	}
	ks := &kernels{lanes: like.lanes, padded: like.padded, rows: like.rows, chains: like.chains}
	for rows := range like.tile {
		for vectors := range like.tile[rows] {
			if like.tile[rows][vectors] == nil {
				continue
			}
			name := fmt.Sprintf("tile%s_%dx%d", isa, rows, vectors*like.lanes)
			require.Contains(t, program.Functions(), name)
			ks.tile[rows][vectors] = func(p *byte) {
				call(name, uintptr(unsafe.Pointer(p)))
				runtime.KeepAlive(p)
			}
		}
	}
	for vectors := 1; vectors <= mostVectors; vectors++ {
		name := fmt.Sprintf("cut%s_%d", isa, vectors*like.lanes)
		ks.cut[vectors] = func(dst *float32, panelStride, width int, src *float32, srcStride, rows, panels int, lanes *int32) {
			call(name, uintptr(unsafe.Pointer(dst)), uintptr(panelStride), uintptr(width), uintptr(unsafe.Pointer(src)),
				uintptr(srcStride), uintptr(rows), uintptr(panels), uintptr(unsafe.Pointer(lanes)))
			runtime.KeepAlive(dst)
			runtime.KeepAlive(src)
		}
	}
	ks.transpose = func(dst *float32, dstStride int, src *float32, srcStride, blocks int) {
		call(fmt.Sprintf("transpose%d", like.lanes), uintptr(unsafe.Pointer(dst)), uintptr(dstStride),
			uintptr(unsafe.Pointer(src)), uintptr(srcStride), uintptr(blocks))
		runtime.KeepAlive(dst)
		runtime.KeepAlive(src)
	}
	ks.peak = func(n int) { call("fmaPeak"+isa, uintptr(n)) }
	return ks
}

// The interpreted kernels give the bits of the definition: of AVX2, which this machine's hardware confirms in the
// other tests, so that the interpreter is right; and of AVX-512.
func TestMatmulSimulated(t *testing.T) {
	shapes := [][3]int{{1, 1, 1}, {8, 16, 3}, {9, 17, 17}, {13, 33, 5}, {25, 65, 16}, {50, 31, 33}, {7, 70, 35}, {3, 5, 9}}
	for _, on := range []tier{tierAVX2, tierAVX512} {
		t.Run(on.String(), func(t *testing.T) {
			simulate(t, on)
			require.Contains(t, tiers(), on)
			var w packer
			for i, dim := range shapes {
				for flags := range 64 {
					s := shape{m: dim[0], n: dim[1], k: dim[2], special: flags%3 == 0, packed: flags%5 == 0, pad: i % 3}.with(flags)
					agree(t, &w, on, s, uint64(flags))
				}
			}
			for _, s := range []shape{
				{m: 5, n: 40, k: 300, acc: true, bias: true, relu: true}, // two blocks of k
				{m: 50, n: 290, k: 260, tB: true, gate: true},            // two blocks of columns
				{m: 70, n: 70, k: 20, tA: true, acc: true},               // two groups of panels of A
				{m: 50, n: 70, k: 512, bias: true},                       // rows of A 2 KiB apart
			} {
				agree(t, &w, on, s, 1)
			}
			for rows := 1; rows <= 12; rows++ { // every kernel
				for _, n := range []int{5, 12, 20, 32} {
					agree(t, &w, on, shape{m: rows, n: n, k: 4, acc: true, bias: true, relu: true, gate: true, special: true}, 2)
				}
			}
			matmulKernels[on].peak(3)
		})
	}
}

// The helper leaves the machine as it was.
func TestSimulateAVX512Restores(t *testing.T) {
	before := tiers()
	t.Run("inside", func(t *testing.T) {
		simulateAVX512(t)
		require.Contains(t, tiers(), tierAVX512)
		require.Equal(t, tierAVX512, detectTier())
	})
	require.Equal(t, before, tiers())
}
