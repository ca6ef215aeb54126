package sim_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sluice-ml/sluice/cuda/sim"
	"github.com/sluice-ml/sluice/f32"
)

// kernel is one that has the address of x in %rd1, the thread's own word of it in %rd2, and the thread's number in %r1.
func kernel(body string) []byte {
	return []byte(".version 6.3\n.target sm_70\n.address_size 64\n.visible .entry k(.param .u64 x)\n.maxntid 128\n{\n" +
		".reg .pred %p<8>;\n.reg .b32 %r<16>;\n.reg .f32 %f<8>;\n.reg .b64 %rd<8>;\n.shared .align 16 .b8 tile[1024];\n" +
		"ld.param.u64 %rd1, [x];\nmov.u32 %r1, %tid.x;\nmul.wide.u32 %rd2, %r1, 4;\nadd.s64 %rd2, %rd1, %rd2;\n" + body + "\nret;\n}\n")
}

// run runs a kernel of n threads on words of memory and returns them.
func run(t require.TestingT, m *sim.Machine, text []byte, blocks, n int, words []uint32) ([]uint32, error) {
	mod, err := m.Load(text)
	require.NoError(t, err)
	k, err := mod.Kernel("k")
	require.NoError(t, err)
	x, err := m.Alloc(4 * len(words))
	require.NoError(t, err)
	raw := make([]byte, 4*len(words))
	for i, w := range words {
		binary.LittleEndian.PutUint32(raw[4*i:], w)
	}
	require.NoError(t, m.Write(x, raw))
	if err := k.Launch([3]int{blocks, 1, 1}, [3]int{n, 1, 1}, 0, binary.LittleEndian.AppendUint64(nil, x)); err != nil {
		return nil, err
	}
	require.NoError(t, m.Read(raw, x))
	out := make([]uint32, len(words))
	for i := range out {
		out[i] = binary.LittleEndian.Uint32(raw[4*i:])
	}
	return out, nil
}

var checks = sim.Config{Race: true, Init: true, Limit: 100_000}

// Each fault is found and named, on the line it happens on.
func TestFaults(t *testing.T) {
	const first = 16 // line of a body's first instruction
	for _, c := range []struct {
		name, body string
		blocks     int
		kind       sim.FaultKind
		line       int
	}{
		{"past the end", "st.global.u32 [%rd2+256], %r1;", 1, sim.OutOfBounds, first},
		{"no address at all", "mov.u64 %rd3, 64; ld.global.u32 %r2, [%rd3];", 1, sim.OutOfBounds, first},
		{"past shared memory", "mov.u32 %r2, 1024; st.shared.u32 [%r2], %r1;", 1, sim.OutOfBounds, first},
		{"past the arguments", "ld.param.u64 %rd3, [x+8];", 1, sim.OutOfBounds, first},
		{"misaligned", "st.global.u32 [%rd2+2], %r1;", 1, sim.Misaligned, first},
		{"misaligned vector", "ld.global.v2.u32 {%r2, %r3}, [%rd1+4];", 1, sim.Misaligned, first},
		{"shared memory nobody wrote", "ld.shared.u32 %r2, [tile];", 1, sim.Uninitialised, first},
		{"two warps write one word", "st.shared.u32 [tile], %r1;", 1, sim.Race, first},
		{"no barrier", "shl.b32 %r2, %r1, 2; st.shared.u32 [%r2], %r1; bar.sync 0; xor.b32 %r3, %r2, 128;\nst.shared.u32 [%r2], %r1; ld.shared.u32 %r4, [%r3];", 1, sim.Race, first + 1},
		{"two blocks write one word", "setp.eq.s32 %p1, %r1, 0; @%p1 st.global.u32 [%rd1], %r1;", 2, sim.Race, first},
		{"a sum without an atomic", "setp.eq.s32 %p1, %r1, 0; @%p1 ld.global.u32 %r2, [%rd1]; add.s32 %r2, %r2, 1;\n@%p1 st.global.u32 [%rd1], %r2;", 2, sim.Race, first},
		{"read by a warp, written by one of it", "setp.eq.s32 %p1, %r1, 9; ld.global.u32 %r2, [%rd1];\n@%p1 st.global.u32 [%rd1], %r2;", 1, sim.Race, first + 1},
		{"ordered in the warp that writes only", "setp.eq.s32 %p1, %r1, 9; ld.global.u32 %r2, [%rd1]; bar.warp.sync -1; @%p1 st.global.u32 [%rd1], %r2;", 1, sim.Race, first},
		{"a shuffle half the warp makes", "setp.lt.s32 %p1, %r1, 16;\n@%p1 shfl.sync.bfly.b32 %r2, %r1, 1, 31, -1;\n", 1, sim.Divergence, first + 1},
		{"a lane outside its own mask", "bar.warp.sync 1;", 1, sim.Divergence, first},
		{"a value of a lane that is away", "setp.lt.s32 %p1, %r1, 16; @!%p1 bra OUT;\nshfl.sync.bfly.b32 %r2, %r1, 16, 31, 65535;\nOUT: mov.u32 %r2, 0;", 1, sim.Divergence, first + 1},
		{"endless", "L: bra L;", 1, sim.Endless, first},
		{"trap", "trap;", 1, sim.Trap, first},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := run(t, sim.New(checks), kernel(c.body), c.blocks, 64, make([]uint32, 64))
			var f *sim.Fault
			require.ErrorAs(t, err, &f)
			require.Equal(t, c.kind, f.Kind, "%v", f)
			require.Equal(t, "k", f.Kernel)
			require.Equal(t, c.line, f.Line, "%v", f)
		})
	}
}

