package testdata

import (
	_ "embed"
	"strings"
)

//go:embed hashes.txt
var hashes string

// Hashes are the committed parameter hashes by name, such as tb-uniform-100: a balance, a backward policy, iterations. They follow from
// the definitions in f32, rng, graph and cpu, so every machine, tier and device has to print them; a change of one is a change of a
// definition and never a thing to update in passing.
func Hashes() map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(hashes) {
		if f := strings.Fields(line); len(f) == 2 && f[0] != "#" {
			out[f[0]] = f[1]
		}
	}
	return out
}
