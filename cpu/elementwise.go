package cpu

import (
	"github.com/sluice-ml/sluice/f32"
	"github.com/sluice-ml/sluice/graph"
)

// elements is
//
//	for j := range out { out[j] = a[j] op b[j] }
//
// with one rounding an operation.
func elements[T f32.Float](in *graph.Instr, out, a, b []T) {
	a, b = a[:len(out)], b[:len(out)]
	switch in.Op {
	case graph.OpAdd:
		for j := range out {
			out[j] = a[j] + b[j]
		}
	case graph.OpSub:
		for j := range out {
			out[j] = a[j] - b[j]
		}
	case graph.OpMul:
		for j := range out {
			out[j] = a[j] * b[j]
		}
	case graph.OpScale:
		c := T(in.Const)
		for j := range out {
			out[j] = c * a[j]
		}
	case graph.OpSquare:
		for j := range out {
			out[j] = a[j] * a[j]
		}
	case graph.OpConst:
		for j := range out {
			out[j] = T(in.Const)
		}
	default:
		panic(badOp)
	}
}

const badOp = "cpu: an instruction stands in an entry it does not belong to"
