package sim_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/sim"
)

// What a fault says: the kernel, the block, the thread, the line, the instruction, and what is wrong.
func TestFaultsSayWhere(t *testing.T) {
	const last = "setp.eq.u32 %p1, %r1, 37; mov.u32 %r2, %ctaid.x; setp.ne.and.u32 %p1, %r2, 0, %p1;\n" // thread 37 of the second block
	for _, c := range []struct{ name, body, text string }{
		{"past the end", "@%p1 st.global.u32 [%rd1+256], %r1;", "out of bounds in kernel k, block [1 0 0], thread 37, line 17: @%p1 st.global.u32 [%rd1+256], %r1;: " +
			"0x7f0000000100 is 0 bytes past the end of an allocation of 256"},
		{"before the start", "@%p1 ld.global.u32 %r2, [%rd1+-4];", "0x7efffffffffc is no device address"},
		{"past shared memory, from a generic address", "cvta.shared.u64 %rd3, 1024; @%p1 ld.u32 %r2, [%rd3];", "thread 37, line 17: @%p1 ld.u32 %r2, [%rd3];: byte 1024 of 1024 of shared memory"},
		{"at no address", "@%p1 ld.global.u32 %r2, [16];", "0x10 is no device address"},
		{"past the arguments, by an address", "mov.u64 %rd3, x; @%p1 ld.param.u32 %r2, [%rd3+8];", "byte 8 of 8 of arguments"},
		{"before the arguments", "mov.u64 %rd3, x; @%p1 ld.param.u32 %r2, [%rd3+-4];", "byte -4 of 8 of arguments"},
		{"half of what is read was written", "@%p1 st.shared.u32 [tile], %r1; @%p1 ld.shared.u64 %rd3, [tile];", "read of memory nobody wrote in kernel k, block [1 0 0], thread 37"},
		{"trap", "@%p1 trap;", "trap in kernel k, block [1 0 0], thread 37, line 17: @%p1 trap;"},
		{"member masks that differ", "mov.u32 %r3, -1; setp.eq.u32 %p2, %r1, 37; @%p2 mov.u32 %r3, 0x7fffffff; bar.warp.sync %r3;",
			"warp-synchronous instruction without its lanes in kernel k, block [0 0 0], thread 37, line 17: bar.warp.sync %r3;: member masks differ: 7fffffff and ffffffff"},
		{"lanes that have left", "setp.lt.u32 %p2, %r1, 5; @%p2 ret; bar.warp.sync -1;", "member mask ffffffff names lanes that have left: ffffffe0 are alive"},
		{"a warp half at the block's barrier", "setp.lt.u32 %p2, %r1, 5; @%p2 bra L; bar.sync 0; ret; L: bar.warp.sync -1;", "lanes 0000001f wait for lanes that never come"},
		{"another warp reads a word", "ld.global.u32 %r2, [%rd1+148]; setp.eq.u32 %p2, %r1, 37; @%p2 st.global.u32 [%rd1+148], %r1;",
			"thread 37, line 17: @%p2 st.global.u32 [%rd1+148], %r1;: word 37 was read by another thread"},
		{"another block reads a word", "@!%p1 ld.global.u32 %r2, [%rd1+148]; @%p1 st.global.u32 [%rd1+148], %r1;", "data race in kernel k, block [1 0 0], thread 37"},
		{"a plain write beside an atomic", "@%p1 st.global.u32 [%rd1], 0; @!%p1 red.global.add.u32 [%rd1], 1;", "data race in kernel k"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := run(t, sim.New(checks), kernel(last+c.body), 2, 64, make([]uint32, 64))
			require.ErrorContains(t, err, c.text)
		})
	}
}

