// Heads: products with at most 16 outer columns, or for linear_back with an inner width of at most 16. A thread has four columns, the
// chains of which fill a warp that is alone on its scheduler; several heads share a launch. Any shape, any alignment. As in linear.cu an
// element is one chain.
#include "products.h"

const i32 NARROW = 16, STEP = 32; // most columns; k of a tile

// groups is how many threads share the columns of a row: 128/groups rows a block.
FN i32 groups(i32 n) { return n <= 4 ? 1 : n <= 8 ? 2 : 4; }

// Strip is STEP rows of n columns of the operand whose rows all threads of a block want: loaded ahead, then laid down side by side.
struct Strip {
  const float *p;
  u32 ld;
  i32 n, rows;
  float v[4];
  FN void load(Strip &s, i32 k0) { // no branch: beyond the end something is read and not taken
    i32 j = thread() % NARROW;
    UNROLL for (i32 i = 0; i < 4; i++) {
      i32 k = k0 + thread() / NARROW + 8 * i;
      float v = s.p[(u32)lower(k, s.rows - 1) * s.ld + (u32)lower(j, s.n - 1)];
      s.v[i] = k < s.rows && j < s.n ? v : FILL_B;
    }
  }
  FN void store(const Strip &s, float (&room)[STEP][NARROW]) {
    UNROLL for (i32 i = 0; i < 4; i++) room[thread() / NARROW + 8 * i][thread() % NARROW] = s.v[i];
  }
};

// add4 is four chains one step on.
FN void add4(float (&acc)[4], float a, const float *row) {
  F4 b = *(const F4 *)row;
  acc[0] = ffma(a, b.x, acc[0]), acc[1] = ffma(a, b.y, acc[1]), acc[2] = ffma(a, b.z, acc[2]), acc[3] = ffma(a, b.w, acc[3]);
}

// linear_narrow: linear, n <= 16. grid (ceil(rows*groups/128), lanes, instructions), block 128.
KERNEL(128) linear_narrow(const Several<LinearArgs> all) {
  alignas(16) __shared__ float ta[128][STEP + 4];
  alignas(16) __shared__ float tb[STEP][NARROW];
  const LinearArgs &a = all.of[block_z()];
  Piece p = piece(a.span);
  i32 shared = groups(a.n), rows = 128 / shared, m0 = block_x() * rows, K = a.k, t = thread();
  if (m0 >= p.n) return;
  const float *x = at(a.a, p);
  u32 ld = (u32)a.a.ld;
  bool quads = (((u64)x / 4 | ld | (u32)K) & 3) == 0;
  Strip w = {a.w, (u32)a.n, a.n, K, {}};
  float v[8][4], acc[4] = {}; // quads i*128 + t of the tile
  auto load = [&](i32 k0) INLINE {
    i32 k = k0 + t % 8 * 4;
    u32 at[8];
    UNROLL for (i32 i = 0; i < 8; i++) {
      at[i] = (u32)lower(m0 + t / 8 + i * 16, p.n - 1) * ld + (u32)k;
      UNROLL for (i32 j = 0; j < 4; j++) v[i][j] = FILL_A;
    }
    if (quads) {
      UNROLL for (i32 i = 0; i < 8; i++) if (i * 16 < rows && k < K) get4(v[i], x + at[i]);
    } else {
      UNROLL for (i32 i = 0; i < 8; i++) UNROLL for (i32 j = 0; j < 4; j++) if (i * 16 < rows && k + j < K) v[i][j] = x[at[i] + (u32)j];
    }
    Strip::load(w, k0);
  };
  i32 r = t & (rows - 1), j0 = t / rows * 4;
  load(0);
  ROLLED for (i32 k0 = 0; k0 < K; k0 += STEP) {
    UNROLL for (i32 i = 0; i < 8; i++) if (i * 16 < rows) put4(&ta[t / 8 + i * 16][t % 8 * 4], v[i]);
    Strip::store(w, tb);
    barrier();
    if (k0 + STEP < K) load(k0 + STEP);
    UNROLL for (i32 k = 0; k < STEP; k += 4) {
      float s[4];
      get4(s, &ta[r][k]);
      UNROLL for (i32 i = 0; i < 4; i++) add4(acc, s[i], &tb[k + i][j0]);
    }
    barrier();
  }
  if (m0 + r >= p.n) return;
  float *out = at(a.out, p) + (u32)(m0 + r) * (u32)a.out.ld;
  UNROLL for (i32 j = 0; j < 4; j++) if (j0 + j < a.n) out[j0 + j] = bend(a.act, acc[j] + a.bias[j0 + j]);
  if (a.act == TANH) ROLLED for (i32 j = j0; j < lower(j0 + 4, a.n); j++) out[j] = tanh_f(out[j]);
}

// linear_back_narrow: linear_back, n <= 16. Its instructions have one out, span and k: each goes on with the sums of the one before,
// which stay in registers. A thread has a column of 16 rows. grid (ceil(rows/16)*ceil(k/128), lanes), block 128.
const i32 BACK_ROWS = 16;

