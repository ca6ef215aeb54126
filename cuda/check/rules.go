package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// This file is what must hold.

const (
	leastShare = .88 // of multiply-adds in the inner loop of a tiled product
	leastAhead = 200 // multiply-adds between a load and its use; with three warps a scheduler they hide 600 cycles
)

// tiled names the products whose inner loop is held to both: a launch of any size runs in them.
var tiled = regexp.MustCompile(`^linear(_back|_grad)?_(128x64|64x64)$`)

// forbidden is what rounds in its own way, what only a linker knows, and what is slow where nobody asked for it.
var forbidden = []string{`\.approx`, `\.ftz`, `\.local`, `\.f64`, `\.extern`, `\bcall\b`, `\b(?:add|sub|mul|fma|div)\.f32`, `\bsqrt\.f32`, `\.full\b`}

// judgeText reads the PTX.
func judgeText(ptx string) (found []string) {
	for _, word := range forbidden {
		if at := regexp.MustCompile(word).FindStringIndex(ptx); at != nil {
			found = append(found, fmt.Sprintf("line %d of the PTX has %q", 1+strings.Count(ptx[:at[0]], "\n"), ptx[at[0]:at[1]]))
		}
	}
	return found
}

// judge reads what became of it for a target.
func (r *result) judge() (found []string) {
	say := func(kernel, format string, args ...any) {
		found = append(found, fmt.Sprintf("%v: %s: %s", r.target, kernel, fmt.Sprintf(format, args...)))
	}
	for _, u := range r.usage {
		if u.stack != 0 || u.spillStores != 0 || u.spillLoads != 0 || u.localOfOther != 0 {
			say(u.kernel, "%d bytes of stack, %d and %d spilled, %d local", u.stack, u.spillStores, u.spillLoads, u.localOfOther)
		}
	}
	if r.fused {
		say("all kernels", "allowing contraction changes the code")
	}
	for i := range r.code {
		f := &r.code[i]
		if n := f.count("LDL") + f.count("STL"); n > 0 {
			say(f.name, "%d accesses to local memory", n)
		}
		if !tiled.MatchString(f.name) {
			continue
		}
		loop := f.loop()
		if s := share(loop); s < leastShare {
			say(f.name, "%.1f %% of the inner loop are multiply-adds, at least %.0f", 100*s, 100*leastShare)
		}
		if ahead := loadsAhead(loop); len(ahead) == 0 {
			say(f.name, "the inner loop loads nothing")
		} else if least := slices.Min(ahead); least < leastAhead {
			say(f.name, "a load is %d multiply-adds ahead of its use, at least %d", least, leastAhead)
		}
	}
	if len(r.usage) == 0 {
		say("all kernels", "the assembler told of none")
	}
	return found
}
