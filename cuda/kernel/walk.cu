// The rollout of a world that is data, as one kernel: what begin, gather, linear, sample and advance do in eight launches a step. It
// leaves the drawn actions only; place lays them out in rows, or replay, and the networks then see whole pieces of rows and not a step's few.
//
// Uses functions of rollout.cu (the world), linear.cu (put4, get4) and softmax.cu (draw): kernels.cu has those before.
#include "spans.h"

// A block owns R trajectories and takes all their steps by itself, so that nothing between two steps leaves the multiprocessor but
// states and actions. Activations stay in shared memory, where layers follow each other in place; weights stream through two tiles.
// Trajectories that ended leave, those that live move to the front, and warps whose eight rows are all empty skip their products.
// Their order does not matter: a draw is keyed by trajectory and step.

const i32 CREW = 256;   // threads
const i32 WIDEST = 256; // columns of a layer
const i32 DEEP = 8;     // k of a tile of weights
const i32 PITCH = 33;   // floats from one row's logits to the next's

// Ground is exactly the 48 KiB that a block may have without asking, for R = 32. h holds column k of row quad q at place(k, q): a quad of
// rows is one 128-bit access, and quads change places from eight columns to eight, so that a layer's results are written to different
// banks. w is tiles of weights, or the head's weights, or who lives.
template <i32 R> struct Ground {
  alignas(16) float h[WIDEST * R];
  alignas(16) float w[2][DEEP][WIDEST];
};

template <i32 R> FN u32 place(i32 k, i32 q) { return (u32)k * R + (((u32)q ^ ((u32)k / 8 & (R / 4 - 1))) * 4); }

// Who lives, where tiles of weights are at other times: crew[0] is how many, crew[1 + i] the trajectory in row i.
template <i32 R> FN i32 *crew(Ground<R> &g) { return (i32 *)g.w; }

// pick is layer l of the stack. A kernel's parameter has no address, so it is a choice, field by field, and no index.
FN Layer pick(const WalkArgs &a, i32 l) {
  Layer v = a.layer[0];
  UNROLL for (i32 i = 1; i < LAYERS; i++) {
    const Layer &x = a.layer[i];
    bool is = l == i;
    v.w = is ? x.w : v.w;
    v.bias = is ? x.bias : v.bias;
    v.k = is ? x.k : v.k;
    v.n = is ? x.n : v.n;
    v.act = is ? x.act : v.act;
  }
  return v;
}

// curve applies tanh to columns at(0) .. at(n-1) of quad q that a thread has just written. It is long, so it is not unrolled.
template <i32 R, class At> FN void curve(Ground<R> &g, i32 n, i32 q, At at) {
  ROLLED for (i32 i = 0; i < n; i++) {
    i32 c = at(i);
    if (c < 0) continue;
    F4 *p = (F4 *)&g.h[place<R>(c, q)];
    F4 v = *p;
    *p = F4{tanh_f(v.x), tanh_f(v.y), tanh_f(v.z), tanh_f(v.w)};
  }
}

// first_layer is OpGather: h[j] = act(Σ_f W[f*values + s[f], j] + bias[j]), one chain over f from +0. A thread has four columns of four
// rows. Rows past the last one of a group of eight are copies of the last.
template <i32 R> FN void first_layer(const WalkArgs &a, Ground<R> &g, i32 live) {
  const Layer l = a.layer[0];
  i32 quads = cut(live, 8) * 2, ints = a.world.ints;
  ROLLED for (i32 e = thread(); e < quads * (WIDEST / 4); e += CREW) {
    i32 q = e / (WIDEST / 4), j = e % (WIDEST / 4) * 4;
    if (j >= l.n) continue;
    const i32 *s[4];
    UNROLL for (i32 i = 0; i < 4; i++) s[i] = a.state + (u64)(u32)crew(g)[1 + lower(4 * q + i, live - 1)] * (u32)ints;
    float v[4][4] = {};
    _Pragma("unroll 4") for (i32 f = 0; f < ints; f++)
      UNROLL for (i32 i = 0; i < 4; i++) {
        F4 w = *(const F4 *)(l.w + ((u64)(u32)(f * a.world.values + s[i][f]) * (u32)l.n + (u32)j));
        v[i][0] += w.x, v[i][1] += w.y, v[i][2] += w.z, v[i][3] += w.w;
      }
    F4 b4 = *(const F4 *)(l.bias + j);
    float b[4] = {b4.x, b4.y, b4.z, b4.w};
    UNROLL for (i32 c = 0; c < 4; c++)
      *(F4 *)&g.h[place<R>(j + c, q)] = F4{bend(l.act, v[0][c] + b[c]), bend(l.act, v[1][c] + b[c]), bend(l.act, v[2][c] + b[c]), bend(l.act, v[3][c] + b[c])};
    if (l.act == TANH) curve(g, 4, q, [&](i32 i) INLINE { return j + i; });
  }
  barrier();
}