KERNEL(128) linear_back_narrow(const Several<LinearBackArgs> all) {
  __shared__ float tw[128 * NARROW];
  alignas(16) __shared__ float td[BACK_ROWS][NARROW];
  const LinearBackArgs &head = all.of[0];
  Piece p = piece(head.span);
  Corner at0 = corner<BACK_ROWS, 128>(head.k);
  if (at0.m0 >= p.n) return;
  i32 t = thread(), rows = p.n - at0.m0, width = lower(128, head.k - at0.n0);
  bool here = t < width;
  u32 ld = (u32)head.out.ld;
  float *out = at(head.out, p) + ((u32)at0.m0 * ld + (u32)(at0.n0 + t)), acc[BACK_ROWS] = {};
  if (head.acc && here) UNROLL for (i32 r = 0; r < BACK_ROWS; r++) if (r < rows) acc[r] = out[(u32)r * ld];
  ROLLED for (i32 i = 0; i < SEVERAL; i++) {
    const LinearBackArgs &a = all.of[i];
    if (!a.w) break;
    i32 n = a.n;
    const float *d = at(a.a, p);
    float w[NARROW], v[2];
    UNROLL for (i32 i = 0; i < NARROW; i++) if (i * 128 + t < width * n) w[i] = a.w[(u32)at0.n0 * (u32)n + (u32)(i * 128 + t)];
    UNROLL for (i32 i = 0; i < 2; i++) {
      i32 r = i * 8 + t / NARROW, j = t % NARROW;
      v[i] = FILL_B;
      if (j < n) v[i] = d[(u32)lower(at0.m0 + r, p.n - 1) * (u32)a.a.ld + (u32)j];
    }
    barrier(); // the tiles before have been read
    UNROLL for (i32 i = 0; i < NARROW; i++) if (i * 128 + t < width * n) tw[i * 128 + t] = w[i];
    UNROLL for (i32 i = 0; i < 2; i++) td[i * 8 + t / NARROW][t % NARROW] = v[i];
    barrier();
    if (!here) continue;
    ROLLED for (i32 j = 0; j < n; j += 4) {
      float w[4];
      UNROLL for (i32 i = 0; i < 4; i++) w[i] = j + i < n ? tw[t * n + j + i] : FILL_A;
      UNROLL for (i32 r = 0; r < BACK_ROWS; r++) {
        float v[4];
        get4(v, &td[r][j]);
        UNROLL for (i32 i = 0; i < 4; i++) acc[r] = ffma(w[i], v[i], acc[r]);
      }
    }
    if (!a.gate.p) continue;
    const float *gate = at(a.gate, p) + ((u32)at0.m0 * (u32)a.gate.ld + (u32)(at0.n0 + t));
    float h[BACK_ROWS];
    UNROLL for (i32 r = 0; r < BACK_ROWS; r++) h[r] = r < rows ? gate[(u32)r * (u32)a.gate.ld] : 0.0f;
    UNROLL for (i32 r = 0; r < BACK_ROWS; r++) acc[r] = h[r] > 0.0f ? acc[r] : 0.0f;
  }
  if (here) UNROLL for (i32 r = 0; r < BACK_ROWS; r++) if (r < rows) out[(u32)r * ld] = acc[r];
}

// linear_grad_narrow: linear_grad, n <= 16. The last block has the bias. grid (ceil(k*groups/128) + 1, lanes, instructions), block 128.
KERNEL(128) linear_grad_narrow(const Several<LinearGradArgs> all) {
  alignas(16) __shared__ float td[2][STEP][NARROW];
  const LinearGradArgs &a = all.of[block_z()];
  Piece p = piece(a.span);
  if (p.n == 0 && !a.first) return;
  i32 columns = 128 / groups(a.n), b = block_x() - cut(a.k, columns), t = thread();
  u64 grads = (u64)p.lane * (u32)a.grad_len;
  if (b >= 0) {
    if (a.bias) bias_block<128>(at(a.d, p), (u32)a.d.ld, p.n, a.n, b, a.bias + grads, a.first);
    return;
  }
  i32 c = block_x() * columns + (t & (columns - 1)), j0 = t / columns * 4;
  u32 ld = (u32)a.a.ld;
  const float *x = at(a.a, p) + (u32)lower(c, a.k - 1); // of the rows that are loaded next
  float *out = a.out + (grads + (u32)c * (u32)a.n + (u32)j0), v[STEP], acc[4] = {};
  if (!a.first && c < a.k) UNROLL for (i32 j = 0; j < 4; j++) if (j0 + j < a.n) acc[j] = out[j];
  Strip d = {at(a.d, p), (u32)a.d.ld, a.n, p.n, {}};
  auto load = [&](i32 k0) INLINE {
    if (k0 + STEP <= p.n) {
      UNROLL for (i32 i = 0; i < STEP; i++, x += ld) v[i] = *x;
    } else {
      UNROLL for (i32 i = 0; i < STEP; i++) {
        v[i] = FILL_A;
        if (k0 + i < p.n) v[i] = x[(u32)i * ld];
      }
    }
    Strip::load(d, k0);
  };
  i32 q = 0;
  if (p.n > 0) load(0);
  ROLLED for (i32 k0 = 0; k0 < p.n; k0 += STEP, q ^= 1) {
    float u[STEP];
    UNROLL for (i32 i = 0; i < STEP; i++) u[i] = v[i];
    Strip::store(d, td[q]);
    barrier();
    if (k0 + STEP < p.n) load(k0 + STEP);
    UNROLL for (i32 i = 0; i < STEP; i++) add4(acc, u[i], &td[q][i][j0]);
  }
  if (c >= a.k) return;
  UNROLL for (i32 j = 0; j < 4; j++) if (j0 + j < a.n) out[j] = acc[j];
}
