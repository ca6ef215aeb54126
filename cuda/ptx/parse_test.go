package ptx_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/ptx"
)

// small is a kernel around a body.
func small(body string) string {
	return ".version 6.3\n.target sm_70\n.address_size 64\n.const .align 4 .f32 half[2] = {0f3F000000, 0f00000000};\n" +
		".visible .entry k(.param .align 8 .b8 a[16], .param .u32 n)\n.maxntid 64, 2, 1\n{\n" +
		".reg .pred %p<3>;\n.reg .b32 %r<4>;\n.reg .f32 %f<4>;\n.reg .b64 %rd<3>;\n.shared .align 16 .b8 tile[64];\n" + body + "\nret;\n}\n"
}

func TestKernelsOfTheProject(t *testing.T) {
	text, err := os.ReadFile("../kernel/kernels.ptx")
	require.NoError(t, err)
	m, err := ptx.Parse(text)
	require.NoError(t, err)
	require.Equal(t, "6.3", m.Version)
	require.Equal(t, "sm_70", m.Target)
	require.Len(t, m.Kernels, strings.Count(string(text), ".visible .entry"))
	require.Equal(t, 256, m.Kernel("begin").MaxThreads)
	require.Nil(t, m.Kernel("end"))
}

func TestTree(t *testing.T) {
	m, err := ptx.Parse([]byte(small(`
	ld.param.v2.u32 {%r1, %r2}, [a+8];
	@!%p1 bra OUT; // a comment
	{ .reg .b32 %r1; mov.u32 %r1, %tid.x; }
	st.shared.f32 [tile+4], 0f3F800000;
	setp.lt.and.f32 %p1|%p2, %f1, %f2, !%p0;
OUT:
	shfl.sync.bfly.b32 %r3|%p0, %r1, 16, 31, -1;
	cvt.rn.f32.u32 %f1, %r1;`)))
	require.NoError(t, err)
	k := m.Kernels[0]
	require.Equal(t, []int{0, 16, 20, 128, 64, 64}, []int{k.Params[0].Offset, k.Params[1].Offset, k.ParamBytes, k.MaxThreads, k.SharedSize, k.Shared[0].Bytes})
	require.Equal(t, []byte{0, 0, 0, 0x3f, 0, 0, 0, 0}, m.Vars[0].Init)
	load, jump, inner, store, set, shuffle, cvt := k.Body[0], k.Body[1], k.Body[2], k.Body[3], k.Body[4], k.Body[5], k.Body[6]
	require.Equal(t, ptx.Parameter, load.Space())
	require.Equal(t, uint64(8), load.Args[1].Value)
	require.Len(t, load.Args[0].Elems, 2)
	require.True(t, jump.Guard.Used && jump.Guard.Not)
	require.Equal(t, 5, jump.Args[0].Target)
	require.NotEqual(t, load.Args[0].Elems[0].Reg, inner.Args[0].Reg, "a register of an inner scope is another one")
	require.Equal(t, load.Args[0].Elems[0].Reg, cvt.Args[1].Reg, "and is gone after it")
	require.Equal(t, ptx.Shared, store.Args[0].Space)
	require.Equal(t, uint64(0x3f800000), store.Args[1].Value)
	require.True(t, set.Args[3].Not)
	require.GreaterOrEqual(t, set.Args[0].Also, 0)
	require.Equal(t, ^uint64(0), shuffle.Args[4].Value)
	require.Equal(t, []ptx.Type{ptx.F32, ptx.U32}, []ptx.Type{cvt.Type, cvt.From})
	require.Equal(t, "cvt.rn.f32.u32 %f1, %r1;", cvt.Text)
	require.Equal(t, "ret", k.Body[len(k.Body)-1].Op, "falling off the end is leaving")
}

