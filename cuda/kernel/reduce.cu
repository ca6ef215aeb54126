// Lanes are added by the pairwise tree.
#include "spans.h"

// Lanes whose gradients are loaded at once.
const i32 LANES = 32;

// reduce: s = f32.Tree over lanes l of grads[l*grad_len + i], element by element; out[i] = s for i < n, beyond that grads[i] = s.
// grid ceil(grad_len/256), block 256. More than 32 lanes: added in place.
KERNEL(256) reduce(const ReduceArgs a) {
  i32 i = block_x() * 256 + thread();
  if (i >= a.grad_len) return;
  float *g = a.grads + i, v[LANES];
  u64 len = (u32)a.grad_len;
  if (a.lanes <= LANES) {
    UNROLL for (i32 l = 0; l < LANES; l++) if (l < a.lanes) v[l] = g[l * len];
    UNROLL for (i32 s = 1; s < LANES; s *= 2)
      UNROLL for (i32 l = 0; l + s < LANES; l += 2 * s) if (l + s < a.lanes) v[l] += v[l + s];
  } else {
    for (i32 s = 1; s < a.lanes; s *= 2)
      for (i32 l = 0; l + s < a.lanes; l += 2 * s) g[l * len] += g[(l + s) * len];
    v[0] = *g;
  }
  if (i < a.n) a.out[i] = v[0];
  else *g = v[0];
}

// add: out[i] += x[i], i < n. grid ceil(n/256), block 256.
KERNEL(256) add(const AddArgs a) {
  i32 i = block_x() * 256 + thread();
  if (i < a.n) a.out[i] += a.x[i];
}
