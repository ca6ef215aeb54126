package cuda

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/cuda/sim"
	"github.com/sluice-ml/sluice/graph/devicetest"
)

// Between them the Plans run every kernel but those of a world that the host steps, which advance does in one.
func TestSelfTestOnTheSimulator(t *testing.T) {
	idle := map[string]bool{}
	for k := range kernel.Count {
		idle[k.String()] = true
	}
	drv := &edited{Driver: sim.Driver(sim.Config{}), fail: func(_ string, _ int, kernel string) error {
		delete(idle, kernel)
		return nil
	}}
	checks, err := SelfTest(open(t, drv, Config{Chunk: defaultChunk}))
	require.NoError(t, err)
	for _, c := range checks {
		require.True(t, c.Passed(), c.Name)
	}
	require.Equal(t, map[string]bool{"leave": true, "moves": true, "settle": true, "append": true}, idle)
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
