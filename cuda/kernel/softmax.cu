// The policy heads: masked log-softmax at one action, its gradient, and the draw of an action.
//
// Up to 32 actions a thread has a row: 8, 16 or 32 registers stand for the 32 partial sums, absent ones being +0, which adds nothing to
// what is never -0. Beyond, a warp has a row, lane j having partial j.
#include "spans.h"

const i32 ROWS = 128; // threads of a block with a row each
const i32 WARPS = 4;  // warps of a block with a row each

// allowed says whether bit j of a mask is set.
FN bool allowed(const u32 *mask, i32 j) { return mask[j / 32] >> (j % 32) & 1; }

// word is the mask of a row of n <= 32 actions, without further bits.
FN u32 word(const u32 *mask, i32 n) { return n < 32 ? *mask & ((1u << n) - 1u) : *mask; }

// weigh fills e with exp(x - m), +0 where not allowed, and returns m, the largest allowed x (NaN left out).
template <i32 CAP> FN float weigh(float (&e)[CAP], const float *x, u32 mask) {
  float m = -INFINITY;
  UNROLL for (i32 j = 0; j < CAP; j++) {
    e[j] = mask >> j & 1 ? x[j] : -INFINITY;
    m = e[j] > m ? e[j] : m;
  }
  UNROLL for (i32 j = 0; j < CAP; j++) e[j] = mask >> j & 1 ? exp_f(e[j] - m) : 0.0f;
  return m;
}

// fold is f32.Butterfly of e and +0.
template <i32 CAP> FN float fold(const float (&e)[CAP]) {
  float p[CAP];
  UNROLL for (i32 j = 0; j < CAP; j++) p[j] = e[j];
  UNROLL for (i32 o = CAP / 2; o > 0; o /= 2)
    UNROLL for (i32 j = 0; j < o; j++) p[j] += p[j + o];
  return p[0];
}

template <i32 CAP> FN float log_prob_row(const float *x, u32 mask, i32 action) {
  float e[CAP], m = weigh(e, x, mask);
  return (x[action] - m) - log_f(fold(e));
}

// log_prob (OpLogProb), n <= 32: m = max over allowed x[j]; out[r] = (x[a] - m) - log(RowSum(exp(x - m))), masked +0; 0 where a = -1.
// a.a logits. grid (ceil(rows/128), lanes, instructions), block 128.
KERNEL(ROWS) log_prob(const Several<LogProbArgs> all) {
  const LogProbArgs &a = all.of[block_z()];
  Piece p = piece(a.span);
  i32 i = block_x() * ROWS + thread();
  if (i >= p.n) return;
  i32 row = first_row(a.span, p) + i, action = a.choice[row];
  float v = 0;
  if (action >= 0) {
    const float *x = at(a.a, p) + (u32)i * (u32)a.a.ld;
    u32 mask = word(a.mask + row, a.n);
    if (a.n <= 8) v = log_prob_row<8>(x, mask, action);
    else if (a.n <= 16) v = log_prob_row<16>(x, mask, action);
    else v = log_prob_row<32>(x, mask, action);
  }
  at(a.out, p)[(u32)i * (u32)a.out.ld] = v;
}

// slope is one element of the gradient.
FN float slope(float g, bool hit, float e, float sum) { return g * ((hit ? 1.0f : 0.0f) - fdiv(e, sum)); }

template <i32 CAP> FN void log_prob_back_row(float *out, i32 n, float g, const float *x, u32 mask, i32 action) {
  float e[CAP];
  weigh(e, x, mask);
  float sum = fold(e);
  UNROLL for (i32 j = 0; j < CAP; j++)
    if (j < n) out[j] = mask >> j & 1 ? slope(g, j == action, e[j], sum) : 0.0f;
}

// log_prob_back (OpLogProbBack), n <= 32: out[r,j] = g[r]·([j = a] - e[j]/Σe), +0 for masked j and where a = -1. a.a gradient, a.b
// logits. grid (ceil(rows/128), lanes, instructions), block 128.
KERNEL(ROWS) log_prob_back(const Several<LogProbArgs> all) {
  const LogProbArgs &a = all.of[block_z()];
  Piece p = piece(a.span);
  i32 i = block_x() * ROWS + thread();
  if (i >= p.n) return;
  i32 row = first_row(a.span, p) + i, action = a.choice[row];
  float *out = at(a.out, p) + (u32)i * (u32)a.out.ld;
  if (action < 0) {
    for (i32 j = 0; j < a.n; j++) out[j] = 0.0f;
    return;
  }
  float g = at(a.a, p)[(u32)i * (u32)a.a.ld];
  const float *x = at(a.b, p) + (u32)i * (u32)a.b.ld;
  u32 mask = word(a.mask + row, a.n);
  if (a.n <= 8) log_prob_back_row<8>(out, a.n, g, x, mask, action);
  else if (a.n <= 16) log_prob_back_row<16>(out, a.n, g, x, mask, action);
  else log_prob_back_row<32>(out, a.n, g, x, mask, action);
}

