// The kernels of the conformance test. kernels.ptx is this file by clang 19:
//   clang-19 -x cuda kernels.cu --cuda-device-only --cuda-gpu-arch=sm_70 --cuda-feature=+ptx63 -nocudainc -nocudalib -O3 \
//     -ffp-contract=off -S -o kernels.ptx
#define KERNEL extern "C" __attribute__((global))
#define TID __nvvm_read_ptx_sreg_tid_x()
#define INDEX (__nvvm_read_ptx_sreg_ctaid_x() * __nvvm_read_ptx_sreg_ntid_x() + TID)

// axpy: y[i] += a*x[i].
struct Axpy { const float *x; float *y; float a; int n; };
KERNEL void axpy(Axpy p) {
  int i = INDEX;
  if (i < p.n) p.y[i] = p.y[i] + p.a * p.x[i];
}

// twice: x[i] = 2*x[i] + 1, which does not commute with a fill or an axpy.
struct Twice { float *x; int n, pad; };
KERNEL void twice(Twice p) {
  int i = INDEX;
  if (i < p.n) p.x[i] = 2 * p.x[i] + 1;
}

// reverse: each block of 128 turns its part of x around, through shared memory.
struct Reverse { float *x; };
KERNEL __attribute__((launch_bounds(128))) void reverse(Reverse p) {
  static __attribute__((shared)) float part[128];
  float *x = p.x + __nvvm_read_ptx_sreg_ctaid_x() * 128;
  part[TID] = x[TID];
  __syncthreads();
  x[TID] = part[127 - TID];
}

// poke: *at = value, by the first thread, wherever that is.
struct Poke { unsigned *at; unsigned value, pad; };
KERNEL void poke(Poke p) {
  if (INDEX == 0) *p.at = p.value;
}
