// This file tests the choice of a tier.

package cpu

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTierFromEnv(t *testing.T) {
	t.Setenv("SLUICE_CPU", "")
	best, err := tierFromEnv()
	require.NoError(t, err)
	require.Equal(t, detectTier(), best)

	for _, want := range tiers() {
		t.Setenv("SLUICE_CPU", want.String())
		got, err := tierFromEnv()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for name, want := range map[string]string{
		"sse":  "cpu: SLUICE_CPU=sse: no such tier, want avx512, avx2, neon or go",
		"NEON": "cpu: SLUICE_CPU=NEON: no such tier, want avx512, avx2, neon or go",
		"AVX2": "cpu: SLUICE_CPU=AVX2: no such tier, want avx512, avx2, neon or go",
	} {
		t.Setenv("SLUICE_CPU", name)
		_, err := tierFromEnv()
		require.EqualError(t, err, want)
	}
}

func TestTierThatIsMissing(t *testing.T) {
	for _, missing := range []tier{tierNEON, tierAVX2, tierAVX512} {
		if slices.Contains(tiers(), missing) {
			continue
		}
		want := map[tier]string{
			tierNEON:   "cpu: SLUICE_CPU=neon: this processor has no NEON",
			tierAVX2:   "cpu: SLUICE_CPU=avx2: this processor has no AVX2 and FMA",
			tierAVX512: "cpu: SLUICE_CPU=avx512: this processor has no AVX-512 (F, BW, DQ, VL)",
		}[missing]
		if !hasAssembly {
			want = "cpu: SLUICE_CPU=" + missing.String() + ": this build has no assembly for it"
		}
		t.Setenv("SLUICE_CPU", missing.String())
		_, err := tierFromEnv()
		require.EqualError(t, err, want)
	}
}

func TestTiersAreOrdered(t *testing.T) {
	list := tiers()
	require.Equal(t, tierGo, list[0])
	require.True(t, slices.IsSorted(list))
	require.Equal(t, "tier(9)", tier(9).String())
}
