// The first layer of a state whose features are one-hot: rows of weights are added, in the order of the registers.
#include "products.h"

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

// Values of a register that gather_grad takes; rows of which it keeps the values; rows that are loaded ahead of the chain they belong to.
const i32 SCATTER_VALUES = 96, SCATTER_ROWS = 512, SCATTER_AHEAD = 8;

struct Scatter {
  i32 value[SCATTER_ROWS];
  i32 rows[8][SCATTER_ROWS + SCATTER_AHEAD];
};

// Part is a thread's columns: one, or of QUADS two quads 128 apart, the second perhaps beyond the width.
template <bool QUADS> struct Part {
  static constexpr i32 count = QUADS ? 8 : 1, block = 32 * count;
  bool here, more;
  FN void get(const Part &c, float (&s)[count], const float *p) {
    if (!QUADS) s[0] = *p;
    else get4(s, p), get4(s + 4, p + (c.more ? 128 : 0));
  }
  FN void put(const Part &c, float *p, const float (&s)[count]) {
    if (!QUADS) *p = s[0];
    else put4(p, s);
    if (QUADS && c.more) put4(p + 128, s + 4);
  }
};

// Inflow is a gradient and its gate, if it has one.
struct Inflow {
  const float *d, *gate;
  u32 ld, gate_ld;
  bool gates;
};

FN Inflow inflow(const GatherGradArgs &a, const Piece &p) {
  return Inflow{at(a.d, p), at(a.gate, p), (u32)a.d.ld, (u32)a.gate.ld, a.gate.p != nullptr};
}

FN float gated(float d, float y) { return y > 0.0f ? d : 0.0f; }

// add_rows adds the list's rows of columns j on to the sums, in order.
template <bool GATED, bool QUADS, i32 COUNT>
FN void add_rows(const Part<QUADS> &own, const Inflow &from, u32 j, const i32 *rows, i32 count, float (&s)[COUNT]) {
  constexpr i32 AT_ONCE = GATED ? SCATTER_AHEAD / 2 : SCATTER_AHEAD;
  ROLLED for (i32 i = 0; i < count; i += AT_ONCE) {
    float g[AT_ONCE][COUNT], y[AT_ONCE][COUNT];
    UNROLL for (i32 q = 0; q < AT_ONCE; q++) {
      u32 row = (u32)rows[i + q];
      Part<QUADS>::get(own, g[q], from.d + (row * from.ld + j));
      if (GATED) Part<QUADS>::get(own, y[q], from.gate + (row * from.gate_ld + j));
    }
    if (GATED) UNROLL for (i32 q = 0; q < AT_ONCE; q++) UNROLL for (i32 c = 0; c < COUNT; c++) g[q][c] = gated(g[q][c], y[q][c]);
    if (i + AT_ONCE <= count) {
      UNROLL for (i32 q = 0; q < AT_ONCE; q++) UNROLL for (i32 c = 0; c < COUNT; c++) s[c] += g[q][c];
    } else {
      UNROLL for (i32 q = 0; q < AT_ONCE; q++) UNROLL for (i32 c = 0; c < COUNT; c++) s[c] = i + q < count ? s[c] + g[q][c] : s[c];
    }
  }
}

// gated_column is column with a gate.
FN float gated_column(const float *d, const float *gate, u32 ld, u32 gate_ld, i32 n, float s) {
  const i32 half = AHEAD / 2;
  ROLLED for (i32 r = 0; r < n; r += half) {
    float g[half], y[half];
    if (r + half <= n) {
      UNROLL for (i32 i = 0; i < half; i++, d += ld, gate += gate_ld) g[i] = *d, y[i] = *gate;
      UNROLL for (i32 i = 0; i < half; i++) s += gated(g[i], y[i]);
    } else {
      UNROLL for (i32 i = 0; i < half; i++) if (r + i < n) g[i] = d[(u32)i * ld], y[i] = gate[(u32)i * gate_ld];
      UNROLL for (i32 i = 0; i < half; i++) if (r + i < n) s += gated(g[i], y[i]);
    }
  }
  return s;
}

// bias_sum is bias_block of what flows in.
template <i32 NT> FN void bias_sum(const Inflow &from, i32 rows, i32 n, i32 b, float *bias, bool first) {
  i32 j = b * NT + thread();
  if (!from.gates) bias_block<NT>(from.d, from.ld, rows, n, b, bias, first);
  else if (j < n) bias[j] = gated_column(from.d + j, from.gate + j, from.ld, from.gate_ld, rows, first ? 0.0f : bias[j]);
}