// largest is the largest allowed x of a warp's row.
FN float largest(const float *x, const u32 *mask, i32 n) {
  float m = -INFINITY;
  for (i32 j = thread() & 31; j < n; j += 32) if (allowed(mask, j) && x[j] > m) m = x[j];
  UNROLL for (i32 o = 16; o > 0; o /= 2) {
    float v = shfl_xor(m, o);
    m = v > m ? v : m;
  }
  return m;
}

// row_sum is f32.RowSum of a warp's row of exp(x - m), masked +0.
FN float row_sum(const float *x, const u32 *mask, i32 n, float m) {
  float s = 0;
  for (i32 j = thread() & 31; j < n; j += 32) s += allowed(mask, j) ? exp_f(x[j] - m) : 0.0f;
  return butterfly(s);
}

// log_prob_wide is log_prob for any n. grid (ceil(rows/4), lanes), block 128.
KERNEL(32 * WARPS) log_prob_wide(const LogProbArgs a) {
  Piece p = piece(a.span);
  i32 i = block_x() * WARPS + thread() / 32;
  if (i >= p.n) return;
  i32 row = first_row(a.span, p) + i, action = a.choice[row];
  float v = 0;
  if (action >= 0) {
    const float *x = at(a.a, p) + (u32)i * (u32)a.a.ld;
    const u32 *mask = a.mask + (u64)(u32)row * (u32)a.words;
    float m = largest(x, mask, a.n);
    v = (x[action] - m) - log_f(row_sum(x, mask, a.n, m));
  }
  if ((thread() & 31) == 0) at(a.out, p)[(u32)i * (u32)a.out.ld] = v;
}

// log_prob_back_wide is log_prob_back for any n. grid (ceil(rows/4), lanes), block 128.
KERNEL(32 * WARPS) log_prob_back_wide(const LogProbArgs a) {
  Piece p = piece(a.span);
  i32 i = block_x() * WARPS + thread() / 32;
  if (i >= p.n) return;
  i32 row = first_row(a.span, p) + i, action = a.choice[row];
  float *out = at(a.out, p) + (u32)i * (u32)a.out.ld;
  if (action < 0) {
    for (i32 j = thread() & 31; j < a.n; j += 32) out[j] = 0.0f;
    return;
  }
  float g = at(a.a, p)[(u32)i * (u32)a.a.ld];
  const float *x = at(a.b, p) + (u32)i * (u32)a.b.ld;
  const u32 *mask = a.mask + (u64)(u32)row * (u32)a.words;
  float m = largest(x, mask, a.n), sum = row_sum(x, mask, a.n, m);
  for (i32 j = thread() & 31; j < a.n; j += 32)
    out[j] = allowed(mask, j) ? slope(g, j == action, exp_f(x[j] - m), sum) : 0.0f;
}

// Ask is what a row wants to be told.
struct Ask { i32 row, traj; bool drawn; };

// ask sorts the rows: of role end: left alone; given: the action is looked up, -1 where it is missing or not allowed; the rest is drawn.
FN Ask ask(const SampleArgs &a, const Piece &p, i32 i, bool writes) {
  Ask q;
  q.row = first_row(a.span, p) + i;
  q.traj = a.rows.traj[q.row];
  q.drawn = false;
  if (a.rows.role[q.row] == 2) return q;
  q.drawn = !a.given_at || a.given_at[q.traj] < 0;
  if (q.drawn || !writes) return q;
  i32 action = a.step < a.given_len[q.traj] ? a.given[a.given_at[q.traj] + a.step] : -1;
  if (action >= a.actions || action < 0 || !allowed(a.rows.mask + (u64)(u32)q.row * (u32)a.fw, action)) action = -1;
  a.rows.action[q.row] = action;
  return q;
}

// words_of is the row's block of random words: rng.Counter(first + trajectory, step, iteration, purpose, 0).
FN U4 words_of(const SampleArgs &a, const Ask &q) {
  const Draw &d = *a.draw;
  return philox(d.key0, d.key1, U4{d.first + (u32)q.traj, (u32)a.step, d.iteration, d.purpose << 24});
}

// pick_uniform is the number, among n allowed actions, of one drawn uniformly.
FN i32 pick_uniform(float u, i32 n) { return lower((i32)(u * (float)n), n - 1); }

// nth is the bit number of the n-th set bit.
FN i32 nth(u32 w, i32 n) {
  for (; n > 0; n--) w &= w - 1;
  return lowest(w);
}