// What barriers and atomics order is no race, under any schedule, and gives one result.
func TestOrdered(t *testing.T) {
	body := "setp.eq.s32 %p2, %r1, 0; @%p2 st.shared.u32 [tile+512], 0; bar.sync 0; red.shared.add.u32 [tile+512], %r1; bar.sync 0;\n" +
		"shl.b32 %r2, %r1, 2; st.shared.u32 [%r2], %r1; bar.sync 0; xor.b32 %r2, %r2, 252; ld.shared.u32 %r3, [%r2];\n" +
		"ld.shared.u32 %r4, [tile+512]; add.s32 %r3, %r3, %r4; st.global.u32 [%rd2], %r3; bar.sync 0;\n" +
		"ld.global.u32 %r4, [%rd1+8]; bar.sync 0; setp.eq.s32 %p1, %r1, 5; @%p1 st.global.u32 [%rd1+8], %r4;"
	want := make([]uint32, 64)
	for i := range want {
		want[i] = uint32(i^63) + 63*64/2
	}
	for seed := range uint64(20) {
		cfg := checks
		cfg.Seed = seed
		got, err := run(t, sim.New(cfg), kernel(body), 1, 64, make([]uint32, 64))
		require.NoError(t, err)
		require.Equal(t, want, got, "seed %d", seed)
	}
}

// A warp that has read a word may write it once it has met, again and again.
func TestOrderedInAWarp(t *testing.T) {
	one := "ld.global.u32 %r2, [%rd1]; bar.warp.sync -1; add.s32 %r2, %r2, 1; @%p1 st.global.u32 [%rd1], %r2; bar.warp.sync -1;\n"
	for seed := range uint64(5) {
		cfg := checks
		cfg.Seed = seed
		got, err := run(t, sim.New(cfg), kernel("setp.eq.s32 %p1, %r1, 9;\n"+strings.Repeat(one, 3)), 1, 32, make([]uint32, 32))
		require.NoError(t, err)
		require.Equal(t, uint32(3), got[0])
	}
}

// A branch parts a warp and its lanes meet again; what counts is counted.
func TestCounters(t *testing.T) {
	m := sim.New(sim.Config{})
	body := "mov.u32 %r2, 0; setp.lt.s32 %p1, %r1, 8;\n@%p1 bra ONE;\nadd.s32 %r2, %r2, 1;\nbra.uni TWO;\nONE: add.s32 %r2, %r2, 2;\n" +
		"TWO: cvt.rn.f32.u32 %f1, %r2;\nfma.rn.f32 %f2, %f1, %f1, %f1;\ncvt.rzi.s32.f32 %r3, %f2;\nst.global.u32 [%rd2], %r3;"
	got, err := run(t, m, kernel(body), 1, 32, make([]uint32, 32))
	require.NoError(t, err)
	require.Equal(t, []uint32{6, 6, 2, 2}, []uint32{got[0], got[7], got[8], got[31]})
	c := m.Counters()["k"]
	require.Equal(t, sim.Counters{Launches: 1, Instructions: 4 + 3 + 3 + 5, Lanes: 32*(4+2) + 8 + 24*2 + 8 + 32*5, FFMA: 32, Stored: 128, Sectors: 4,
		FewestSector: 4, Diverged: 1}, c)
	m.ResetCounters()
	require.Empty(t, m.Counters())
	_, err = run(t, m, kernel("shl.b32 %r2, %r1, 7; and.b32 %r2, %r2, 1023; st.shared.u32 [%r2], %r1; mul.wide.u32 %rd3, %r1, 32;\n"+
		"add.s64 %rd3, %rd1, %rd3; ld.global.u32 %r3, [%rd3];"), 1, 8, make([]uint32, 64))
	require.NoError(t, err)
	c = m.Counters()["k"]
	require.Equal(t, []uint64{8, 1, 8, 1}, []uint64{c.Sectors, c.FewestSector, c.Banks, c.FewestBanks}, "strides are paid for")
}

