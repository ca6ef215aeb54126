// Package worldtest is the laws of package world, to be run against any world.
//
// Test reports through a testing.TB; Check returns the broken laws as errors, each naming a law and a state, for
// programs. Laws are tried on random trajectories and, where the world can be enumerated within
// Limit states, on every state.
//
//	func TestTower(t *testing.T) { worldtest.Test(t, world.Each(tower{})) }
//
// The package does not look at rewards or policies; that no sampler takes a forbidden action is gfn's law. It is
// imported by tests.
package worldtest
