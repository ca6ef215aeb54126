// This file is what the gradient of a dense layer needs beside the matrix product: the sums of the columns.

package main

import (
	"fmt"

	op "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func linear(a *asm) {
	for _, s := range []isa{&avx2{asm: a}, &avx512{asm: a}} {
		for _, vectors := range []int{wideBytes / 4 / s.lanes(), 1} {
			a.columnSums(s, vectors)
		}
	}
}

const columnsDoc = `%s is, for r < rows in order and the columns j < %d whose lane is on,

	sum[j] += x[r][j]

by %s. The stride is in bytes; rows is not 0.%s`

func (a *asm) columnSums(s isa, vectors int) {
	c := a.columns(s, vectors)
	name := fmt.Sprintf("columnSums%s_%d", s.name(), c.width())
	a.function(name, "func(sum, x *float32, stride, rows int, lanes *int32)", fmt.Sprintf(columnsDoc, name, c.width(), s.title(), c.lanesNote()))
	sum, x, stride, rows := a.arg("sum"), a.arg("x"), a.arg("stride"), a.arg("rows")
	if !c.whole {
		s.bind(a.arg("lanes"), 1)
	}
	size := 4 * s.lanes()
	acc := make([]reg.VecVirtual, vectors)
	for v := range acc {
		acc[v] = s.vec()
		c.get(a, op.Mem{Base: sum, Disp: size * v}, acc[v])
	}
	a.Label("row")
	for v := range acc {
		c.add(a, op.Mem{Base: x, Disp: size * v}, acc[v])
	}
	a.ADDQ(stride, x)
	a.again(rows, "row")
	for v := range acc {
		c.put(a, acc[v], op.Mem{Base: sum, Disp: size * v})
	}
	a.end()
}