template <i32 CAP> FN i32 draw_row(const float *x, u32 mask, float u) {
  float e[CAP];
  weigh(e, x, mask);
  float target = u * fold(e);
  UNROLL for (i32 o = 1; o < CAP; o *= 2)
    UNROLL for (i32 j = CAP - 1; j >= o; j--) e[j] += e[j - o];
  // Where the scan rounds below the butterfly, the last allowed action is drawn.
  u32 above = 0;
  UNROLL for (i32 j = 0; j < CAP; j++) above |= (u32)(e[j] > target) << j;
  above &= mask;
  if (above) return lowest(above);
  i32 last = -1;
  UNROLL for (i32 j = 0; j < CAP; j++) last = mask >> j & 1 ? j : last;
  return last;
}

// sample (OpSample, rng.Categorical), at most 32 actions: action of each row of the span that is not of role end, -1 for a given one that
// is missing or not allowed (leave reports it). A lane with a fault is left alone. grid (ceil(rows/128), lanes), block 128.
KERNEL(ROWS) sample(const SampleArgs a) {
  Piece p = piece(a.span);
  i32 i = block_x() * ROWS + thread();
  if (i >= p.n || a.live.fault[4 * p.lane] != FAULT_NONE) return;
  Ask q = ask(a, p, i, true);
  if (!q.drawn) return;
  u32 mask = word(a.rows.mask + q.row, a.actions);
  const float *x = at(a.logits, p) + (u32)i * (u32)a.logits.ld;
  U4 w = words_of(a, q);
  float u = uniform(w.y);
  i32 n = popcount(mask), action = -1;
  if (n == 0) {
  } else if (uniform(w.x) < a.draw->epsilon) action = nth(mask, pick_uniform(u, n));
  else if (a.actions <= 8) action = draw_row<8>(x, mask, u);
  else if (a.actions <= 16) action = draw_row<16>(x, mask, u);
  else action = draw_row<32>(x, mask, u);
  a.rows.action[q.row] = action;
}

// block_mask is word b of a mask without the bits of actions from n on.
FN u32 block_mask(const u32 *mask, i32 b, i32 n) { return word(mask + b, n - 32 * b); }

// draw_warp is rng.Categorical by one warp; all lanes return the action.
FN i32 draw_warp(const float *x, const u32 *mask, i32 n, U4 w, float epsilon) {
  i32 lane = thread() & 31, blocks = cut(n, 32), count = 0, last = -1;
  float top = -INFINITY;
  for (i32 b = 0; b < blocks; b++) {
    u32 m = block_mask(mask, b, n);
    if (m) last = 32 * b + 31 - __builtin_clz(m);
    count += popcount(m);
    if (m >> lane & 1 && x[32 * b + lane] > top) top = x[32 * b + lane];
  }
  if (count == 0) return -1;
  float u = uniform(w.y);
  if (uniform(w.x) < epsilon) {
    i32 at = pick_uniform(u, count);
    for (i32 b = 0; b < blocks; b++) {
      u32 m = block_mask(mask, b, n);
      i32 c = popcount(m);
      if (at < c) return 32 * b + nth(m, at);
      at -= c;
    }
    return -1;
  }
  UNROLL for (i32 o = 16; o > 0; o /= 2) {
    float v = shfl_xor(top, o);
    top = v > top ? v : top;
  }
  float sum = 0;
  for (i32 b = 0; b < blocks; b++)
    sum += butterfly(block_mask(mask, b, n) >> lane & 1 ? exp_f(x[32 * b + lane] - top) : 0.0f);
  float target = u * sum, before = 0;
  for (i32 b = 0; b < blocks; b++) {
    u32 m = block_mask(mask, b, n);
    float e = m >> lane & 1 ? exp_f(x[32 * b + lane] - top) : 0.0f, total = butterfly(e);
    if (before + total > target) {
      UNROLL for (i32 o = 1; o < 32; o *= 2) {
        float v = shfl_up(e, o);
        if (lane >= o) e += v;
      }
      u32 above = ballot(before + e > target) & m;
      return above ? 32 * b + lowest(above) : last;
    }
    before += total;
  }
  return last;
}

// sample_wide is sample for any number of actions: a warp has a row. grid (ceil(rows/4), lanes), block 128.
KERNEL(32 * WARPS) sample_wide(const SampleArgs a) {
  Piece p = piece(a.span);
  i32 i = block_x() * WARPS + thread() / 32;
  if (i >= p.n || a.live.fault[4 * p.lane] != FAULT_NONE) return;
  bool writes = (thread() & 31) == 0;
  Ask q = ask(a, p, i, writes);
  if (!q.drawn) return;
  const float *x = at(a.logits, p) + (u32)i * (u32)a.logits.ld;
  i32 action = draw_warp(x, a.rows.mask + (u64)(u32)q.row * (u32)a.fw, a.actions, words_of(a, q), a.draw->epsilon);
  if (writes) a.rows.action[q.row] = action;
}
