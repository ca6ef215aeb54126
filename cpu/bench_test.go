package cpu

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestProduct: each transposition is a product of the shape that was asked for (product.check panics on another one), on the tier that
// is asked for, and repeating it allocates nothing.
func TestProduct(t *testing.T) {
	for _, name := range []string{"", "go"} {
		t.Setenv("SLUICE_CPU", name)
		for _, op := range [][2]bool{{}, {true, false}, {false, true}, {true, true}} {
			run, err := Product(op[0], op[1], 7, 5, 40)
			require.NoError(t, err)
			run()
			require.Zero(t, testing.AllocsPerRun(10, run), "%v", op)
		}
	}
	_, err := Product(false, false, 7, 0, 40)
	require.EqualError(t, err, "cpu: a product of 7 x 0 x 40")
	t.Setenv("SLUICE_CPU", "nonsense")
	_, err = Product(false, false, 7, 5, 40)
	require.ErrorContains(t, err, "SLUICE_CPU=nonsense")
}