// What cannot be run is refused where it stands.
func TestRefusals(t *testing.T) {
	for body, want := range map[string]string{
		"ex2.approx.f32 %f1, %f2;":                  "not supported",
		"add.f32 %f1, %f2, %f3;":                    "wants one of .rn",
		"add.rn.ftz.f32 %f1, %f2, %f3;":             "not supported with .ftz",
		"fma.rn.f64 %rd0, %rd1, %rd2, %rd2;":        "not supported with type .f64",
		"add.s32 %r1, %r2;":                         "has 2 operands",
		"add.s32 %r1, %rd1, %r2;":                   "operand 2 does not fit",
		"add.s32 %r9, %r1, %r2;":                    "%r9 is not known",
		"@%r1 bra OUT;":                             "%r1 is no predicate",
		"bra NOWHERE;":                              "there is no label NOWHERE",
		"ld.local.u32 %r1, [%rd1];":                 "not supported with .local",
		"ld.global.v2.u32 {%r1, %r2, %r3}, [%rd1];": "moves 3 values",
		"st.global.u32 [%rd1], {%r1, %r2};":         "moves 2 values",
		"call foo;":                                 "not known",
		"setp.lt.and.s32 %p1, %r1, %r2;":            "a fourth operand comes with",
		"setp.ltu.s32 %p1, %r1, %r2;":               "not supported with .ltu",
		"shfl.bfly.b32 %r1, %r2, 1, 31, -1;":        "wants .sync",
		"atom.global.cas.b32 %r1, [%rd1], %r2;":     "a fourth operand",
		"mov.b64 {%r1, %r2, %r3}, %rd1;":            "3 parts of 64 bits",
		"cvt.rn.s32.f32 %r1, %f1;":                  "not supported between these types",
		"mul.wide.s64 %rd1, %rd2, %rd2;":            "operand 1 does not fit",
		"mov.u32 %r1, %clock;":                      "%clock is not known",
		"ld.global.u32 %r1, [-%r2];":                "is no number",
		"L: L: ret;":                                "label L is there twice",
		".reg .b33 %x;":                             "is no type of a register",
		".shared .align 3 .b8 x[4];":                "no power of two",
		".shared .b8 y[99999999999];":               "is no number of",
		"and.pred %p1, %p2, %r1;":                   "operand 3 does not fit",
		"not.b32 %r1, !%r2;":                        "! is for predicates",
		"shf.l.b32 %r1, %r1, %r2, %r3;":             "wants one of .clamp, .wrap",
		"lop3.b32 %r1, %r1, %r2, %r3, %r3;":         "the table is no number",
		"red.global.cas.b32 [%rd1], %r1;":           "has no use without its result: .cas",
		"cvt.u32.u64 5, %rd1;":                      "operand 1 does not fit",
		"popc.b32 %r1, %p1;":                        "operand 2 does not fit",
		"ld.global.u32 5, [%rd1];":                  "loads into what is no register",
		"ld.global.u32 %tid.x, [%rd1];":             "loads into what is no register",
		"ld.global.v2.u32 {%r1, 5}, [%rd1];":        "loads into what is no register",
		"ld.global.v2.u64 {%rd1, %r1}, [%rd1];":     "operand 1 does not fit",
		"ld.global.v2.u32 {%r1, %p1}, [%rd1];":      "operand 1 does not fit",
		"ld.param.v2.volatile.u32 {%r1, %r2}, [a];": "not supported of a parameter",
		"st.global.u32 [%rd1], _;":                  "stores what is no value",
		"st.global.v2.u32 [%rd1], {%r1, _};":        "stores what is no value",
		"mov.b64 {%r1, 5}, %rd1;":                   "not supported",
		"mov.b64 %rd1, {%r1, _};":                   "not supported",
		"mov.b64 {%r1, %r2}, {%r2, %r1};":           "not supported",
		"mov.u32 5, %r1;":                           "not supported",
		"setp.lo.f32 %p1, %f1, %f2;":                "not supported with .lo",
		"cvt.u32 %r1, %r2;":                         "wants two types",
		"mad.wide.u64 %rd1, %rd1, %rd1, %rd1;":      "operand 1 does not fit",
		"add.s32 %r1 %r2, %r3;":                     "a comma is wanted",
		"mov.u32 %r1, {%r2, [a]};":                  "a vector holds registers and numbers",
		"mov.u32 %r1, {%r2, {%r2, %r3}};":           "a vector holds registers and numbers",
		"mov.u32 %r1, {%r2;":                        `";" stands where "}" is wanted`,
		"ld.global.u32 %r1, [_];":                   "no address",
		"ld.global.u32 %r1, [%rd1+%r1];":            "%r1 is no offset",
		"ld.global.u32 %r1, [%rd1+0f3F800000];":     "0f3F800000 is no offset",
		"mov.u32 %r1, -0f3F800000;":                 "-0f3F800000 is no number",
		"setp.lt.s32 %p1|%r1, %r1, %r2;":            "%r1 is no predicate",
		".reg .b32 %x<70000>;":                      "is no number of 0..65536",
		".shared .b8 y[];":                          "y has no size",
		".extern .shared .b8 y[];":                  ".shared is not known",
		".shared .pred y;":                          ".pred is no type of a variable",
		".shared .align 4 y;":                       "y has no type",
	} {
		_, err := ptx.Parse([]byte(small(body)))
		var e *ptx.Error
		require.ErrorAs(t, err, &e, body)
		require.Contains(t, e.Error(), want, body)
		require.Equal(t, 13, e.Line, body)
	}
	for text, want := range map[string]string{
		".version 6.3\n.func f { }":                 ".func",
		".address_size 32":                          "addresses of 32 bits",
		".entry k(.param .u32 a .param .u32 b) { }": "between parameters",
		".entry k() { ret; } .entry k() { ret; }":   "is there twice",
		".entry k() .maxnreg 12 { ret; }":           "before a kernel's body",
		".entry k() { ret;":                         "too early",
		".global .u32 x = {1, 2};":                  "more initial values than room",
		".global .u32 x; .global .u32 x;":           "declared twice",
		".entry k() .maxntid 1024, 2 { ret; }":      "more than 1024 threads",
		".entry k(.param .b8 a[]) { ret; }":         "a has no size",
		".global .u32 x[];":                         "x has no size",
		".global .u32 x = %tid.x;":                  `"%tid.x" is no initial value`,
		".global .u32 x = {1 2};":                   `"2" stands where "}" is wanted`,
		".global .u64 x[99999999];":                 "is larger than 268435456 bytes",
		".version":                                  "too early",
		"add.s32 a, b, c;":                          "not supported at the module's level",
	} {
		_, err := ptx.Parse([]byte(text))
		require.ErrorContains(t, err, want, text)
	}
}

