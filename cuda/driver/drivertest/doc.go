// Package drivertest is the conformance test of a driver.Driver: what package cuda relies on, call by call, on kernels of its own.
// It is not a test of kernels that ship (cuda/kernel), and says nothing about speed.
//
//	func TestSim(t *testing.T) {
//		drivertest.Test(t, sim.Driver(sim.Config{}))
//		drivertest.Fault(t, sim.Driver(sim.Config{}))
//	}
//
// Test is for every driver. Lazy is for one that runs a stream's work no earlier than it is waited for, as the simulator does. Fault
// breaks the device for the rest of the process where the driver is NVIDIA's, so it comes last. Tests of cuda/driver and of
// cuda/check/gpu import it.
package drivertest