// Memory that was freed is no memory, for kernels and for the host; the host's faults say bytes and no kernel.
func TestFaultsOfTheHost(t *testing.T) {
	m := sim.New(checks)
	x, err := m.Alloc(64)
	require.NoError(t, err)
	require.NoError(t, m.Fill32(x, 1, 16))
	mod, err := m.Load(kernel("ld.global.u32 %r2, [%rd1];"))
	require.NoError(t, err)
	k, err := mod.Kernel("k")
	require.NoError(t, err)
	launch := func() error {
		return k.Launch([3]int{1, 1, 1}, [3]int{1, 1, 1}, 0, binary.LittleEndian.AppendUint64(nil, x))
	}
	require.NoError(t, launch())
	y, err := m.Alloc(64)
	require.NoError(t, err)
	fault := func(err error, kind sim.FaultKind, text string) {
		t.Helper()
		var f *sim.Fault
		require.ErrorAs(t, err, &f)
		require.Equal(t, []any{kind, ""}, []any{f.Kind, f.Kernel})
		require.ErrorContains(t, err, text)
	}
	fault(m.Copy(y, x+60, 8), sim.OutOfBounds, "a copy of 8 bytes: 8 bytes at byte 60 of an allocation of 64")
	fault(m.Copy(y+64, x, 8), sim.OutOfBounds, "0 bytes past the end of an allocation of 64")
	fault(m.Fill32(y+8, 0, 15), sim.OutOfBounds, "a copy of 60 bytes")
	fault(m.Read(make([]byte, 4), 16), sim.OutOfBounds, "0x10 is no device address")
	fault(m.Free(16), sim.OutOfBounds, "free of 0x10, which is no allocation")
	// Nothing is copied from anywhere to anywhere without a complaint.
	for _, err := range []error{m.Copy(0, 0, 0), m.Fill32(0, 0, 0), m.Read(nil, 0), m.Write(0, nil)} {
		require.NoError(t, err)
	}
	// What nobody wrote stays so when it is moved.
	z, err := m.Alloc(64)
	require.NoError(t, err)
	require.NoError(t, m.Copy(y, z, 64))
	fault(m.Read(make([]byte, 4), y), sim.Uninitialised, "a copy to the host of byte 0 of an allocation of 64")
	require.NoError(t, m.Copy(y+8, x, 4))
	require.NoError(t, m.Read(make([]byte, 4), y+8), "and what somebody wrote, too")
	fault(m.Read(make([]byte, 8), y+8), sim.Uninitialised, "byte 12 of an allocation of 64")

	require.NoError(t, m.Free(x))
	require.ErrorContains(t, launch(), fmt.Sprintf("use after free in kernel k, block [0 0 0], thread 0, line 16: ld.global.u32 %%r2, [%%rd1];: %#x is byte 0 of an allocation that was freed", x))
	fault(m.Write(x, make([]byte, 4)), sim.UseAfterFree, "byte 0 of an allocation that was freed")
	fault(m.Free(x), sim.DoubleFree, fmt.Sprintf("double free: %#x", x))
	_, err = m.Alloc(-1)
	require.ErrorContains(t, err, "-1 bytes asked")
}

// After a fault the kernel runs again from the start: nothing of the broken launch is left in it.
func TestAfterAFault(t *testing.T) {
	m := sim.New(checks)
	mod, err := m.Load(kernel("ld.global.u32 %r2, [%rd2]; setp.eq.u32 %p1, %r2, 9; @%p1 trap; add.u32 %r2, %r2, 1; st.global.u32 [%rd2], %r2;"))
	require.NoError(t, err)
	k, err := mod.Kernel("k")
	require.NoError(t, err)
	x, err := m.Alloc(256)
	require.NoError(t, err)
	args := binary.LittleEndian.AppendUint64(nil, x)
	require.NoError(t, m.Fill32(x, 8, 64))
	require.NoError(t, m.Fill32(x+200, 9, 1))
	require.ErrorContains(t, k.Launch([3]int{1, 1, 1}, [3]int{64, 1, 1}, 0, args), "thread 50")
	require.NoError(t, m.Fill32(x, 3, 64))
	require.NoError(t, k.Launch([3]int{1, 1, 1}, [3]int{64, 1, 1}, 0, args))
	raw := make([]byte, 256)
	require.NoError(t, m.Read(raw, x))
	for i := range 64 {
		require.Equal(t, uint32(4), binary.LittleEndian.Uint32(raw[4*i:]), "word %d", i)
	}
	require.Equal(t, uint64(2), m.Counters()["k"].Launches)
}

// A block of fewer lanes than a warp may name the missing ones: a mask of all is what kernels write.
func TestShortWarps(t *testing.T) {
	got, err := run(t, sim.New(checks), kernel("shfl.sync.up.b32 %r2, %r1, 1, 0, -1; st.global.u32 [%rd2], %r2;"), 1, 5, make([]uint32, 5))
	require.NoError(t, err)
	require.Equal(t, []uint32{0, 0, 1, 2, 3}, got)
}