// Arithmetic is IEEE's and Go's own.
func TestArithmetic(t *testing.T) {
	m := sim.New(sim.Config{})
	body := "ld.global.f32 %f1, [%rd1]; ld.global.f32 %f2, [%rd1+4]; ld.global.f32 %f3, [%rd1+8]; ld.global.u32 %r2, [%rd1]; ld.global.u32 %r3, [%rd1+4];\n" +
		"fma.rn.f32 %f4, %f1, %f2, %f3; st.global.f32 [%rd1+12], %f4; div.rn.f32 %f4, %f1, %f2; st.global.f32 [%rd1+16], %f4;\n" +
		"sqrt.rn.f32 %f4, %f1; st.global.f32 [%rd1+20], %f4; mul.hi.u32 %r4, %r2, %r3; st.global.u32 [%rd1+24], %r4;\n" +
		"div.s32 %r4, %r2, %r3; st.global.u32 [%rd1+28], %r4; shr.s32 %r4, %r2, %r3; st.global.u32 [%rd1+32], %r4;\n" +
		"popc.b32 %r4, %r2; st.global.u32 [%rd1+36], %r4; clz.b32 %r4, %r2; st.global.u32 [%rd1+40], %r4;\n" +
		"lop3.b32 %r4, %r2, %r3, %r1, 0x6a; st.global.u32 [%rd1+44], %r4; min.s32 %r4, %r2, %r3; st.global.u32 [%rd1+48], %r4;\n" +
		"bfe.u32 %r4, %r2, 5, 9; st.global.u32 [%rd1+52], %r4; prmt.b32 %r4, %r2, %r3, 0x3715; st.global.u32 [%rd1+56], %r4;"
	text := kernel(body)
	bits := func(x float32) uint32 {
		if x != x {
			return 0x7fffffff
		}
		return math.Float32bits(x)
	}
	rapid.Check(t, func(t *rapid.T) {
		in := make([]uint32, 15)
		for i := range 3 {
			in[i] = rapid.OneOf(rapid.Uint32(), rapid.SampledFrom([]uint32{0, 1 << 31, 0x7f800000, 0x7fc00000, 1, 0x3f800000, 0xffffffff})).Draw(t, "x")
		}
		got, err := run(t, m, text, 1, 1, in)
		if err != nil {
			t.Fatal(err)
		}
		a, b := in[0], in[1]
		x, y, z := math.Float32frombits(a), math.Float32frombits(b), math.Float32frombits(in[2])
		quotient := uint32(0xffffffff)
		if b != 0 {
			quotient = uint32(int64(int32(a)) / int64(int32(b)))
		}
		shift := min(b, 31)
		pick := []byte{byte(a), byte(a >> 8), byte(a >> 16), byte(a >> 24), byte(b), byte(b >> 8), byte(b >> 16), byte(b >> 24)}
		clz := uint32(32)
		for v := a; v != 0; v >>= 1 {
			clz--
		}
		ones := uint32(0)
		for v := a; v != 0; v &= v - 1 {
			ones++
		}
		want := []uint32{bits(f32.FMA(x, y, z)), bits(x / y), bits(float32(math.Sqrt(float64(x)))), uint32(uint64(a) * uint64(b) >> 32), quotient,
			uint32(int32(a) >> shift), ones, clz, a & b /* 0x6a is (a & b) ^ c, and c is thread 0's number */, uint32(min(int32(a), int32(b))), a >> 5 & 511,
			uint32(pick[5]) | uint32(pick[1])<<8 | uint32(pick[7])<<16 | uint32(pick[3])<<24}
		for i, w := range want {
			if got[3+i] != w {
				t.Fatalf("result %d of %08x %08x %08x: %08x, want %08x", i, a, b, in[2], got[3+i], w)
			}
		}
	})
}

