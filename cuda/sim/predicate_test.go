package sim_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// number 1, 0 as predicate p's.
func truth(b bool) uint64 { return b2u(b) }

// Every relation of integers, signed, unsigned, and the four that are unsigned whatever the type.
func TestRelations(t *testing.T) {
	for _, k := range kinds {
		plain := kind{bits: k.bits}
		for relation, f := range map[string]func(signed, unsigned int) bool{
			"eq": func(c, _ int) bool { return c == 0 }, "ne": func(c, _ int) bool { return c != 0 }, "lt": func(c, _ int) bool { return c < 0 },
			"le": func(c, _ int) bool { return c <= 0 }, "gt": func(c, _ int) bool { return c > 0 }, "ge": func(c, _ int) bool { return c >= 0 },
			"lo": func(_, c int) bool { return c < 0 }, "ls": func(_, c int) bool { return c <= 0 }, "hi": func(_, c int) bool { return c > 0 },
			"hs": func(_, c int) bool { return c >= 0 },
		} {
			snippet{text: "setp." + relation + "." + k.name + " p, a, b;", widths: fmt.Sprint("p ", k.bits, k.bits), want: func(v [4]uint64) uint64 {
				return truth(f(k.number(v[0]).Cmp(k.number(v[1])), plain.number(v[0]).Cmp(plain.number(v[1]))))
			}}.holds(t)
		}
	}
}

// Of floats: with a NaN only those hold that end in u, and nan; zeros are equal.
func TestFloatRelations(t *testing.T) {
	for relation, f := range map[string]func(x, y float32) bool{
		"eq": func(x, y float32) bool { return x == y }, "ne": func(x, y float32) bool { return x < y || x > y }, "lt": func(x, y float32) bool { return x < y },
		"le": func(x, y float32) bool { return x <= y }, "gt": func(x, y float32) bool { return x > y }, "ge": func(x, y float32) bool { return x >= y },
		"equ": func(x, y float32) bool { return !(x < y || x > y) }, "neu": func(x, y float32) bool { return x != y },
		"ltu": func(x, y float32) bool { return !(x >= y) }, "leu": func(x, y float32) bool { return !(x > y) }, "gtu": func(x, y float32) bool { return !(x <= y) },
		"geu": func(x, y float32) bool { return !(x < y) }, "num": func(x, y float32) bool { return x == x && y == y }, "nan": func(x, y float32) bool { return x != x || y != y },
	} {
		snippet{text: "setp." + relation + ".f32 p, a, b;", widths: "p 32 32", draw: floatBits, want: func(v [4]uint64) uint64 {
			return truth(f(f32of(v[0]), f32of(v[1])))
		}}.holds(t)
	}
}

// Two predicates at once, joined with a third: the second is of the relation's contrary.
func TestJoinedRelations(t *testing.T) {
	few := func() *rapid.Generator[uint64] { return rapid.Uint64Range(0, 2) }
	for join, f := range map[string]func(x, c bool) bool{"and": func(x, c bool) bool { return x && c }, "or": func(x, c bool) bool { return x || c },
		"xor": func(x, c bool) bool { return x != c }} {
		for _, third := range []string{"r", "!r"} {
			text := "setp.ne.u32 r, c, 0; setp.lt." + join + ".u32 p|q, a, b, " + third + "; selp.u32 d, 1, 0, p; selp.u32 a, 2, 0, q; add.u32 d, d, a;"
			snippet{text: text, widths: "32 32 32 32", draw: few, want: func(v [4]uint64) uint64 {
				less, c := v[0] < v[1], (v[2] != 0) == (third == "r")
				return truth(f(less, c)) + 2*truth(f(!less, c))
			}}.holds(t)
		}
	}
}

// Predicates among themselves, constants and negations among them.
func TestPredicateLogic(t *testing.T) {
	few := func() *rapid.Generator[uint64] { return rapid.Uint64Range(0, 1) }
	for op, f := range map[string]func(x, y bool) bool{
		"and.pred p, q, r;":  func(x, y bool) bool { return x && y },
		"and.pred p, !q, r;": func(x, y bool) bool { return !x && y },
		"or.pred p, q, r;":   func(x, y bool) bool { return x || y },
		"or.pred p, q, !r;":  func(x, y bool) bool { return x || !y },
		"xor.pred p, q, r;":  func(x, y bool) bool { return x != y },
		"xor.pred p, q, 1;":  func(x, _ bool) bool { return !x },
		"or.pred p, q, 0;":   func(x, _ bool) bool { return x },
		"not.pred p, q;":     func(x, _ bool) bool { return !x },
		"mov.pred p, q;":     func(x, _ bool) bool { return x },
		"mov.pred p, 1; @q mov.pred p, r; @!q bra L; setp.eq.u32 r, b, 7; L: and.pred p, p, p;": func(x, y bool) bool { return !x || y },
	} {
		snippet{text: "setp.ne.u32 q, a, 0; setp.ne.u32 r, b, 0; " + op, widths: "p 32 32", draw: few, want: func(v [4]uint64) uint64 {
			return truth(f(v[0] != 0, v[1] != 0))
		}}.holds(t)
	}
}

