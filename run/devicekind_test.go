package run

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A kind is what --device and device.kind take, written to the run's config.toml as it was asked for.
func TestDeviceKind(t *testing.T) {
	for name, card := range map[string]int{"auto": -1, "cpu": -1, "sim": -1, "cuda": 0, "cuda:0": 0, "cuda:1": 1, "cuda:12": 12} {
		k, err := ParseDevice(name)
		require.NoError(t, err)
		n, ok := k.Card()
		require.Equal(t, card >= 0, ok, name)
		require.Equal(t, max(card, 0), n, name)

		c, err := Parse("x", []byte("[device]\nkind = \""+name+"\"\n"), nil)
		require.NoError(t, err)
		require.Equal(t, k, c.Device.Kind)
		text, err := c.Encode()
		require.NoError(t, err)
		again, err := Parse("x", text, nil)
		require.NoError(t, err)
		require.Equal(t, c, again)
	}
	for _, name := range []string{"", "CPU", "cuda:", "cuda:x", "cuda:-1", "cuda:+1", "cuda:01", "cuda:1:2", "cudax", "sim:1", "gpu", "cuda:99999999999999999999"} {
		_, err := ParseDevice(name)
		require.ErrorContains(t, err, "must be auto, cpu, cuda, cuda:N or sim, is ", name)
	}
	require.ErrorContains(t, Config{}.Validate(), "world.kind") // a Config that is no run is refused, not opened
	c := tiny()
	c.Device.Kind = "gpu"
	require.ErrorContains(t, c.Validate(), "device.kind: must be auto")
}
