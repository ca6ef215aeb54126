package cuda

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/cuda/sim"
	"github.com/sluice-ml/sluice/graph/devicetest"
)

func TestSelfTestOnTheSimulator(t *testing.T) {
	checks, err := SelfTest(open(t, sim.Driver(sim.Config{}), Config{}))
	require.NoError(t, err)
	for _, c := range checks {
		require.True(t, c.Passed(), c.Name)
	}
}

// The whole contract takes many minutes on the simulator, each instruction of each lane being interpreted, so it is asked for by name:
//
//	SLUICE_SIM=1 go test -short -timeout 60m -run TestDevice ./cuda
func TestDevice(t *testing.T) {
	if os.Getenv("SLUICE_SIM") == "" {
		t.Skip("minutes on the simulator; SLUICE_SIM=1 runs it")
	}
	devicetest.Test(t, open(t, sim.Driver(sim.Config{}), Config{}), cpu.New(cpu.Config{}))
}
