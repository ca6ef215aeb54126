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
)

// This file is the rig of the property tests: one instruction, run by the lanes of a warp on values that rapid draws, against a function
// in Go.

// snippet is a piece of PTX on registers d (its result), a, b, c, e and predicates p, q, r, and what it computes.
type snippet struct {
	text   string
	widths string                          // bits of d, a, b, c, e; p stands for a predicate as d
	want   func(v [4]uint64) uint64        // of a, b, c, e
	draw   func() *rapid.Generator[uint64] // nil: any bits, edges often
}

// edges are the values where integers and floats turn.
var edges = []uint64{0, 1, 2, 3, 5, 31, 32, 33, 63, 64, 65, 255, 0x7f, 0x80, 0x7fff, 0x8000, 0xffff, 1 << 16, 0x7fffffff, 0x80000000, 0xffffffff, 1 << 32,
	1<<63 - 1, 1 << 63, ^uint64(0), ^uint64(0) - 1}

func anyBits() *rapid.Generator[uint64] {
	return rapid.OneOf(rapid.Uint64(), rapid.SampledFrom(edges), rapid.Map(rapid.Float32(), func(x float32) uint64 { return uint64(math.Float32bits(x)) }))
}

// floatBits are float32s: any, of near exponents (sums that cancel and round), and the special ones.
func floatBits() *rapid.Generator[uint64] {
	near := rapid.Custom(func(t *rapid.T) uint64 {
		return uint64(rapid.Uint32Range(120, 135).Draw(t, "exponent"))<<23 | uint64(rapid.Uint32Range(0, 1<<23-1).Draw(t, "fraction")) | uint64(rapid.Uint32Range(0, 1).Draw(t, "sign"))<<31
	})
	special := []uint64{0, 1 << 31, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0xffffffff, 1, 0x80000001, 0x007fffff, 0x00800000, 0x7f7fffff, 0x3f800000,
		0x4f000000, 0xcf000000, 0x5f000000, 0x5f800000, 0x3f000000, 0xbf000000, 0x40200000, 0x3effffff, 0xbf800000}
	return rapid.OneOf(near, rapid.SampledFrom(special), rapid.Map(rapid.Uint32(), func(x uint32) uint64 { return uint64(x) }))
}

const (
	slot  = 48 // bytes a thread: four values, the result, and room for 128-bit accesses
	lanes = 32
)

// bench is a snippet in a kernel on memory of its own.
type bench struct {
	m *sim.Machine
	k *sim.Kernel
	x uint64
	s snippet
}

func (s snippet) load(t testing.TB) *bench {
	names, widths := []string{"d", "a", "b", "c", "e"}, strings.Fields(s.widths)
	text := ".version 6.3\n.target sm_70\n.address_size 64\n.visible .entry k(.param .u64 x)\n{\n.reg .pred p, q, r;\n.reg .b32 n;\n.reg .b64 at, base;\n" +
		"ld.param.u64 base, [x];\nmov.u32 n, %tid.x;\nmul.wide.u32 at, n, 48;\nadd.s64 at, base, at;\n"
	for i, w := range widths {
		if w != "p" {
			text += fmt.Sprintf(".reg .b%s %s;\n", w, names[i])
		}
		if i > 0 {
			text += fmt.Sprintf("ld.global.b%s %s, [at+%d];\n", w, names[i], 8*(i-1))
		}
	}
	text += s.text + "\n"
	store := "st.global.b" + widths[0] + " [at+32], d;\n"
	if widths[0] == "p" {
		text += ".reg .b32 d;\nselp.b32 d, 1, 0, p;\n"
		store = "st.global.b32 [at+32], d;\n"
	}
	b := &bench{m: sim.New(sim.Config{}), s: s}
	mod, err := b.m.Load([]byte(text + store + "}\n"))
	require.NoError(t, err, s.text)
	b.k, err = mod.Kernel("k")
	require.NoError(t, err, s.text)
	b.x, err = b.m.Alloc(slot * lanes)
	require.NoError(t, err)
	return b
}

// run is the result of each lane on four values a lane.
func (b *bench) run(t require.TestingT, v [][4]uint64) []uint64 {
	raw := make([]byte, slot*lanes)
	for i, x := range v {
		for j, y := range x {
			binary.LittleEndian.PutUint64(raw[slot*i+8*j:], y)
		}
	}
	require.NoError(t, b.m.Write(b.x, raw))
	require.NoError(t, b.k.Launch([3]int{1, 1, 1}, [3]int{len(v), 1, 1}, 0, binary.LittleEndian.AppendUint64(nil, b.x)))
	require.NoError(t, b.m.Read(raw, b.x))
	out := make([]uint64, len(v))
	for i := range out {
		out[i] = binary.LittleEndian.Uint64(raw[slot*i+32:])
	}
	return out
}

// holds draws values for whole warps and for parts of one, which run by other loops.
func (s snippet) holds(t *testing.T) {
	t.Helper()
	t.Run(s.text, func(t *testing.T) {
		b := s.load(t)
		draw := anyBits()
		if s.draw != nil {
			draw = s.draw()
		}
		rapid.Check(t, func(t *rapid.T) {
			v := make([][4]uint64, rapid.SampledFrom([]int{1, 3, lanes}).Draw(t, "lanes"))
			// A few values in every lane's own order: pairs of equal and of special ones come often.
			few := rapid.SliceOfN(draw, 4, 9).Draw(t, "values")
			for i := range v {
				for j := range v[i] {
					v[i][j] = few[(i*(j+1)+j)%len(few)]
				}
			}
			for i, got := range b.run(t, v) {
				if want := s.want(v[i]); got != want {
					t.Fatalf("%s of %x is %x, want %x", s.text, v[i], got, want)
				}
			}
		})
	})
}
