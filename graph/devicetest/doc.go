// Package devicetest tests a graph.Device: [Test] compares it with a reference instruction by instruction and checks what the contract
// in package graph says of rollouts, [Same] demands the same bits of several devices, [Allocations] that an iteration allocates nothing.
//
//	func TestDevice(t *testing.T) {
//		devicetest.Test(t, mydevice.New(), cpu.New(cpu.Config{}))
//	}
//
// Two devices that hold floats of the same width must agree in every bit. Against a float64 reference a float32 device is held to a
// tolerance that each formula states. Both are given the same trajectories, never just the same seed.
//
// It is not a benchmark, and it trains nothing: what a loss is for is checked where balances are. Tests of package cpu import
// it, and whoever writes a device of their own.
package devicetest
