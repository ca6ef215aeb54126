// This file is the yardstick: how many multiply-adds a core does when it does nothing else.

package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/reg"
)

// peakChains is the number of independent chains, more than latency times throughput of any core.
const peakChains = 12

func (a *asm) peak(s isa) {
	name := "fmaPeak" + s.name()
	a.function(name, "func(n int)",
		fmt.Sprintf("%s does n times %d multiply-adds of %d lanes, in as many chains, by %s.", name, peakChains, s.lanes(), s.title()))
	n := a.arg("n")
	acc := make([]reg.VecVirtual, peakChains)
	for i := range acc {
		acc[i] = s.vec()
		s.zero(acc[i])
	}
	x := s.vec()
	s.zero(x)
	a.Label("next")
	for i := range acc {
		a.VFMADD231PS(x, x, acc[i])
	}
	a.again(n, "next")
	a.end()
}
