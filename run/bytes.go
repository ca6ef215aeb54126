package run

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// This file is amounts of memory as people write them.

// Bytes is an amount of memory; in TOML it is a text such as "512MiB" or "2GB".
type Bytes int64

// units are tried in this order, so that "MiB" is not read as something else followed by "B".
var units = []struct {
	name string
	size int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}, {"", 1},
}

// UnmarshalText reads a number and a unit.
func (b *Bytes) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	for _, u := range units {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		if err != nil || !(v >= 0) || v*float64(u.size) >= math.MaxInt64 {
			break
		}
		*b = Bytes(v * float64(u.size))
		return nil
	}
	return fmt.Errorf("%q is no amount of memory, want something like \"512MiB\"", s)
}

// MarshalText is the largest unit that divides the amount.
func (b Bytes) MarshalText() ([]byte, error) {
	for i := 3; i >= 0; i-- {
		if u := units[i]; b > 0 && int64(b)%u.size == 0 {
			return fmt.Appendf(nil, "%d%s", int64(b)/u.size, u.name), nil
		}
	}
	return fmt.Appendf(nil, "%dB", int64(b)), nil
}
