package run

import (
	"fmt"
	"strconv"
	"strings"
)

// This file is the names of devices. What they stand for is opened by the command, since this package knows no device.

// DeviceKind is a device as a run file's device.kind and --device name it: "auto" (a GPU where there is one, else the CPU), "cpu", "cuda"
// (the first GPU), "cuda:1", or "sim", the GPU's kernels interpreted on the CPU.
type DeviceKind string

const deviceKinds = "auto, cpu, cuda, cuda:N or sim"

// ParseDevice is the kind of that name.
func ParseDevice(name string) (DeviceKind, error) {
	k := DeviceKind(name)
	if _, isCard := k.Card(); isCard || k == "auto" || k == "cpu" || k == "sim" {
		return k, nil
	}
	return "", fmt.Errorf("must be %s, is %q", deviceKinds, name)
}

// Card is N of "cuda:N", 0 of "cuda"; anything else names no card.
func (k DeviceKind) Card() (n int, ok bool) {
	name, number, numbered := strings.Cut(string(k), ":")
	if name != "cuda" {
		return 0, false
	}
	if !numbered {
		return 0, true
	}
	n, err := strconv.Atoi(number)
	return n, err == nil && n >= 0 && strconv.Itoa(n) == number
}
