// Package driver is what Sluice asks of a CUDA driver: a Driver finds devices, a Context is one device's memory, modules, streams,
// captured graphs and, where cuBLAS is there, its matrix product. Calls are one to one with NVIDIA's driver interface; nothing here
// knows about programs, rows or training (package cuda does), and nothing here schedules, caches or retries.
//
// Three drivers implement it. Lib is NVIDIA's own library in one of two bindings:
//
//   - the default loads libcuda.so.1 (nvcuda.dll) when it is first asked for, by purego: no cgo, no headers, and a program that starts
//     where there is no driver and says so. On Linux such a program needs glibc, or another C library of that interface.
//   - built with -tags cu (Linux, cgo, the headers of CUDA 12), gorgonia.org/cu makes the calls it has, and C the few it lacks. Such
//     a program is linked to libcuda: it does not start where no driver is installed, and gorgonia.org/cu ends it, before main,
//     where the driver finds no device. The tag cuda does the same for this package and cuda/sim; in a program that holds package
//     graph it also switches on Gorgonia's own CUDA code, which does not build without cuDNN's headers.
//
// The third is the simulator (cuda/sim), which runs the same PTX on the CPU. Package drivertest is the test that all of them pass;
// libsim is the simulator built as libcuda.so.1, so that both bindings are tested where there is no GPU. tagged.sh runs that for
// the second one.
//
// cuBLAS is loaded at run time in both builds, since linking it would tie the program to one version of a library of 600 MB:
// libcublas.so.13, .12 or .11, whichever is found first. Kernels are PTX 6.3, so the driver must know CUDA 10.0 or later.
//
//	drv, err := driver.Lib() // any error: there is no GPU to use, and this is why
//	runtime.LockOSThread()
//	c, err := drv.Open(0)
//	p, err := c.Alloc(1 << 20)
//
// Package cuda imports it, cuda/sim, which is one, and cmd/sluice, which opens cards and lists them; so do drivertest, libsim and the tests
// in cuda/check/gpu.
package driver
