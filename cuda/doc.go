// Package cuda is the GPU device: graph.Device over an NVIDIA driver and the kernels of package kernel, to the same bits as package cpu.
//
//	drv, err := driver.Lib()                    // or sim.Driver(sim.Config{}), the simulator
//	dev, err := cuda.New(drv, cuda.Config{})    // errors.Is(err, driver.ErrNoDevice): use the CPU
//	p, err := gfn.Train(ctx, gfn.Job{Device: dev, ...})
//
// # How it works
//
// All calls of a device run on one locked thread (owner.go), to which a program's entries are handed whole. A program lays a batch out
// before it runs: L lanes of cap rows in every row array, Kept and Saved as columns of L x cap rows, Scratch as L x span rows, Joint
// arrays a trajectory (shape.go, operand.go). An instruction is one launch over all lanes (emit.go); a lane's blocks find its rows in
// device memory.
//
// Where a world is data and its policy a plain stack of layers, walk draws a whole batch in one launch; the host learns the lengths, makes
// room for the rows, and place writes them; the networks then run on whole pieces (drawn.go). Lists that are given go through replay, which
// finds what is wrong with them first. Other networks, and batches that are given in part, take begin and then for each step the Step entry
// on every lane's newest rows, sample, advance. 16 steps are one captured graph; between two of them the host looks whether anything lives
// (rollout.go says why). Their rows are a guess: if they overflow, which is a fault, the host doubles the memory and runs the batch again,
// to the same bits, since draws are keyed. A world in Go is stepped by the host, the lanes in two halves: while it steps one, the device
// works on the other (walk.go). Close, each piece of the forward pass and of Backward, the sum over lanes, and Update are a graph each
// (play.go). A piece is some rows of every lane, 8,192 in all, so what one writes the next finds in the card's cache. Saved values over
// Config.Memory, or over what the card has, are dropped and computed again a piece at a time. Row arrays that must grow again grow by an
// eighth, since graphs are lost when arrays move (shape.go). Per-iteration values lie in device memory, so that graphs are replayed as they
// are.
//
// Log R of a Plan with a Reward is looked up by a kernel where the objects are and downloaded with them (score.go); without one the host is
// told it by Reward and uploads it in Close.
//
// The host waits for the device twice an iteration: for where trajectories end, which says how many rows there are and what they are
// rewarded for, and in Outcome for loss, norm and log Z. That a loss or norm is not finite the update kernels see for themselves. A
// rollout by steps waits once for each 16, a world in Go twice a step, once for each half.
//
// # Errors
//
// New says what is missing. A launch that fails ends the device: that error, with call and kernel, is returned by everything after it, and
// what a trainer had is in its last checkpoint. Memory that is short is a *MemoryError with the batch that would fit, and the device goes
// on. Worlds and given trajectories are refused with the errors of package graph, the lowest lane's first.
//
// # Modes
//
// Config.Mode Fast, named in Name ("cuda/sm_90/fast"), takes cuBLAS with TF32 for the dense products of whole
// pieces, in the forward pass and in Backward; actions are drawn by the defined kernels. Its results are near the defined ones, no more. [SelfTest] holds any device against committed hashes, [Measure] a card's speed.
//
// The package knows trajectories and rows but no GFlowNet, like its twin. It is imported by commands and tests, never by gfn or run.
package cuda
