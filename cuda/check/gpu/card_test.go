package gpu

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/bench"
	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/cuda"
	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/sim"
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/graph/devicetest"
)

// simulated says that the simulator takes the card's place.
var simulated = os.Getenv("SLUICE_GPU") == "sim"

// simChunk is small: the simulator keeps a mark for every byte.
const simChunk = 512

// card is the driver and what it says of its first card; without one the test is skipped, or fails where
// SLUICE_GPU asks for it.
func card(t testing.TB) (driver.Driver, driver.Info) {
	t.Helper()
	if simulated {
		d := sim.Driver(sim.Config{})
		cards, err := d.Devices()
		require.NoError(t, err)
		return d, cards[0]
	}
	d, err := driver.Lib()
	var cards []driver.Info
	if err == nil {
		cards, err = d.Devices()
	}
	if err == nil && len(cards) == 0 {
		err = driver.ErrNoDevice
	}
	if err != nil {
		require.Empty(t, os.Getenv("SLUICE_GPU"), "a card was asked for: %v", err)
		t.Skip(err)
	}
	return d, cards[0]
}

func open(t testing.TB, d driver.Driver, mode cuda.Mode) graph.Device {
	t.Helper()
	cfg := cuda.Config{Mode: mode}
	if simulated {
		cfg.Chunk = simChunk
	}
	dev, err := cuda.New(d, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = dev.Close() })
	return dev
}

// The kernels give the committed bits.
func TestSelf(t *testing.T) {
	d, info := card(t)
	t.Logf("%s, sm_%d%d, %d multiprocessors, %d MiB", info.Name, info.Major, info.Minor, info.Multiprocessors, info.Memory>>20)
	checks, err := cuda.SelfTest(open(t, d, cuda.Deterministic))
	require.NoError(t, err)
	require.NotEmpty(t, checks)
	for _, c := range checks {
		require.True(t, c.Passed(), c.Name)
	}
}

// The card keeps the whole contract, against the CPU.
func TestContract(t *testing.T) {
	d, _ := card(t)
	if simulated {
		t.Skip("it takes many minutes on the simulator; SLUICE_SIM=1 go test -run TestDevice ./cuda runs it there")
	}
	devicetest.Test(t, open(t, d, cuda.Deterministic), cpu.New(cpu.Config{}))
}

// A job as large as the hypergrid of 20^4 trains to the CPU's bits, on any card: what the small tests cannot show is that large launches,
// of which parts run at the same time, are right too.
func TestLargeBatch(t *testing.T) {
	d, _ := card(t)
	batch, width, iterations := 4096, 256, 5
	if simulated {
		batch, width, iterations = 8, 16, 2
	}
	require.Equal(t, trained(t, cpu.New(cpu.Config{}), batch, width, iterations), trained(t, open(t, d, cuda.Deterministic), batch, width, iterations))
}

// Launches one by one and the same in replayed graphs are the same training.
func TestStreamed(t *testing.T) {
	d := sim.Driver(sim.Config{})
	batch, width, iterations := 8, 16, 4
	if !simulated && os.Getenv("SLUICE_GPU") != "" {
		d, _ = card(t)
		batch, width, iterations = 512, 256, 8
	}
	apart := &streamed{Driver: d}
	dev, err := cuda.New(apart, cuda.Config{Chunk: simChunk})
	require.NoError(t, err)
	defer dev.Close()
	got := trained(t, dev, batch, width, iterations)
	require.Positive(t, apart.replays, "nothing was captured")
	require.Equal(t, trained(t, cpu.New(cpu.Config{}), batch, width, iterations), got)
	together, err := cuda.New(d, cuda.Config{Chunk: simChunk})
	require.NoError(t, err)
	defer together.Close()
	require.Equal(t, trained(t, together, batch, width, iterations), got)
}

// trained is the parameters' hash after some iterations of the benchmark's job.
func trained(t *testing.T, dev graph.Device, batch, width, iterations int) string {
	t.Helper()
	job := bench.Job(dev, batch, width, width)
	job.Iterations = iterations
	p, err := gfn.Train(context.Background(), job)
	require.NoError(t, err)
	return p.Hash()
}
