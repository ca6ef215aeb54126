package sim_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sluice-ml/sluice/cuda/sim"
)

// Moves between registers, into parts of them and out of parts, by whole warps and not.
func TestMoves(t *testing.T) {
	same := func(n uint) func(v [4]uint64) uint64 { return func(v [4]uint64) uint64 { return v[0] & ones(n) } }
	for _, s := range []snippet{
		{text: "mov.b64 d, a;", widths: "64 64", want: same(64)},
		{text: "mov.b32 d, a;", widths: "32 32", want: same(32)},
		{text: "mov.b16 d, a;", widths: "16 16", want: same(16)},
		{text: "mov.u32 d, 5; setp.lt.u32 p, b, 40; @p mov.u32 d, a;", widths: "32 32 32", want: func(v [4]uint64) uint64 {
			if v[1]&ones(32) < 40 {
				return v[0] & ones(32)
			}
			return 5
		}},
		{text: "mov.u64 d, 5; setp.lt.u32 p, b, 40; @p mov.b64 d, a;", widths: "64 64 32", want: func(v [4]uint64) uint64 {
			if v[1]&ones(32) < 40 {
				return v[0]
			}
			return 5
		}},
		{text: "mov.b64 {d, _}, a;", widths: "32 64", want: same(32)},
		{text: "mov.b64 {_, d}, a;", widths: "32 64", want: func(v [4]uint64) uint64 { return v[0] >> 32 }},
		{text: "mov.b32 {d, b}, a; add.u16 d, d, b;", widths: "16 32 16", want: func(v [4]uint64) uint64 { return (v[0] + v[0]>>16) & ones(16) }},
		{text: "mov.b64 {_, _, d, _}, a;", widths: "16 64", want: func(v [4]uint64) uint64 { return v[0] >> 32 & ones(16) }},
		{text: "mov.b64 d, {a, b};", widths: "64 32 32", want: func(v [4]uint64) uint64 { return v[1]<<32 | v[0]&ones(32) }},
		{text: "mov.b64 d, {7, a};", widths: "64 32", want: func(v [4]uint64) uint64 { return v[0]<<32 | 7 }},
		{text: "mov.b64 d, {a, b, c, e};", widths: "64 16 16 16 16", want: func(v [4]uint64) (d uint64) {
			for i, x := range v {
				d |= x & ones(16) << (16 * i)
			}
			return d
		}},
		{text: "cvta.to.global.u64 d, a; cvta.global.u64 d, d;", widths: "64 64", want: same(64)},
		{text: "cvta.shared.u64 d, a; cvta.to.shared.u64 d, d;", widths: "64 64", want: same(64)},
		{text: "add.u64 d, a, 3; add.u32 b, b, b; or.b32 b, b, 1; cvt.u64.u32 c, b; add.u64 d, d, c;", widths: "64 64 32 64", want: func(v [4]uint64) uint64 {
			return v[0] + 3 + (2*v[1]|1)&ones(32)
		}},
	} {
		s.holds(t)
	}
}

