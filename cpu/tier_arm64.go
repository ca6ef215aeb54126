//go:build !noasm

// This file is what an arm64 processor can run.

package cpu

import "sync"

const hasAssembly = true

// hasTier reports whether the tier has kernels and they are sound. Every arm64 processor that Go runs on has NEON.
func hasTier(t tier) bool { return t == tierNEON && soundNEON() }

// distrusted reports whether the tier is there but failed its self-check, so that plain Go runs in its place.
func distrusted(t tier) bool { return t == tierNEON && !soundNEON() }

// soundNEON asks once a process: the kernels were tested under emulation, and this processor is another. A test may ask again.
var soundNEON = sync.OnceValue(func() bool { return sound(tierNEON) })
