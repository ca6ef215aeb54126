//go:build libsim

// Command libsim is the simulator with NVIDIA's interface: built as a shared library, it stands in for libcuda.so.1 and for cuBLAS, so
// that whatever loads those runs on a machine without a GPU. It exports the calls that the two bindings of package driver make, no
// others, and it is for tests: it is as slow as the simulator, and puts a second Go runtime into the process.
//
//	CGO_ENABLED=1 go build -tags libsim -buildmode=c-shared -ldflags '-extldflags=-Wl,-soname,libcuda.so.1' \
//	  -o out/libcuda.so.1 ./cuda/driver/libsim
//	ln -s libcuda.so.1 out/libcublas.so.12
//	LD_LIBRARY_PATH=out some-program
//
// The build tag keeps it out of every other build: it needs cgo. With LIBSIM_VERBOSE set, a call that fails says on standard error what
// the simulator found, which the interface has no room for. Nothing imports it; tests of package driver and tagged.sh build it.
package main