// A value that is stored short and loaded again is its type's: bytes, halves, words, signed or not, in global and in shared memory, by the
// address of the space and by a generic one.
func TestStoredAndLoaded(t *testing.T) {
	all := append([]kind{{"u8", 8, false}, {"s8", 8, true}}, kinds...)
	for _, space := range []string{".global", ".shared", ""} {
		at := ".shared .align 8 .b8 room[256]; .reg .b64 to; mul.wide.u32 to, n, 8; "
		switch space {
		case ".global":
			at += "add.u64 to, at, 32; "
		case ".shared":
			at += ".reg .b32 low; mov.u32 low, room; cvt.u32.u64 n, to; add.u32 low, low, n; cvt.u64.u32 to, low; "
		default:
			at += "mov.u64 base, room; add.u64 to, to, base; cvta.shared.u64 to, to; "
		}
		for _, k := range all {
			wide := 64
			text := fmt.Sprintf("%sst%s.%s [to], a; ld%s.%s d, [to];", at, space, k.name, space, k.name)
			snippet{text: text, widths: fmt.Sprint(wide, 64), want: func(v [4]uint64) uint64 { return cut(k.number(v[0]), 64) }}.holds(t)
		}
	}
	// Two and four values at once; one that nobody wants.
	snippet{text: "st.global.v2.b32 [at+8], {b, a}; ld.global.v4.b32 {_, _, d, c}, [at]; sub.u32 d, d, c;", widths: "32 32 32 32",
		want: func(v [4]uint64) uint64 { return (v[1] - v[0]) & ones(32) }}.holds(t)
	snippet{text: ".shared .align 16 .b8 room[512]; .reg .b32 to; mad.lo.u32 to, n, 16, room; st.shared.v4.b32 [to], {a, b, 3, c};\n" +
		"ld.shared.v2.b32 {d, _}, [to+8]; ld.shared.v4.b32 {_, b, _, c}, [to]; add.u32 d, d, b; add.u32 d, d, c;", widths: "32 32 32 32",
		want: func(v [4]uint64) uint64 { return (3 + v[1] + v[2]) & ones(32) }}.holds(t)
	snippet{text: "{ .shared .u32 one; st.shared.u32 [one], 17; ld.shared.u32 d, [one]; }", widths: "32", want: func([4]uint64) uint64 { return 17 }}.holds(t)
}

// Each atomic leaves the new value and gives the old one.
func TestAtomics(t *testing.T) {
	type update struct {
		op   string
		k    kind
		want func(old, x, y uint64) uint64
	}
	var list []update
	for _, k := range []kind{{"u32", 32, false}, {"s32", 32, true}, {"u64", 64, false}} {
		less := func(x, y uint64) bool { return k.number(x).Cmp(k.number(y)) < 0 }
		list = append(list,
			update{"add", k, func(old, x, _ uint64) uint64 { return old + x }},
			update{"min", k, func(old, x, _ uint64) uint64 {
				if less(x, old) {
					return x
				}
				return old
			}},
			update{"max", k, func(old, x, _ uint64) uint64 {
				if less(old, x) {
					return x
				}
				return old
			}})
	}
	for _, k := range []kind{{"b32", 32, false}, {"b64", 64, false}} {
		list = append(list,
			update{"and", k, func(old, x, _ uint64) uint64 { return old & x }},
			update{"or", k, func(old, x, _ uint64) uint64 { return old | x }},
			update{"xor", k, func(old, x, _ uint64) uint64 { return old ^ x }},
			update{"exch", k, func(_, x, _ uint64) uint64 { return x }},
			update{"cas", k, func(old, x, y uint64) uint64 {
				if old&ones(k.bits) == x&ones(k.bits) {
					return y
				}
				return old
			}})
	}
	list = append(list, update{"add", kind{"f32", 32, false}, func(old, x, _ uint64) uint64 { return bitsOf(f32of(old) + f32of(x)) }})
	for _, u := range list {
		operands, few := "b", func() *rapid.Generator[uint64] { return rapid.OneOf(anyBits(), rapid.Uint64Range(0, 1)) }
		if u.op == "cas" {
			operands = "b, c"
		}
		if u.k.name == "f32" {
			few = floatBits
		}
		w := fmt.Sprint(u.k.bits, u.k.bits, u.k.bits, u.k.bits)
		text := fmt.Sprintf("atom.global.%s.%s d, [at], %s;", u.op, u.k.name, operands)
		snippet{text: text, widths: w, draw: few, want: func(v [4]uint64) uint64 { return v[0] & ones(u.k.bits) }}.holds(t)
		after := fmt.Sprintf(" ld.global.b%d d, [at];", u.k.bits)
		snippet{text: text + after, widths: w, draw: few, want: func(v [4]uint64) uint64 { return u.want(v[0], v[1], v[2]) & ones(u.k.bits) }}.holds(t)
		if u.op != "cas" && u.op != "exch" {
			snippet{text: fmt.Sprintf("red.global.%s.%s [at], b;", u.op, u.k.name) + after, widths: w, draw: few,
				want: func(v [4]uint64) uint64 { return u.want(v[0], v[1], v[2]) & ones(u.k.bits) }}.holds(t)
		}
	}
}

