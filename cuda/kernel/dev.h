// What the kernels need of the machine, for clang without any toolkit header. Arithmetic on floats is IEEE and rounds to nearest even
// (div.rn, sqrt.rn, fma.rn; add, sub, mul by -ffp-contract=off); there are no approximate instructions and no float atomics, so every
// kernel has one defined result.
#pragma once

#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))

#define INLINE __attribute__((always_inline))
#define FN static __device__ inline INLINE
#define KERNEL(threads) extern "C" __global__ void __launch_bounds__(threads)
#define UNROLL _Pragma("unroll")
#define ROLLED _Pragma("unroll 1")

typedef unsigned int u32;
typedef unsigned long long u64;
typedef int i32;

struct alignas(16) F4 { float x, y, z, w; };

FN i32 thread() { return (i32)__nvvm_read_ptx_sreg_tid_x(); }
FN i32 block_x() { return (i32)__nvvm_read_ptx_sreg_ctaid_x(); }
FN i32 block_y() { return (i32)__nvvm_read_ptx_sreg_ctaid_y(); }
FN i32 block_z() { return (i32)__nvvm_read_ptx_sreg_ctaid_z(); }
FN void barrier() { __syncthreads(); }

// Shuffles and votes of a whole warp.
const u32 WARP = 0xffffffffu;
FN float shfl_xor(float v, i32 m) { return __nvvm_shfl_sync_bfly_f32(WARP, v, m, 31); }
FN i32 shfl_xor(i32 v, i32 m) { return __nvvm_shfl_sync_bfly_i32(WARP, v, m, 31); }
FN float shfl_up(float v, i32 d) { return __nvvm_shfl_sync_up_f32(WARP, v, d, 0); }
FN i32 shfl_up(i32 v, i32 d) { return __nvvm_shfl_sync_up_i32(WARP, v, d, 0); }
FN void warp_barrier() { __nvvm_bar_warp_sync(WARP); }
FN u32 ballot(bool p) { return __nvvm_vote_ballot_sync(WARP, p); }

FN float ffma(float a, float b, float c) { return __nvvm_fma_rn_f(a, b, c); }
FN float fdiv(float a, float b) { return __nvvm_div_rn_f(a, b); }
FN float fsqrt(float x) { return __nvvm_sqrt_rn_f(x); }
FN u32 umulhi(u32 a, u32 b) { return (u32)(((u64)a * b) >> 32); }
FN float as_float(u32 v) { return __builtin_bit_cast(float, v); }
FN u32 as_uint(float v) { return __builtin_bit_cast(u32, v); }
FN i32 popcount(u32 v) { return __builtin_popcount(v); }
FN i32 lowest(u32 v) { return popcount((v & (0u - v)) - 1u); } // number of the lowest bit set, 32 for none
FN i32 lower(i32 a, i32 b) { return a < b ? a : b; }
FN i32 upper(i32 a, i32 b) { return a > b ? a : b; }
FN i32 cut(i32 n, i32 by) { return (n + by - 1) / by; }
