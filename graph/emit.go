package graph

// This file writes values as instructions.

// emit appends v's instructions to dst. Refs are set.
func emit(dst []Instr, v *value) []Instr {
	in := Instr{Op: v.op, Space: v.space, Act: v.act, Forward: v.forward, Out: v.ref, C: v.biasG, N: v.cols}
	refs := [3]*Ref{&in.A, &in.B, &in.C}
	switch v.op {
	case OpLinearBack:
		for i := 0; i < len(v.in); i += 2 {
			in.A, in.B, in.C = v.in[i].ref, v.in[i+1].ref, Ref{}
			in.K, in.N = v.cols, v.in[i].cols
			in.Acc = i > 0
			if i+2 == len(v.in) && v.gate != nil {
				in.C = v.gate.ref
			}
			dst = append(dst, in)
		}
		return dst
	case OpGather:
		in.A, in.C = v.in[0].ref, Ref{}
		in.B = v.in[1].ref
		in.K = v.k
		return append(dst, in)
	case OpGatherGrad:
		in.B, in.K = v.in[0].ref, v.k
		return append(dst, in)
	case OpLinear, OpLinearGrad:
		in.K = v.k
	case OpLogProb, OpLogProbBack:
		in.N = v.in[len(v.in)-1].cols
	case OpScale, OpConst:
		in.Const = v.con
	case OpSumT, OpFirst, OpLast:
		in.Space = PerRow // the space of A
	case OpSum, OpMean, OpVariance:
		in.Space = PerTraj
	}
	for i, x := range v.in {
		*refs[i] = x.ref
	}
	return append(dst, in)
}