// Variables of a module have addresses and first values; a kernel may take the address of a parameter; fences cost nothing.
func TestVariables(t *testing.T) {
	const text = ".version 6.3\n.target sm_70\n.address_size 64\n.const .align 4 .u32 ten[3] = {10, 20};\n.global .align 8 .u64 total;\n" +
		".visible .entry k(.param .u64 x, .param .align 8 .b8 more[16])\n{\n.reg .b32 a, b;\n.reg .b64 x1, t, p;\n" +
		"ld.param.u64 x1, [x];\nld.const.u32 a, [ten+4];\nmov.u64 t, ten;\nld.const.u32 b, [t];\nadd.u32 a, a, b;\nld.global.u32 b, [t+8];\nadd.u32 a, a, b;\n" +
		"st.global.u32 [x1], a;\nmov.u64 p, more;\nld.param.v2.u32 {a, b}, [p+8];\nadd.u32 a, a, b;\nst.global.u32 [x1+4], a;\n" +
		"red.global.add.u64 [total], 3;\nmembar.gl;\nfence.sc.gpu;\nld.global.u32 a, [total];\nst.global.u32 [x1+8], a;\nexit;\n}\n"
	m := sim.New(checks)
	mod, err := m.Load([]byte(text))
	require.NoError(t, err)
	k, err := mod.Kernel("k")
	require.NoError(t, err)
	again, err := mod.Kernel("k")
	require.NoError(t, err)
	require.Same(t, k, again)
	require.Equal(t, 24, k.ParamBytes())
	registers, shared, threads := k.Attributes()
	require.Equal(t, []int{5, 0, 1024}, []int{registers, shared, threads})
	x, err := m.Alloc(12)
	require.NoError(t, err)
	args := binary.LittleEndian.AppendUint64(nil, x)
	for _, v := range []uint32{1, 2, 300, 40} {
		args = binary.LittleEndian.AppendUint32(args, v)
	}
	for launch := range uint32(2) {
		require.NoError(t, k.Launch([3]int{1, 1, 1}, [3]int{1, 1, 1}, 0, args))
		raw := make([]byte, 12)
		require.NoError(t, m.Read(raw, x))
		require.Equal(t, []uint32{30, 340, 3 + 3*launch}, []uint32{binary.LittleEndian.Uint32(raw), binary.LittleEndian.Uint32(raw[4:]), binary.LittleEndian.Uint32(raw[8:])})
	}
	// A module whose variables find no room is not loaded; one that is no PTX neither.
	_, err = sim.New(sim.Config{Memory: 8}).Load([]byte(text))
	require.ErrorContains(t, err, "out of device memory")
	_, err = m.Load([]byte("nothing"))
	require.ErrorContains(t, err, "ptx: line 1")
}

// What the parser takes and the translation does not, each with its line.
func TestNotTranslated(t *testing.T) {
	for body, want := range map[string]string{
		"bar.sync 1;":                                   "only barrier 0",
		"bar.sync %r1;":                                 "only barrier 0",
		"atom.global.min.f32 %f1, [%rd1], %f2;":         "no form for float32",
		"mov.u32 %rd3, %tid.x;":                         "registers of two widths",
		"mov.u64 %rd3, %tid.x;":                         "a special register has 32 bits",
		"mul.wide.u32 %rd3, %r1, %r1; mov.u64 %rd3, _;": "this operand",
	} {
		mod, err := sim.New(sim.Config{}).Load(kernel(body))
		require.NoError(t, err, body)
		_, err = mod.Kernel("k")
		var f *sim.Fault
		require.ErrorAs(t, err, &f, body)
		require.Equal(t, []any{sim.BadInstruction, "k", 16}, []any{f.Kind, f.Kernel, f.Line}, body)
		require.ErrorContains(t, err, want, body)
	}
}