// A choice by predicate, of each width.
func TestChoices(t *testing.T) {
	for _, n := range []int{16, 32, 64} {
		snippet{text: fmt.Sprintf("setp.lt.u32 q, c, 40; selp.b%d d, a, b, q;", n), widths: fmt.Sprint(n, n, n, 32), want: func(v [4]uint64) uint64 {
			if v[2]&ones(32) < 40 {
				return v[0] & ones(uint(n))
			}
			return v[1] & ones(uint(n))
		}}.holds(t)
		snippet{text: fmt.Sprintf("setp.lt.u32 q, c, 40; selp.b%d d, a, 7, !q;", n), widths: fmt.Sprint(n, n, n, 32), want: func(v [4]uint64) uint64 {
			if v[2]&ones(32) < 40 {
				return 7
			}
			return v[0] & ones(uint(n))
		}}.holds(t)
	}
}

// shuffled is the PTX manual's account of shfl.
func shuffled(mode string, lane int, b, c uint64) (from int, ok bool) {
	by, clamp, segment := int(b&31), int(c&31), int(c>>8&31)
	last, first := lane&segment|clamp&^segment, lane&segment
	switch mode {
	case "up":
		from = lane - by
		ok = from >= last
	case "down":
		from = lane + by
		ok = from <= last
	case "bfly":
		from = lane ^ by
		ok = from <= last
	case "idx":
		from = first | by&^segment
		ok = from <= last
	}
	if !ok {
		from = lane
	}
	return from, ok
}

// Every mode with every distance and segment; the second result says whether the lane was within.
func TestShuffles(t *testing.T) {
	for _, mode := range []string{"up", "down", "bfly", "idx"} {
		b := snippet{text: "shfl.sync." + mode + ".b32 d|p, a, b, c, -1; selp.u32 a, 256, 0, p; add.u32 d, d, a;", widths: "32 32 32 32"}.load(t)
		t.Run(mode, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				by := rapid.Uint64Range(0, 40).Draw(t, "by")
				segment := uint64(32 - int(1)<<rapid.IntRange(0, 5).Draw(t, "segment"))
				clamp := segment<<8 | rapid.SampledFrom([]uint64{0, 31, 15, 7}).Draw(t, "clamp")
				v := make([][4]uint64, lanes)
				for i := range v {
					v[i] = [4]uint64{uint64(i), by, clamp}
				}
				for i, got := range b.run(t, v) {
					from, ok := shuffled(mode, i, by, clamp)
					if want := uint64(from) + 256*truth(ok); got != want {
						t.Fatalf("lane %d by %d clamp %#x: %d, want %d", i, by, clamp, got, want)
					}
				}
			})
		})
	}
}

// Votes are of the lanes that take part.
func TestVotes(t *testing.T) {
	for text, f := range map[string]func(said, asked uint64) uint64{
		"vote.sync.any.pred p, q, e; selp.u32 d, 1, 0, p;": func(said, _ uint64) uint64 { return truth(said != 0) },
		"vote.sync.all.pred p, q, e; selp.u32 d, 1, 0, p;": func(said, asked uint64) uint64 { return truth(said == asked) },
		"vote.sync.uni.pred p, q, e; selp.u32 d, 1, 0, p;": func(said, asked uint64) uint64 { return truth(said == asked || said == 0) },
		"vote.sync.ballot.b32 d, q, e;":                    func(said, _ uint64) uint64 { return said },
		"vote.sync.ballot.b32 d, 1, e;":                    func(_, asked uint64) uint64 { return asked },
		"activemask.b32 d; bar.warp.sync e;":               func(_, asked uint64) uint64 { return asked },
	} {
		t.Run(strings.Fields(text)[0], func(t *testing.T) {
			// b says which lanes take part, a what they say, e is the mask of those.
			b := snippet{text: "mov.b32 d, 99; setp.eq.u32 r, b, 0; @r bra OUT; setp.ne.u32 q, a, 0; " + text + " OUT: and.b32 d, d, d;", widths: "32 32 32 32 32"}.load(t)
			rapid.Check(t, func(t *rapid.T) {
				pick := rapid.OneOf(rapid.SampledFrom([]uint32{0xffffffff, 0, 1, 1 << 31}), rapid.Uint32())
				asked, said := pick.Draw(t, "asked"), pick.Draw(t, "said")
				v := make([][4]uint64, lanes)
				for i := range v {
					v[i] = [4]uint64{uint64(said >> i & 1), uint64(asked >> i & 1), 0, uint64(asked)}
				}
				for i, got := range b.run(t, v) {
					want := uint64(99)
					if asked>>i&1 == 1 {
						want = f(uint64(said&asked), uint64(asked))
					}
					if got != want {
						t.Fatalf("lane %d of %08x, who say %08x: %d, want %d", i, asked, said, got, want)
					}
				}
			})
		})
	}
}
