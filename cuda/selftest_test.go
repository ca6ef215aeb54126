package cuda

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
)

var update = flag.Bool("update", false, "rewrite testdata/selftest.txt")

// The committed hashes are those of the definition; the simulator is held to them by TestSelfTestOnTheSimulator.
func TestSelfTestOnTheCPU(t *testing.T) {
	checks, err := SelfTest(cpu.New(cpu.Config{}))
	require.NoError(t, err)
	if *update {
		head, _, _ := strings.Cut(selftestHashes, "\n")
		text := head + "\n"
		for _, c := range checks {
			text += fmt.Sprintf("%s %s\n", c.Name, c.Got)
		}
		require.NoError(t, os.WriteFile("testdata/selftest.txt", []byte(text), 0o644))
		t.Skip("rewritten")
	}
	require.Len(t, checks, 30)
	for _, c := range checks {
		require.True(t, c.Passed(), c.Name)
	}
}
