//go:build amd64 || arm64

package driver

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// The loader's words come to whoever asked, also when many ask and goroutines change threads meanwhile.
func TestOpenAnySaysWhy(t *testing.T) {
	var all sync.WaitGroup
	said := make([]error, 32)
	for i := range said {
		all.Go(func() {
			for range 300 {
				if _, _, err := openAny([]string{"libno-such-library.so.1"}); said[i] == nil || len(err.Error()) < len(said[i].Error()) {
					said[i] = err
				}
			}
		})
	}
	all.Wait()
	for _, err := range said {
		require.ErrorContains(t, err, "libno-such-library.so.1")
	}
}
