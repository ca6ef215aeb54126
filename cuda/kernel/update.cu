// Update: clip by global norm, then one pass over each tensor. graph.Rule has the formulas.
#include "tree.h"

const i32 NORM_BLOCK = 4096;

// norm: part[b] = Butterfly of the 32 strided partials p[j] = fma(x, x, p[j]) of block b of 4,096 gradients. A warp a block.
// grid ceil(n/4096/4), block 128.
KERNEL(128) norm(const NormArgs a) {
  i32 b = block_x() * 4 + thread() / 32, from = b * NORM_BLOCK, to = lower(from + NORM_BLOCK, a.n);
  if (from >= a.n) return;
  float p = 0;
  _Pragma("unroll 8") for (i32 i = from + (thread() & 31); i < to; i += 32) {
    float v = a.g[i];
    p = ffma(v, v, p);
  }
  p = butterfly(p);
  if ((thread() & 31) == 0) a.part[b] = p;
}

// scale: out = {norm = sqrt(Tree(part)), min(1, clip/norm) or 1 where clip is 0, 1 if norm and loss are finite else 0}. grid 1, block 1024.
KERNEL(TREE) scale(const ScaleArgs a) {
  __shared__ float room[TREE];
  float norm = fsqrt(tree(room, a.part, a.blocks, [&](i32 i) INLINE { return a.part[i]; }));
  if (thread() != 0) return;
  a.out[0] = norm;
  a.out[1] = a.clip > 0.0f && norm > a.clip ? fdiv(a.clip, norm) : 1.0f;
  float loss = a.loss ? *a.loss : 0.0f;
  a.out[2] = norm < INFINITY && loss < INFINITY && loss > -INFINITY ? 1.0f : 0.0f; // NaN is not
}

// sgd: w = fma(-rate, scale·g, w). grid ceil(n/256), block 256.
KERNEL(256) sgd(const StepArgs a) {
  i32 i = block_x() * 256 + thread();
  if (i >= a.n || a.scale[2] == 0.0f) return;
  a.w[i] = ffma(-a.rates[a.group], a.scale[1] * a.g[i], a.w[i]);
}

// adam: x = scale·g; m = fma(β₁, m, (1-β₁)·x); v = fma(β₂, v, ((1-β₂)·x)·x); w = fma(-rate, (m·c1)/(√(v·c2) + ε), w·keep), the last
// product only with decay. grid ceil(n/256), block 256.
KERNEL(256) adam(const StepArgs a) {
  i32 i = block_x() * 256 + thread();
  if (i >= a.n || a.scale[2] == 0.0f) return;
  float rate = a.rates[a.group], keep = a.rates[a.groups + a.group], c1 = a.rates[2 * a.groups], c2 = a.rates[2 * a.groups + 1];
  float x = a.scale[1] * a.g[i];
  float m = ffma(a.beta1, a.m[i], a.one_minus_beta1 * x);
  float v = ffma(a.beta2, a.v[i], a.one_minus_beta2 * x * x);
  a.m[i] = m;
  a.v[i] = v;
  float w = a.w[i];
  if (a.decay) w *= keep;
  a.w[i] = ffma(-rate, fdiv(m * c1, fsqrt(v * c2) + a.eps), w);
}
