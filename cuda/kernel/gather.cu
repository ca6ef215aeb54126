// The first layer of a state whose features are one-hot: rows of weights are added, in the order of the registers.
#include "spans.h"

// gather (OpGather): out[r,j] = act(Σ_f W[feat[r,f],j] + bias[j]), one chain over f from +0, bias last. A thread has four columns of a
// row. grid (ceil(rows*n/4/256), lanes), block 256. n and out.ld are multiples of 4, W, bias and out 16-byte aligned.
KERNEL(256) gather(const GatherArgs a) {
  Piece p = piece(a.span);
  u32 quads = (u32)a.n / 4, e = (u32)block_x() * 256 + (u32)thread();
  if (e >= (u32)p.n * quads) return;
  u32 r = e / quads, j = e % quads * 4;
  const i32 *feat = a.feat + ((u64)first_row(a.span, p) + r) * (u32)a.active;
  F4 s = {0, 0, 0, 0};
  _Pragma("unroll 4") for (i32 f = 0; f < a.active; f++) {
    F4 w = *(const F4 *)(a.a + ((u64)(u32)feat[f] * (u32)a.n + j));
    s.x += w.x;
    s.y += w.y;
    s.z += w.z;
    s.w += w.w;
  }
  F4 b = *(const F4 *)(a.b + j);
  float v[4] = {s.x + b.x, s.y + b.y, s.z + b.z, s.w + b.w};
  if (a.act == TANH) {
    UNROLL for (i32 i = 0; i < 4; i++) v[i] = tanh_f(v[i]);
  } else {
    UNROLL for (i32 i = 0; i < 4; i++) v[i] = bend(a.act, v[i]);
  }
  *(F4 *)(at(a.out, p) + (r * (u32)a.out.ld + j)) = F4{v[0], v[1], v[2], v[3]};
}

// gather_any is gather for any width. A thread has one element. grid (ceil(rows*n/256), lanes), block 256.
KERNEL(256) gather_any(const GatherArgs a) {
  Piece p = piece(a.span);
  u32 e = (u32)block_x() * 256 + (u32)thread();
  if (e >= (u32)p.n * (u32)a.n) return;
  u32 r = e / (u32)a.n, j = e % (u32)a.n;
  const i32 *feat = a.feat + ((u64)first_row(a.span, p) + r) * (u32)a.active;
  float s = 0;
  _Pragma("unroll 4") for (i32 f = 0; f < a.active; f++) s += a.a[(u64)(u32)feat[f] * (u32)a.n + j];
  at(a.out, p)[r * (u32)a.out.ld + j] = activate(a.act, s + a.b[j]);
}

// Rows that are loaded ahead of the chain they belong to.
const i32 AHEAD = 8;

// scatter adds the rows of d to sums[value of register k], in order, for one column. sums are STRIDE floats apart.
template <class Add> FN void scatter(const GatherGradArgs &a, const Piece &p, i32 k, const float *d, bool here, Add put) {
  const i32 *feat = a.feat + (u64)first_row(a.span, p) * (u32)a.active + k;
  u32 ld = (u32)a.d.ld, active = (u32)a.active;
  i32 r = 0, base = k * a.values;
  ROLLED for (; r + AHEAD <= p.n; r += AHEAD) {
    float g[AHEAD];
    i32 f[AHEAD];
    UNROLL for (i32 i = 0; i < AHEAD; i++) {
      g[i] = here ? d[(u32)(r + i) * ld] : 0.0f;
      f[i] = feat[(u32)(r + i) * active] - base;
    }
    UNROLL for (i32 i = 0; i < AHEAD; i++) put(f[i], g[i]);
  }
  ROLLED for (; r < p.n; r++) put(feat[(u32)r * active] - base, here ? d[(u32)r * ld] : 0.0f);
}

// column is the chain of the bias: s += d[r], r in order.
FN float column(const float *d, u32 ld, i32 n, float s) {
  i32 r = 0;
  ROLLED for (; r + AHEAD <= n; r += AHEAD) {
    float g[AHEAD];
    UNROLL for (i32 i = 0; i < AHEAD; i++) g[i] = d[(u32)(r + i) * ld];
    UNROLL for (i32 i = 0; i < AHEAD; i++) s += g[i];
  }
  ROLLED for (; r < n; r++) s += d[(u32)r * ld];
  return s;
}

// Values of a register that gather_grad has room for.
const i32 SCATTER_VALUES = 96;

// gather_grad (OpGatherGrad): out[feat[r,f],j] += d[r,j], bias[j] += d[r,j], chains over the span's rows. A warp has 32 columns of one
// register, its sums in shared memory; the last group of blocks has the bias. values <= 96. grid (ceil(n/32)*(active+1), lanes), block 32.
KERNEL(32) gather_grad(const GatherGradArgs a) {
  __shared__ float sums[SCATTER_VALUES][32];
  Piece p = piece(a.span);
  i32 tiles = cut(a.n, 32), k = block_x() / tiles, t = thread(), j = block_x() % tiles * 32 + t;
  bool here = j < a.n;
  const float *d = at(a.d, p) + j;
  u64 grads = (u64)p.lane * (u32)a.grad_len;
  if (k == a.active) {
    if (!here) return;
    float *b = a.bias + (grads + j);
    *b = column(d, (u32)a.d.ld, p.n, a.first ? 0.0f : *b);
    return;
  }
  float *out = a.out + (grads + (u64)(u32)(k * a.values) * (u32)a.n + j);
  for (i32 v = 0; v < a.values; v++) sums[v][t] = here && !a.first ? out[(u64)(u32)v * (u32)a.n] : 0.0f;
  // No barrier: a thread reads and writes its own column alone.
  scatter(a, p, k, d, here, [&](i32 v, float g) INLINE { sums[v][t] += g; });
  if (here) for (i32 v = 0; v < a.values; v++) out[(u64)(u32)v * (u32)a.n] = sums[v][t];
}

// gather_grad_wide is gather_grad for any number of values: the sums are in out itself. Same grid and block.
KERNEL(32) gather_grad_wide(const GatherGradArgs a) {
  Piece p = piece(a.span);
  i32 tiles = cut(a.n, 32), k = block_x() / tiles, j = block_x() % tiles * 32 + thread();
  if (j >= a.n) return;
  const float *d = at(a.d, p) + j;
  u64 grads = (u64)p.lane * (u32)a.grad_len;
  if (k == a.active) {
    float *b = a.bias + (grads + j);
    *b = column(d, (u32)a.d.ld, p.n, a.first ? 0.0f : *b);
    return;
  }
  float *out = a.out + (grads + (u64)(u32)(k * a.values) * (u32)a.n + j);
  if (a.first) for (i32 v = 0; v < a.values; v++) out[(u64)(u32)v * (u32)a.n] = 0.0f;
  scatter(a, p, k, d, true, [&](i32 v, float g) INLINE { out[(u64)(u32)v * (u32)a.n] += g; });
}