// scatter adds the rows of d to the sums of the value that register k has in each. Sums of different values are chains of their own: a
// warp has a value, finds its rows, and adds them in order.
template <bool QUADS> FN void scatter(Scatter &room, const GatherGradArgs &a) {
  using Columns = Part<QUADS>;
  Piece p = piece(a.span);
  i32 t = thread(), lane = t % 32, tiles = cut(a.n, Columns::block), k = block_x() / tiles;
  i32 j = block_x() % tiles * Columns::block + lane * (QUADS ? 4 : 1);
  Columns own = {j < a.n, j + 128 < a.n};
  u64 grads = (u64)p.lane * (u32)a.grad_len;
  Inflow from = inflow(a, p);
  if (k >= a.active) {
    bias_sum<256>(from, p.n, a.n, block_x() - tiles * a.active, a.bias + grads, a.first);
    return;
  }
  const i32 *feat = a.feat + ((u64)first_row(a.span, p) * (u32)a.active + (u32)k);
  i32 *rows = room.rows[t / 32];
  bool fresh = a.first;
  for (i32 r0 = 0; r0 < p.n || fresh; r0 += SCATTER_ROWS) {
    i32 m = lower(p.n - r0, SCATTER_ROWS);
    barrier(); // the values before have been read
    for (i32 r = t; r < cut(m, 64) * 64; r += 256) {
      i32 v = -1;
      if (r < m) v = feat[(u32)(r0 + r) * (u32)a.active] - k * a.values;
      room.value[r] = v;
    }
    barrier();
    ROLLED for (i32 v = t / 32; v < a.values; v += 8) {
      i32 count = 0;
      ROLLED for (i32 r = lane; r < m + lane; r += 64) {
        UNROLL for (i32 i = 0; i < 64; i += 32) {
          bool hit = room.value[r + i] == v;
          u32 hits = ballot(hit);
          if (hit) rows[count + popcount(hits & ((1u << lane) - 1u))] = r0 + r + i;
          count += popcount(hits);
        }
      }
      if (lane < SCATTER_AHEAD) rows[count + lane] = 0; // a row that is loaded for nothing
      warp_barrier(); // the list is whole
      if (own.here && (count || fresh)) {
        float *out = a.out + (grads + ((u64)(u32)(k * a.values + v) * (u32)a.n + (u32)j)), s[Columns::count] = {};
        if (!fresh) Columns::get(own, s, out);
        if (from.gates) add_rows<true>(own, from, (u32)j, rows, count, s);
        else add_rows<false>(own, from, (u32)j, rows, count, s);
        Columns::put(own, out, s);
      }
      warp_barrier(); // and read
    }
    fresh = false;
  }
}

// gather_grad (OpGatherGrad): out[feat[r,f],j] += d[r,j], bias[j] += d[r,j], chains over the span's rows. values <= 96. A block has a
// register and 256 columns; the last ones have the bias. n, d.ld, grad_len multiples of 4, d and out 16-byte aligned.
// grid (ceil(n/256)*(active+1), lanes, instructions), block 256.
extern "C" __global__ void __launch_bounds__(256, 2) gather_grad(const Several<GatherGradArgs> all) {
  __shared__ Scatter room;
  scatter<true>(room, all.of[block_z()]);
}

// gather_grad_any is gather_grad for any width: a block has 32 columns. grid (ceil(n/32)*active + ceil(n/256), lanes, instructions),
// block 256.
KERNEL(256) gather_grad_any(const Several<GatherGradArgs> all) {
  __shared__ Scatter room;
  scatter<false>(room, all.of[block_z()]);
}

// gather_grad_wide is gather_grad for any number of values: row by row, the sums in out itself. A warp has 32 columns of one register.
// grid (ceil(n/32)*(active+1), lanes, instructions), block 32.
KERNEL(32) gather_grad_wide(const Several<GatherGradArgs> all) {
  const GatherGradArgs &a = all.of[block_z()];
  Piece p = piece(a.span);
  i32 tiles = cut(a.n, 32), k = block_x() / tiles, j = block_x() % tiles * 32 + thread();
  Inflow from = inflow(a, p);
  u64 grads = (u64)p.lane * (u32)a.grad_len;
  if (k >= a.active) {
    bias_sum<32>(from, p.n, a.n, block_x() - tiles * a.active, a.bias + grads, a.first);
    return;
  }
  if (j >= a.n) return;
  float *out = a.out + (grads + ((u64)(u32)(k * a.values) * (u32)a.n + (u32)j));
  const i32 *feat = a.feat + ((u64)first_row(a.span, p) * (u32)a.active + (u32)k);
  if (a.first) for (i32 v = 0; v < a.values; v++) out[(u64)(u32)v * (u32)a.n] = 0.0f;
  const i32 ahead = 8;
  for (i32 r = 0; r < p.n; r += ahead) {
    float g[ahead];
    i32 f[ahead];
    UNROLL for (i32 i = 0; i < ahead; i++) {
      u32 row = (u32)lower(r + i, p.n - 1);
      g[i] = from.d[row * from.ld + (u32)j];
      if (from.gates) g[i] = gated(g[i], from.gate[row * from.gate_ld + (u32)j]);
      f[i] = feat[row * (u32)a.active] - k * a.values;
    }
    UNROLL for (i32 i = 0; i < ahead; i++) if (r + i < p.n) out[(u64)(u32)f[i] * (u32)a.n] += g[i];
  }
}
