// What products share.
#pragma once
#include "spans.h"

FN void put4(float *p, const float *s) { *(F4 *)p = F4{s[0], s[1], s[2], s[3]}; }
FN void get4(float *s, const float *p) {
  F4 v = *(const F4 *)p;
  s[0] = v.x, s[1] = v.y, s[2] = v.z, s[3] = v.w;
}

// Corner is where a block's tile begins: tiles along n first.
struct Corner { i32 m0, n0; };
template <i32 BM, i32 BN> FN Corner corner(i32 n) {
  i32 across = cut(n, BN);
  return Corner{block_x() / across * BM, block_x() % across * BN};
}

// A tile that ends past the inner width is filled with -0 on one side and +0 on the other: fma(-0, +0, s) is s for every s, -0 included,
// so a chain never knows how long its tile was.
const float FILL_A = -0.0f, FILL_B = 0.0f;

// Rows of a column that are loaded ahead of its chain.
const i32 AHEAD = 32;

// column is the chain of the bias: s += d[r], r in order.
FN float column(const float *d, u32 ld, i32 n, float s) {
  ROLLED for (i32 r = 0; r < n; r += AHEAD) {
    float g[AHEAD];
    if (r + AHEAD <= n) {
      UNROLL for (i32 i = 0; i < AHEAD; i++, d += ld) g[i] = *d;
      UNROLL for (i32 i = 0; i < AHEAD; i++) s += g[i];
    } else {
      UNROLL for (i32 i = 0; i < AHEAD; i++) if (r + i < n) g[i] = d[(u32)i * ld];
      UNROLL for (i32 i = 0; i < AHEAD; i++) if (r + i < n) s += g[i];
    }
  }
  return s;
}

// bias_block is block b of those that have the bias: a thread a column of d, n columns, in blocks of NT.
template <i32 NT> FN void bias_block(const float *d, u32 ld, i32 rows, i32 n, i32 b, float *bias, bool first) {
  i32 j = b * NT + thread();
  if (j < n) bias[j] = column(d + j, ld, rows, first ? 0.0f : bias[j]);
}
