// This file is the choice among the implementations of the kernels.

package cpu

import (
	"fmt"
	"os"
	"slices"
)

// tier is an implementation of the float32 kernels. All tiers give the same bits; a higher one is faster.
type tier uint8

const (
	tierGo tier = iota
	tierNEON
	tierAVX2
	tierAVX512

	tierCount
)

// tierNames are the values of SLUICE_CPU.
var tierNames = [tierCount]string{tierGo: "go", tierNEON: "neon", tierAVX2: "avx2", tierAVX512: "avx512"}

// tierNeeds is what a processor must have, as an error message names it.
var tierNeeds = [tierCount]string{tierGo: "nothing", tierNEON: "NEON", tierAVX2: "AVX2 and FMA",
	tierAVX512: "AVX-512 (F, BW, DQ, VL)"}

func (t tier) String() string {
	if t >= tierCount {
		return fmt.Sprintf("tier(%d)", uint8(t))
	}
	return tierNames[t]
}

// tiers lists what this processor and this build can run, slowest first; tierGo is always among them.
func tiers() []tier {
	list := []tier{tierGo}
	for t := tierGo + 1; t < tierCount; t++ {
		if hasTier(t) {
			list = append(list, t)
		}
	}
	return list
}

// detectTier is the fastest tier.
func detectTier() tier {
	list := tiers()
	return list[len(list)-1]
}

// tierFromEnv is the tier that the environment variable SLUICE_CPU names (avx512, avx2, neon, go), or the fastest one where
// it is empty.
func tierFromEnv() (tier, error) {
	name := os.Getenv("SLUICE_CPU")
	if name == "" {
		return detectTier(), nil
	}
	i := slices.Index(tierNames[:], name)
	if i < 0 {
		return 0, fmt.Errorf("cpu: SLUICE_CPU=%s: no such tier, want avx512, avx2, neon or go", name)
	}
	t := tier(i)
	switch {
	case slices.Contains(tiers(), t):
		return t, nil
	case !hasAssembly:
		return 0, fmt.Errorf("cpu: SLUICE_CPU=%s: this build has no assembly for it", name)
	case distrusted(t):
		return 0, fmt.Errorf("cpu: SLUICE_CPU=%s: on this processor its kernels do not give the bits of plain Go", name)
	default:
		return 0, fmt.Errorf("cpu: SLUICE_CPU=%s: this processor has no %s", name, tierNeeds[t])
	}
}