// Any text is a module or an error.
func FuzzParse(f *testing.F) {
	f.Add(small("add.rn.f32 %f1, %f2, %f3;"))
	f.Add(small("L: ld.shared.v4.f32 {%f0, %f1, _, %f3}, [tile+16]; @%p1 bra.uni L;"))
	f.Add(".entry k(.param .b8 a[4]) { .reg .b32 %r<2>; {{}} ret; }")
	f.Add("/* \" .const .f32 x = 0f00;")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ptx.Parse([]byte(text))
		require.True(t, (m == nil) == (err != nil))
	})
}

// What a text says beside instructions, in the forms numbers, names and comments come in.
func TestDeclarations(t *testing.T) {
	m, err := ptx.Parse([]byte(`.version 7.0
.target sm_80, debug
/* a comment
   of lines */ .address_size 64
.weak .global .align 8 .u16 g = 0x1234;
.const .b8 c[4] = {1, 2};
.visible .entry k(.param .u64 .ptr .global .align 16 p, .param .u16 q)
.reqntid 32, 4
.minnctapersm 3
{
.reg .b32 a, %b<2>; .reg .b64 d;
.pragma "a string with // and ;";
.loc 1 2 3
.shared .u32 one;
mov.u32 a, -0x10;
{ .shared .u64 two; mov.u32 a, two; }
add.u32 a, a, 7U; L:
ld.global.f32 a, [d+-8];
ld.const.u8 a, [c+1];
ret.uni;
}`))
	require.NoError(t, err)
	require.Equal(t, []string{"7.0", "sm_80"}, []string{m.Version, m.Target})
	require.Equal(t, []ptx.Var{{Name: "g", Space: ptx.Global, Bytes: 2, Align: 8, Init: []byte{0x34, 0x12}},
		{Name: "c", Space: ptx.Const, Bytes: 4, Align: 1, Init: []byte{1, 2, 0, 0}}}, m.Vars)
	k := m.Kernels[0]
	require.Equal(t, []ptx.Param{{"p", 8, 16, 0}, {"q", 2, 2, 8}}, k.Params)
	require.Equal(t, []int{10, 128, 3, 7}, []int{k.ParamBytes, k.MaxThreads, k.MinBlocks, k.Line})
	require.Equal(t, []ptx.Var{{Name: "one", Space: ptx.Shared, Bytes: 4, Align: 4}, {Name: "two", Space: ptx.Shared, Bytes: 8, Align: 8, Offset: 8}}, k.Shared)
	require.Equal(t, 16, k.SharedSize)
	require.Equal(t, ^uint64(15), k.Body[0].Args[1].Value)
	require.Equal(t, uint64(8), k.Body[1].Args[1].Value)
	require.Equal(t, uint64(7), k.Body[2].Args[2].Value)
	require.Equal(t, ^uint64(7), k.Body[3].Args[1].Value)
	require.Equal(t, ptx.Global, k.Body[3].Space())
	require.Equal(t, ptx.Const, k.Body[4].Space())
	require.Equal(t, 18, k.Body[3].Line)
	require.Len(t, k.Body, 7)
}