// hidden_layer is OpLinear in place: h = act(h W + bias), one chain over k from +0, bias last. A warp has 8 rows and 4*R columns, a thread
// four rows of R/4 columns, all results of the block being in registers when the last tile has been multiplied. n and k are multiples of
// 4 up to 256; four rows of weights that make no tile come last.
template <i32 R> FN void hidden_layer(Ground<R> &g, const Layer &l, i32 live) {
  constexpr i32 TN = R / 4, ACROSS = 64 / R, QUAD = TN < 4 ? TN : 4; // columns of a thread, warps side by side, columns side by side
  i32 warp = thread() / 32, lane = thread() & 31, q = warp / ACROSS * 2 + lane / 16, c0 = warp % ACROSS * 16 * TN + lane % 16 * QUAD;
  auto col = [&](i32 j) INLINE { return c0 + (j < QUAD ? j : 15 * QUAD + j); };
  i32 kr = thread() / 32, j4 = thread() % 32 * 4, tiles = l.k & ~(DEEP - 1);
  i32 right = j4 + 128 < l.n ? tiles : 0; // a thread loads two quads of a row, the second where there is one
  u32 p = (u32)(kr * l.n + lower(j4, l.n - 4));
  bool works = warp / ACROSS * 8 < live && warp % ACROSS * 16 * TN < l.n;
  float v[8] = {};
  auto load = [&](i32 k) INLINE {
    if (k < tiles) get4(v, l.w + p);
    if (k < right) get4(v + 4, l.w + p + 128);
    p += (u32)(DEEP * l.n);
  };
  auto store = [&](i32 t) INLINE {
    put4(&g.w[t][kr][j4], v);
    put4(&g.w[t][kr][j4 + 128], v + 4);
  };
  float s[4][TN] = {};
  i32 k0 = 0;
  auto multiply = [&](i32 t, i32 deep) INLINE {
    const float *h = &g.h[place<R>(k0, q)];
    const float *w = &g.w[t][0][c0];
    UNROLL for (i32 k = 0; k < deep; k++) {
      float a[4], b[TN];
      get4(a, h + k * R);
      UNROLL for (i32 j = 0; j < TN; j += QUAD) {
        if (QUAD == 4) get4(b + j, w + (k * WIDEST + 16 * j));
        else UNROLL for (i32 i = 0; i < QUAD; i++) b[j + i] = w[k * WIDEST + 16 * j + i];
      }
      UNROLL for (i32 i = 0; i < 4; i++)
        UNROLL for (i32 j = 0; j < TN; j++) s[i][j] = ffma(a[i], b[j], s[i][j]);
    }
  };
  // Loads and stores have no branch around them, so that they stay apart: a warp with nothing to multiply has a loop of its own.
  auto step = [&](i32 t, bool on) INLINE {
    load(k0 + DEEP);
    if (on) multiply(t, DEEP);
    store(t ^ 1);
    barrier();
    k0 += DEEP;
    return k0 < tiles;
  };
  if (tiles > 0) {
    load(0);
    store(0);
    barrier();
    if (works) {
      ROLLED while (step(0, true) && step(1, true)) {} // two steps, so that the tile's number is a constant
    } else {
      ROLLED while (step(0, false) && step(1, false)) {}
    }
  }
  if (l.k > tiles) {
    p = (u32)((tiles + kr) * l.n + lower(j4, l.n - 4)); // it may have run one tile too far
    if (kr < 4) {
      get4(v, l.w + p);
      if (j4 + 128 < l.n) get4(v + 4, l.w + p + 128);
      store(0);
    }
    barrier();
    if (works) multiply(0, DEEP / 2);
    barrier();
  }
  if (works) {
    UNROLL for (i32 j = 0; j < TN; j++) {
      i32 c = col(j);
      if (c >= l.n) continue;
      float b = l.bias[c];
      *(F4 *)&g.h[place<R>(c, q)] = F4{bend(l.act, s[0][j] + b), bend(l.act, s[1][j] + b), bend(l.act, s[2][j] + b), bend(l.act, s[3][j] + b)};
    }
    if (l.act == TANH) curve(g, TN, q, [&](i32 j) INLINE { return col(j) < l.n ? col(j) : -1; });
  }
  barrier();
}

