package gfn_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/world"
)

// Once the arrays have grown to what a batch needs, an iteration allocates nothing, whoever steps the world.
func TestStepAllocatesNothing(t *testing.T) {
	for name, j := range map[string]gfn.Job{"moves": grid8(1, balance.TB{}, gfn.Learned), "go": towers(world.Each(tower{}))} {
		for _, workers := range []int{1, 2} {
			j.Device = cpu.New(cpu.Config{Workers: workers})
			tr, err := gfn.New(j)
			require.NoError(t, err)
			for range 300 {
				_, err := tr.Step()
				require.NoError(t, err)
			}
			n := testing.AllocsPerRun(50, func() {
				if _, err := tr.Step(); err != nil {
					t.Fatal(err)
				}
			})
			require.Zero(t, n, "%s, %d workers", name, workers)
		}
	}
}
