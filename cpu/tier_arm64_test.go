//go:build !noasm

package cpu

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every other test takes the tiers that there are, so this one asks for NEON by name.
func TestNEONIsThere(t *testing.T) {
	require.Equal(t, []tier{tierGo, tierNEON}, tiers())
	d, err := Open(Config{})
	require.NoError(t, err)
	defer d.Close()
	require.Equal(t, "cpu/neon", d.Name())
}

// Where a kernel is wrong in one bit, plain Go runs, and says so.
func TestWrongKernelIsNotUsed(t *testing.T) {
	good := soundNEON
	t.Cleanup(func() { soundNEON = good })
	place(t, tierNEON, brokenTiles(matmulKernels[tierNEON])["tile 5x8"], rowTable[tierNEON])
	soundNEON = sync.OnceValue(func() bool { return sound(tierNEON) })
	d, err := Open(Config{})
	require.NoError(t, err)
	defer d.Close()
	require.Equal(t, "cpu/go", d.Name())
	require.Equal(t, []tier{tierGo}, tiers())
	t.Setenv("SLUICE_CPU", "neon")
	_, err = Open(Config{})
	require.EqualError(t, err, "cpu: SLUICE_CPU=neon: on this processor its kernels do not give the bits of plain Go")
}