// head is the last OpLinear, of at most 32 columns: h[r*PITCH + j] = h W + bias. A thread has one row and every 256/R-th column. Weights
// lie by columns, so that four of a column are one access.
template <i32 R> FN void head(Ground<R> &g, const Layer &l, i32 live) {
  constexpr i32 BY = CREW / R, PER = 32 / BY, PART = 120, COLUMN = PART + 4; // rows of weights at a time; 32 columns of so many fit
  float *w = &g.w[0][0][0];
  i32 r = thread() % R, j0 = thread() / R;
  float s[PER] = {};
  ROLLED for (i32 k0 = 0; k0 < l.k; k0 += PART) {
    i32 deep = lower(PART, l.k - k0), n = deep * l.n;
    const float *from = l.w + (u32)(k0 * l.n);
    _Pragma("unroll 4") for (i32 e = thread(); e < n; e += CREW) w[e % l.n * COLUMN + e / l.n] = from[e];
    barrier();
    UNROLL for (i32 i = 0; i < PER; i++) {
      i32 j = j0 + i * BY;
      if (r < live && j < l.n) {
        const float *b = w + j * COLUMN;
        _Pragma("unroll 4") for (i32 k = 0; k < deep; k += 4) {
          const float *x = &g.h[place<R>(k0 + k, r / 4) + r % 4];
          float v[4];
          get4(v, b + k);
          UNROLL for (i32 d = 0; d < 4; d++) s[i] = ffma(x[d * R], v[d], s[i]);
        }
      }
    }
    barrier();
  }
  UNROLL for (i32 i = 0; i < PER; i++) {
    i32 j = j0 + i * BY;
    if (r < live && j < l.n) g.h[r * PITCH + j] = s[i] + l.bias[j];
  }
  barrier();
}

// Chance is what a draw needs beside logits. The last warp has a row a lane; with few columns it has no part in the head, and
// prepares meanwhile.
struct Chance { u32 mask; U4 words; };

FN Chance prepare(const WalkArgs &a, const Draw &d, i32 t, i32 step) {
  const World &w = a.world;
  return Chance{forward_word(w, a.state + (u64)(u32)t * (u32)w.ints, 0),
                philox(d.key0, d.key1, U4{d.first + (u32)t, (u32)step, d.iteration, d.purpose << 24})};
}

// take draws an action for trajectory t in row i, -1 for none, and moves it. It says who lives.
template <i32 R> FN void take(const WalkArgs &a, const Chance &c, float epsilon, Ground<R> &g, i32 i, i32 t, i32 step) {
  const World &w = a.world;
  bool stays = false;
  if (t >= 0) {
    i32 action = -1, taken = step;
    if (c.mask != 0 && step < w.steps) action = draw(&g.h[i * PITCH], c.mask, w.actions, c.words, epsilon);
    if (action >= 0) { // else replay will say which of the two it was
      a.given[(u32)t * (u32)w.steps + (u32)step] = action;
      if (action != w.stop) {
        i32 *s = a.state + (u64)(u32)t * (u32)w.ints;
        move_state(w, s, action);
        stays = w.stop >= 0 || !is_terminal(w, s);
      }
      taken++;
    }
    if (!stays) {
      a.given_len[t] = taken;
      a.length[t] = action < 0 ? ~taken : taken;
    }
  }
  u32 votes = ballot(stays);
  if (stays) crew(g)[1 + popcount(votes & ((1u << i) - 1u))] = t;
  if (i == 0) crew(g)[0] = popcount(votes);
}

template <i32 R> FN void walk_block(const WalkArgs &a, Ground<R> &g) {
  const World &w = a.world;
  i32 first = block_x() * R, live = lower(R, a.batch - first), i = thread() - (CREW - 32); // i: the row it draws for
  const Draw d = *a.draw;
  for (i32 e = thread(); e < live * w.ints; e += CREW) a.state[(u32)(first * w.ints + e)] = 0;
  if (i >= 0 && i < live) {
    crew(g)[1 + i] = first + i;
    a.given_at[first + i] = (first + i) * w.steps;
  }
  barrier();
  ROLLED for (i32 step = 0; live > 0; step++) {
    i32 t = i >= 0 && i < live ? crew(g)[1 + i] : -1;
    first_layer(a, g, live);
    ROLLED for (i32 l = 1; l < a.layers - 1; l++) hidden_layer(g, pick(a, l), live);
    Chance c = {};
    if (t >= 0) c = prepare(a, d, t, step);
    head(g, pick(a, a.layers - 1), live);
    if (i >= 0) take(a, c, d.epsilon, g, i, t, step);
    barrier();
    live = crew(g)[0];
  }
}

// walk: batch trajectories of a world that is data, from the source until they end, their actions drawn from the stack of layers: a gather
// (layer 0, whose k is not looked at), linear ones, and the head. All widths but the head's are multiples of 4 up to 256, weights
// and biases 16-byte aligned; the head has world.actions <= 32 columns and no activation. grid ceil(batch/32), block 256.
extern "C" __global__ void __launch_bounds__(256, 1) walk(const WalkArgs a) {
  __shared__ Ground<32> ground;
  walk_block(a, ground);
}

// walk_few is walk with 8 trajectories a block, for batches that leave multiprocessors idle otherwise. grid ceil(batch/8).
extern "C" __global__ void __launch_bounds__(256, 1) walk_few(const WalkArgs a) {
  __shared__ Ground<8> ground;
  walk_block(a, ground);
}
