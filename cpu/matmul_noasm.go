//go:build (!amd64 && !arm64) || noasm

// This file is the matrix product of a build without assembly, which has one tier.

package cpu

// packer is one worker's packing buffers; plain Go needs none, and shares no product.
type packer struct{ shares bool }

const noKernels = "cpu: this build has no assembly"

func (w *packer) join(*packer) bool { return false }

func (w *packer) blocked(tier, *product[float32]) { panic(noKernels) }

func packPanels(tier, []float32, bool, int, int, []float32, int) { panic(noKernels) }

func peakKernel(tier) (kernel func(n int), flops float64) { panic(noKernels) }