func TestMemory(t *testing.T) {
	m := sim.New(sim.Config{Memory: 1 << 20, Init: true})
	_, err := m.Alloc(1<<20 + 1)
	require.ErrorContains(t, err, "out of device memory")
	p, err := m.Alloc(16)
	require.NoError(t, err)
	require.ErrorContains(t, m.Read(make([]byte, 4), p), "nobody wrote")
	require.NoError(t, m.Fill32(p, 7, 4))
	require.NoError(t, m.Read(make([]byte, 16), p))
	require.ErrorContains(t, m.Write(p+12, make([]byte, 8)), "out of bounds")
	require.ErrorContains(t, m.Free(p+4), "no allocation")
	require.NoError(t, m.Free(p))
	require.ErrorContains(t, m.Free(p), "double free")
	require.ErrorContains(t, m.Read(make([]byte, 4), p), "use after free")
}

func TestLaunchesRefused(t *testing.T) {
	m := sim.New(sim.Config{})
	mod, err := m.Load(kernel(""))
	require.NoError(t, err)
	_, err = mod.Kernel("q")
	require.ErrorContains(t, err, `no kernel "q"`)
	k, err := mod.Kernel("k")
	require.NoError(t, err)
	args := make([]byte, 8)
	for _, c := range []struct {
		grid, block [3]int
		shared      int
		args        []byte
		want        string
	}{
		{[3]int{0, 1, 1}, [3]int{1, 1, 1}, 0, args, "a grid of"},
		{[3]int{1, 1 << 16, 1}, [3]int{1, 1, 1}, 0, args, "a grid of"},
		{[3]int{1, 1, 1}, [3]int{256, 1, 1}, 0, args, "at most 128"},
		{[3]int{1, 1, 1}, [3]int{1, 1, 65}, 0, args, "a block of"},
		{[3]int{1, 1, 1}, [3]int{1, 1, 1}, 48 << 10, args, "shared memory"},
		{[3]int{1, 1, 1}, [3]int{1, 1, 1}, 0, args[:4], "4 bytes of arguments"},
	} {
		require.ErrorContains(t, k.Launch(c.grid, c.block, c.shared, c.args), c.want)
	}
}

// Threads and blocks are numbered along x, then y, then z.
func TestSpecialRegisters(t *testing.T) {
	m := sim.New(checks)
	names := []string{"%tid.x", "%tid.y", "%tid.z", "%ntid.x", "%ntid.y", "%ntid.z", "%ctaid.x", "%ctaid.y", "%ctaid.z",
		"%nctaid.x", "%nctaid.y", "%nctaid.z", "%laneid", "%warpid"}
	body := "mov.u32 %r1, %tid.z; mov.u32 %r2, %tid.y; mad.lo.s32 %r1, %r1, 3, %r2; mov.u32 %r2, %tid.x; mad.lo.s32 %r1, %r1, 5, %r2;\n" +
		"mov.u32 %r3, %ctaid.z; mov.u32 %r2, %ctaid.y; mad.lo.s32 %r3, %r3, 2, %r2; mov.u32 %r2, %ctaid.x; mad.lo.s32 %r3, %r3, 2, %r2;\n" +
		"mad.lo.s32 %r1, %r3, 60, %r1; mul.wide.u32 %rd2, %r1, 56; add.s64 %rd2, %rd1, %rd2;\n"
	for i, n := range names {
		body += fmt.Sprintf("mov.u32 %%r2, %s; st.global.u32 [%%rd2+%d], %%r2;\n", n, 4*i)
	}
	mod, err := m.Load(kernel(body))
	require.NoError(t, err)
	k, err := mod.Kernel("k")
	require.NoError(t, err)
	grid, dim := [3]int{2, 2, 3}, [3]int{5, 3, 4}
	size := 4 * len(names) * 12 * 60
	x, err := m.Alloc(size)
	require.NoError(t, err)
	require.NoError(t, k.Launch(grid, dim, 0, binary.LittleEndian.AppendUint64(nil, x)))
	raw := make([]byte, size)
	require.NoError(t, m.Read(raw, x))
	at := 0
	for b := range 12 {
		for n := range 60 {
			want := []int{n % 5, n / 5 % 3, n / 15, 5, 3, 4, b % 2, b / 2 % 2, b / 4, 2, 2, 3, n % 32, n / 32}
			for i, w := range want {
				require.Equal(t, uint32(w), binary.LittleEndian.Uint32(raw[at:]), "%s of thread %d of block %d", names[i], n, b)
				at += 4
			}
		}
	}
}
