// Package gpu is the tests of a real card: bench/gpu.sh compiles them to one program and runs it where a GPU is.
//
//	go test -c -o gpu.test ./cuda/check/gpu
//	./gpu.test -test.v                      # on a machine with a GPU; without one everything is skipped
//	SLUICE_GPU=lib ./gpu.test -test.v       # TestStreamed on the card too, which else runs on the simulator
//	SLUICE_GPU=sim ./gpu.test -test.v       # all of it, small, on the simulator: does the harness work?
//
// They hold the driver to what package cuda relies on, the card to the committed hashes and to the device contract, compare captured with
// streamed launches and the fast mode with the deterministic one, and measure the loss path and whole iterations. SLUICE_GPU_OUT is the folder for tables. Package gpu has no code of its own and nothing imports it; what it is not
// is a benchmark for one's own model: that is sluice bench.
package gpu
