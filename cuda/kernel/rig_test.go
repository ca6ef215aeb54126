package kernel_test

import (
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/cuda/sim"
)

// This file is the bench the kernels are tested on: a device in memory, arrays and their way there and back.

// rig is a device and the kernels loaded so far.
type rig struct {
	t    testing.TB
	m    *sim.Machine
	mods map[kernel.ID]*sim.Module
	rnd  *rand.Rand
}

// newRig has blocks, warps and lanes take turns in an order of the test's own.
func newRig(t testing.TB) *rig {
	h := fnv.New64a()
	h.Write([]byte(t.Name()))
	return &rig{t, sim.New(sim.Config{Seed: h.Sum64(), Race: true, Init: true}), map[kernel.ID]*sim.Module{}, rand.New(rand.NewPCG(1, 2))}
}

// texts is the PTX cut at its kernels, each a module by itself: most tests run one of them, and to read all takes a moment.
var texts = func() map[string][]byte {
	const entry = "\n.visible .entry "
	parts := strings.Split(string(kernel.PTX()), entry)
	out := map[string][]byte{}
	for _, p := range parts[1:] {
		name, _, _ := strings.Cut(p, "(")
		out[name] = []byte(parts[0] + entry + p)
	}
	return out
}()

// word is what arrays hold.
type word interface{ ~int32 | ~uint32 | ~float32 }

func raw[T word](x []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

// blank is n words nobody has written.
func (r *rig) blank(n int) uint64 {
	p, err := r.m.Alloc(4 * max(n, 1))
	require.NoError(r.t, err)
	return p
}

func up[T word](r *rig, x []T) uint64 {
	p := r.blank(len(x))
	write(r, p, x)
	return p
}

func write[T word](r *rig, p uint64, x []T) { require.NoError(r.t, r.m.Write(p, raw(x))) }

func down[T word](r *rig, p uint64, n int) []T {
	x := make([]T, n)
	require.NoError(r.t, r.m.Read(raw(x), p))
	return x
}

// severally are the kernels that take several instructions a launch.
var severally = map[kernel.ID]bool{kernel.LinearNarrow: true, kernel.LinearBackNarrow: true, kernel.LinearGradNarrow: true, kernel.LogProb: true,
	kernel.LogProbBack: true, kernel.GatherGrad: true, kernel.GatherGradAny: true, kernel.GatherGradWide: true}

// run launches a kernel of one instruction and wants no fault.
func run[A any](r *rig, k kernel.ID, g kernel.Grid, a A) {
	r.t.Helper()
	if severally[k] {
		together(r, k, g, 1, a)
		return
	}
	deep(r, k, g, 1, kernel.Bytes(&a))
}

// together launches a kernel of some instructions, depth of which have blocks of their own.
func together[A any](r *rig, k kernel.ID, g kernel.Grid, depth int, list ...A) {
	r.t.Helper()
	var all kernel.Several[A]
	copy(all[:], list)
	deep(r, k, g, depth, kernel.Bytes(&all))
}

func deep(r *rig, k kernel.ID, g kernel.Grid, depth int, args []byte) {
	r.t.Helper()
	if g.X == 0 || g.Y == 0 {
		return
	}
	if r.mods[k] == nil {
		mod, err := r.m.Load(texts[k.String()])
		require.NoError(r.t, err)
		r.mods[k] = mod
	}
	f, err := r.mods[k].Kernel(k.String())
	require.NoError(r.t, err)
	require.NoError(r.t, f.Launch([3]int{g.X, g.Y, depth}, [3]int{g.Threads, 1, 1}, 0, args))
}
