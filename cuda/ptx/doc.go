// Package ptx reads PTX, the assembly language in which our GPU kernels ship, into a typed syntax tree.
//
// [Parse] takes what clang writes for the kernels of this project (`.version 6.3`, `.target sm_70`): kernels with
// parameters, registers, shared and module variables, labels, predicated instructions. Names are resolved (registers
// and labels become indices, variables get offsets), operand widths are checked, and every instruction has one of the
// forms listed in forms.go. Anything else is an [Error] that names the line and the instruction, so what is accepted
// here can be run.
//
// It is not an assembler and not a full front end: function calls, local memory, half and double precision
// arithmetic, textures and approximate instructions are refused; the kernels have none, and some of them have no
// defined result. Package cuda/sim runs the tree; the tests of the kernels read it.
//
//	m, err := ptx.Parse(text)
//	if err != nil {
//		return err // ptx: line 41: ex2.approx.f32 %f1, %f2;: not supported
//	}
//	for _, in := range m.Kernels[0].Body {
//		fmt.Println(in.Line, in.Op, in.Type)
//	}
package ptx
