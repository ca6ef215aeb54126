// The dense layer and its gradients: one chain of fused multiply-adds an element, over the inner index in order.
#include "products.h"

// Op is op(A) op(B) with op(A) m x k and op(B) k x n, all row-major; leading dimensions in floats.
struct Op {
  const float *a, *b;
  u32 lda, ldb;
  i32 m, n, k;
};

// --- Tiles of 8x8 a thread: rows and columns in two groups of four, 128-bit loads, two tiles in turn in shared memory, the next one
// being loaded while this one is multiplied. Wants 16-byte aligned bases, m (if TA), n (unless TB), leading dimensions, and k along
// which a row is read, to be multiples of 4.
//
// Loads know no end: past it a thread reads its last quad again, which nobody multiplies. So the loop has neither predicates nor
// values to fill a tile with, and its share of multiply-adds is what package cuda/check asks for.

const i32 DEPTH = 8; // k of a tile

template <i32 BM, i32 BN> struct Tile {
  static constexpr i32 threads = BM * BN / 64;
  static constexpr i32 across = BN / 64; // warps along n, each 32 x 64
  alignas(16) float a[2][DEPTH][BM + 4];
  alignas(16) float b[2][DEPTH][BN + 4];
  FN i32 row() { return thread() / 32 / across * 32 + (thread() & 31) / 8 * 4; } // and 16 further on
  FN i32 col() { return thread() / 32 % across * 64 + (thread() & 7) * 4; }      // and 32 further on
};

// row_of is where element i of a thread's eight lies.
FN i32 row_of(i32 i) { return i < 4 ? i : 12 + i; }

// Side is a thread's quads of one operand, N of its outer index and DEPTH of k a tile: in memory rows run ALONG the outer index, of which
// a thread has then one k, or along k.
template <i32 N, i32 NT, bool ALONG> struct Side {
  static constexpr i32 count = N * DEPTH / (4 * NT);
  const float *p;
  u32 ld, at[count]; // where the next quad is read
  i32 k, x[count];   // where it lies in the tile
  float v[count][4];

  FN void begin(Side &s, const float *p, u32 ld, i32 x0, i32 extent, i32 K) {
    constexpr i32 row = ALONG ? NT / DEPTH : DEPTH / 4; // threads side by side
    s.p = p, s.ld = ld, s.k = ALONG ? thread() / row : thread() % row * 4;
    u32 k = (u32)lower(s.k, ALONG ? K - 1 : K - 4);
    UNROLL for (i32 i = 0; i < count; i++) {
      s.x[i] = ALONG ? (thread() % row + i * row) * 4 : (thread() + i * NT) / row;
      u32 x = (u32)lower(x0 + s.x[i], extent - (ALONG ? 4 : 1));
      s.at[i] = ALONG ? k * ld + x : x * ld + k;
    }
  }
  // load reads the tile and moves on, if there is more at k0, where the next tile begins.
  FN void load(Side &s, i32 k0, i32 K) {
    u32 on = k0 + s.k < K ? ALONG ? DEPTH * s.ld : DEPTH : 0;
    UNROLL for (i32 i = 0; i < count; i++) get4(s.v[i], s.p + s.at[i]), s.at[i] += on;
  }
  FN void store(const Side &s, float (&tile)[DEPTH][N + 4]) {
    UNROLL for (i32 i = 0; i < count; i++) {
      if (ALONG) put4(&tile[s.k][s.x[i]], s.v[i]);
      else UNROLL for (i32 j = 0; j < 4; j++) tile[s.k + j][s.x[i]] = s.v[i][j];
    }
  }
};

template <i32 BM, i32 BN, bool TA, bool TB> FN void multiply(Tile<BM, BN> &tile, const Op &op, i32 m0, i32 n0, float (&acc)[8][8]) {
  using A = Side<BM, Tile<BM, BN>::threads, TA>;
  using B = Side<BN, Tile<BM, BN>::threads, !TB>;
  i32 K = op.k, rm = Tile<BM, BN>::row(), cn = Tile<BM, BN>::col();
  if (K <= 0) return;
  A a;
  B b;
  A::begin(a, op.a, op.lda, m0, op.m, K);
  B::begin(b, op.b, op.ldb, n0, op.n, K);
  auto load = [&](i32 next) INLINE { A::load(a, next, K), B::load(b, next, K); };
  auto store = [&](i32 q) INLINE { A::store(a, tile.a[q]), B::store(b, tile.b[q]); };
  i32 k0 = 0, q = 0;
  auto add = [&](i32 q, i32 k) INLINE {
    F4 a0 = *(F4 *)&tile.a[q][k][rm], a1 = *(F4 *)&tile.a[q][k][rm + 16];
    F4 b0 = *(F4 *)&tile.b[q][k][cn], b1 = *(F4 *)&tile.b[q][k][cn + 32];
    float a[8] = {a0.x, a0.y, a0.z, a0.w, a1.x, a1.y, a1.z, a1.w};
    float b[8] = {b0.x, b0.y, b0.z, b0.w, b1.x, b1.y, b1.z, b1.w};
    UNROLL for (i32 i = 0; i < 8; i++)
      UNROLL for (i32 j = 0; j < 8; j++) acc[i][j] = ffma(a[i], b[j], acc[i][j]);
  };
  // Loads and stores have no branch around them: a compiler would sink the loads next to the stores, and wait there.
  auto step = [&](i32 q) INLINE {
    load(k0 + 2 * DEPTH);
    UNROLL for (i32 k = 0; k < DEPTH; k++) add(q, k);
    store(q ^ 1);
    barrier();
    k0 += DEPTH;
  };
  load(DEPTH);
  store(0);
  barrier();
  ROLLED for (;;) { // two steps, so that the tile's number is a constant
    if (k0 + DEPTH > K) break;
    step(0);
    q = 1;
    if (k0 + DEPTH > K) break;
    step(1);
    q = 0;
  }
  ROLLED for (i32 k = 0; k < K - k0; k++) add(q, k);
}

// each_quad calls f(row in the tile's matrix, column, four sums) for a thread's quads that lie inside m x n.
template <i32 BM, i32 BN, class F> FN void each_quad(i32 m, i32 n, i32 m0, i32 n0, float (&acc)[8][8], F f) {
  UNROLL for (i32 i = 0; i < 8; i++) {
    i32 r = m0 + Tile<BM, BN>::row() + row_of(i);
    UNROLL for (i32 h = 0; h < 2; h++) {
      i32 c = n0 + Tile<BM, BN>::col() + 32 * h;
      if (r < m && c < n) f(r, c, &acc[i][4 * h]);
    }
  }
}

// --- Tiles of any shape: TM x TN a thread, loads float by float, the next tile's loads under way while this one is multiplied. They are
// filled past the inner width.

template <i32 BM, i32 BN, i32 BK> struct Small {
  alignas(16) float a[BK][BM + 4];
  alignas(16) float b[BK][BN + 4];
};

template <i32 BM, i32 BN, i32 BK, i32 TM, i32 TN, bool TA, bool TB>
FN void multiply_any(Small<BM, BN, BK> &tile, const Op &op, i32 m0, i32 n0, float (&acc)[TM][TN]) {
  constexpr i32 NT = BM / TM * (BN / TN), LA = BM * BK / NT, LB = BN * BK / NT;
  static_assert(LA * NT == BM * BK && LB * NT == BN * BK, "threads load equal parts of a tile");
  i32 rm = thread() / (BN / TN) * TM, cn = thread() % (BN / TN) * TN;
  float va[LA], vb[LB];
  auto load = [&](i32 k0) INLINE {
    UNROLL for (i32 i = 0; i < LA; i++) {
      i32 e = thread() + i * NT, m = m0 + (TA ? e % BM : e / BK), k = k0 + (TA ? e / BM : e % BK);
      m = lower(m, op.m - 1);
      va[i] = FILL_A;
      if (k < op.k) va[i] = op.a[TA ? (u32)k * op.lda + (u32)m : (u32)m * op.lda + (u32)k];
    }
    UNROLL for (i32 i = 0; i < LB; i++) {
      i32 e = thread() + i * NT, n = n0 + (TB ? e / BK : e % BN), k = k0 + (TB ? e % BK : e / BN);
      n = lower(n, op.n - 1);
      vb[i] = FILL_B;
      if (k < op.k) vb[i] = op.b[TB ? (u32)n * op.ldb + (u32)k : (u32)k * op.ldb + (u32)n];
    }
  };
  load(0);
  ROLLED for (i32 k0 = 0; k0 < op.k; k0 += BK) {
    UNROLL for (i32 i = 0; i < LA; i++) {
      i32 e = thread() + i * NT;
      tile.a[TA ? e / BM : e % BK][TA ? e % BM : e / BK] = va[i];
    }
    UNROLL for (i32 i = 0; i < LB; i++) {
      i32 e = thread() + i * NT;
      tile.b[TB ? e % BK : e / BN][TB ? e / BK : e % BN] = vb[i];
    }
    barrier();
    load(k0 + BK);
    UNROLL for (i32 k = 0; k < BK; k++) {
      float a[TM], b[TN];
      UNROLL for (i32 i = 0; i < TM; i++) a[i] = tile.a[k][rm + i];
      UNROLL for (i32 j = 0; j < TN; j++) b[j] = tile.b[k][cn + j];
      UNROLL for (i32 i = 0; i < TM; i++)
        UNROLL for (i32 j = 0; j < TN; j++) acc[i][j] = ffma(a[i], b[j], acc[i][j]);
    }
    barrier();
  }
}

// each_one calls f(row, column, sum) for a thread's elements that lie inside m x n.
template <i32 BM, i32 BN, i32 TM, i32 TN, class F> FN void each_one(i32 m, i32 n, i32 m0, i32 n0, float (&acc)[TM][TN], F f) {
  UNROLL for (i32 i = 0; i < TM; i++)
    UNROLL for (i32 j = 0; j < TN; j++) {
      i32 r = m0 + thread() / (BN / TN) * TM + i, c = n0 + thread() % (BN / TN) * TN + j;
      if (r < m && c < n) f(r, c, acc[i][j]);
    }
}

// --- linear (OpLinear): out[r,j] = act(Σ_k a[r,k]·w[k,j] + bias[j]), bias last. grid (ceil(rows/BM)*ceil(n/BN), lanes).

FN Op linear_op(const LinearArgs &a, const Piece &p) { return Op{at(a.a, p), a.w, (u32)a.a.ld, (u32)a.n, p.n, a.n, a.k}; }

template <i32 BM, i32 BN> FN void linear_tile(const LinearArgs &a, Tile<BM, BN> &tile) {
  Piece p = piece(a.span);
  Corner at0 = corner<BM, BN>(a.n);
  if (at0.m0 >= p.n) return;
  float acc[8][8] = {};
  multiply<BM, BN, false, false>(tile, linear_op(a, p), at0.m0, at0.n0, acc);
  float *out = at(a.out, p);
  u32 ld = (u32)a.out.ld;
  each_quad<BM, BN>(p.n, a.n, at0.m0, at0.n0, acc, [&](i32 r, i32 c, float *s) INLINE {
    float b[4];
    get4(b, a.bias + c);
    UNROLL for (i32 j = 0; j < 4; j++) s[j] = bend(a.act, s[j] + b[j]);
    put4(out + ((u32)r * ld + (u32)c), s);
  });
  if (a.act != TANH) return;
  // Tanh is long, and 64 of it in a row would be a kernel's worth: what has just been written is read again.
  ROLLED for (i32 i = 0; i < 16; i++) {
    i32 r = at0.m0 + Tile<BM, BN>::row() + row_of(i / 2), c = at0.n0 + Tile<BM, BN>::col() + i % 2 * 32;
    if (r >= p.n || c >= a.n) continue;
    float s[4], *o = out + ((u32)r * ld + (u32)c);
    get4(s, o);
    UNROLL for (i32 j = 0; j < 4; j++) s[j] = tanh_f(s[j]);
    put4(o, s);
  }
}

template <i32 BM, i32 BN, i32 BK, i32 TM, i32 TN> FN void linear_small(const LinearArgs &a, Small<BM, BN, BK> &tile) {
  Piece p = piece(a.span);
  Corner at0 = corner<BM, BN>(a.n);
  if (at0.m0 >= p.n) return;
  float acc[TM][TN] = {};
  multiply_any<BM, BN, BK, TM, TN, false, false>(tile, linear_op(a, p), at0.m0, at0.n0, acc);
  float *out = at(a.out, p);
  each_one<BM, BN, TM, TN>(p.n, a.n, at0.m0, at0.n0, acc, [&](i32 r, i32 c, float s) INLINE {
    out[(u32)r * (u32)a.out.ld + (u32)c] = bend(a.act, s + a.bias[c]);
  });
  if (a.act != TANH) return;
  ROLLED for (i32 i = 0; i < TM * TN; i++) {
    i32 r = at0.m0 + thread() / (BN / TN) * TM + i / TN, c = at0.n0 + thread() % (BN / TN) * TN + i % TN;
    if (r >= p.n || c >= a.n) continue;
    float *o = out + ((u32)r * (u32)a.out.ld + (u32)c);
    *o = tanh_f(*o);
  }
}

// linear_128x64, linear_64x64: n, k, a.ld, out.ld multiples of 4. block 128, 64.
extern "C" __global__ void __launch_bounds__(128, 3) linear_128x64(const LinearArgs a) {
  __shared__ Tile<128, 64> tile;
  linear_tile(a, tile);
}
extern "C" __global__ void __launch_bounds__(64, 6) linear_64x64(const LinearArgs a) {
  __shared__ Tile<64, 64> tile;
  linear_tile(a, tile);
}
// linear_any: any shape, tile 64x64. block 256.
KERNEL(256) linear_any(const LinearArgs a) {
  __shared__ Small<64, 64, 16> tile;
  linear_small<64, 64, 16, 4, 4>(a, tile);
}
// linear_few: few rows a lane, tile 16x64. block 256.
KERNEL(256) linear_few(const LinearArgs a) {
  __shared__ Small<16, 64, 32> tile;
  linear_small<16, 64, 32, 2, 2>(a, tile);
}

// --- linear_back (OpLinearBack): out[r,c] = Σ_j a[r,j]·w[c,j], the chain going on from out if acc; then 0 unless gate[r,c] > 0.
// grid (ceil(rows/BM)*ceil(k/BN), lanes).

FN Op back_op(const LinearBackArgs &a, const Piece &p) { return Op{at(a.a, p), a.w, (u32)a.a.ld, (u32)a.n, p.n, a.k, a.n}; }

template <i32 BM, i32 BN> FN void linear_back_tile(const LinearBackArgs &a, Tile<BM, BN> &tile) {
  Piece p = piece(a.span);
  Corner at0 = corner<BM, BN>(a.k);
  if (at0.m0 >= p.n) return;
  float *out = at(a.out, p), acc[8][8] = {};
  u32 ld = (u32)a.out.ld;
  if (a.acc) each_quad<BM, BN>(p.n, a.k, at0.m0, at0.n0, acc, [&](i32 r, i32 c, float *s) INLINE { get4(s, out + ((u32)r * ld + (u32)c)); });
  multiply<BM, BN, false, true>(tile, back_op(a, p), at0.m0, at0.n0, acc);
  bool gated = a.gate.p;
  const float *gate = at(a.gate, p);
  each_quad<BM, BN>(p.n, a.k, at0.m0, at0.n0, acc, [&](i32 r, i32 c, float *s) INLINE {
    if (gated) {
      float h[4];
      get4(h, gate + ((u32)r * (u32)a.gate.ld + (u32)c));
      UNROLL for (i32 j = 0; j < 4; j++) s[j] = h[j] > 0.0f ? s[j] : 0.0f;
    }
    put4(out + ((u32)r * ld + (u32)c), s);
  });
}

// linear_back_128x64, linear_back_64x64: k, n, a.ld, out.ld, gate.ld multiples of 4. block 128, 64.
extern "C" __global__ void __launch_bounds__(128, 3) linear_back_128x64(const LinearBackArgs a) {
  __shared__ Tile<128, 64> tile;
  linear_back_tile(a, tile);
}
extern "C" __global__ void __launch_bounds__(64, 6) linear_back_64x64(const LinearBackArgs a) {
  __shared__ Tile<64, 64> tile;
  linear_back_tile(a, tile);
}
// linear_back_any: any shape, tile 64x64. block 256.
KERNEL(256) linear_back_any(const LinearBackArgs a) {
  __shared__ Small<64, 64, 16> tile;
  Piece p = piece(a.span);
  Corner at0 = corner<64, 64>(a.k);
  if (at0.m0 >= p.n) return;
  float *out = at(a.out, p), acc[4][4] = {};
  u32 ld = (u32)a.out.ld;
  if (a.acc) each_one<64, 64>(p.n, a.k, at0.m0, at0.n0, acc, [&](i32 r, i32 c, float &s) INLINE { s = out[(u32)r * ld + (u32)c]; });
  multiply_any<64, 64, 16, 4, 4, false, true>(tile, back_op(a, p), at0.m0, at0.n0, acc);
  bool gated = a.gate.p;
  const float *gate = at(a.gate, p);
  each_one<64, 64>(p.n, a.k, at0.m0, at0.n0, acc, [&](i32 r, i32 c, float s) INLINE {
    if (gated && !(gate[(u32)r * (u32)a.gate.ld + (u32)c] > 0.0f)) s = 0.0f;
    out[(u32)r * ld + (u32)c] = s;
  });
}

// --- linear_grad (OpLinearGrad): per lane out[c,j] += Σ_r a[r,c]·d[r,j] and bias[j] += Σ_r d[r,j], chains over the span's rows, from 0
// if first. Blocks beyond the tiles have the bias, a thread a column. grid (ceil(k/BM)*ceil(n/BN) + (bias ? ceil(n/block) : 0), lanes).

FN Op grad_op(const LinearGradArgs &a, const Piece &p) { return Op{at(a.a, p), at(a.d, p), (u32)a.a.ld, (u32)a.d.ld, a.k, a.n, p.n}; }

// has_bias does the bias, if the block is one of those behind the tiles, and says so.
template <i32 BM, i32 BN, i32 NT> FN bool has_bias(const LinearGradArgs &a, const Piece &p) {
  i32 b = block_x() - cut(a.k, BM) * cut(a.n, BN);
  if (b >= 0) bias_block<NT>(at(a.d, p), (u32)a.d.ld, p.n, a.n, b, a.bias + (u64)p.lane * (u32)a.grad_len, a.first);
  return b >= 0;
}

template <i32 BM, i32 BN> FN void linear_grad_tile(const LinearGradArgs &a, Tile<BM, BN> &tile) {
  Piece p = piece(a.span);
  if (p.n == 0 && !a.first) return;
  if (has_bias<BM, BN, Tile<BM, BN>::threads>(a, p)) return;
  Corner at0 = corner<BM, BN>(a.n);
  float *out = a.out + (u64)p.lane * (u32)a.grad_len, acc[8][8] = {};
  u32 ld = (u32)a.n;
  if (!a.first) each_quad<BM, BN>(a.k, a.n, at0.m0, at0.n0, acc, [&](i32 r, i32 c, float *s) INLINE { get4(s, out + ((u32)r * ld + (u32)c)); });
  multiply<BM, BN, true, false>(tile, grad_op(a, p), at0.m0, at0.n0, acc);
  each_quad<BM, BN>(a.k, a.n, at0.m0, at0.n0, acc, [&](i32 r, i32 c, float *s) INLINE { put4(out + ((u32)r * ld + (u32)c), s); });
}

template <i32 BM, i32 BN, i32 BK, i32 TM, i32 TN> FN void linear_grad_small(const LinearGradArgs &a, Small<BM, BN, BK> &tile) {
  Piece p = piece(a.span);
  if (p.n == 0 && !a.first) return;
  if (has_bias<BM, BN, BM / TM * (BN / TN)>(a, p)) return;
  Corner at0 = corner<BM, BN>(a.n);
  float *out = a.out + (u64)p.lane * (u32)a.grad_len, acc[TM][TN] = {};
  u32 ld = (u32)a.n;
  if (!a.first) each_one<BM, BN>(a.k, a.n, at0.m0, at0.n0, acc, [&](i32 r, i32 c, float &s) INLINE { s = out[(u32)r * ld + (u32)c]; });
  multiply_any<BM, BN, BK, TM, TN, true, false>(tile, grad_op(a, p), at0.m0, at0.n0, acc);
  each_one<BM, BN>(a.k, a.n, at0.m0, at0.n0, acc, [&](i32 r, i32 c, float s) INLINE { out[(u32)r * ld + (u32)c] = s; });
}

// linear_grad_128x64, linear_grad_64x64: k, n, a.ld, d.ld, grad_len multiples of 4. block 128, 64.
extern "C" __global__ void __launch_bounds__(128, 3) linear_grad_128x64(const LinearGradArgs a) {
  __shared__ Tile<128, 64> tile;
  linear_grad_tile(a, tile);
}
extern "C" __global__ void __launch_bounds__(64, 6) linear_grad_64x64(const LinearGradArgs a) {
  __shared__ Tile<64, 64> tile;
  linear_grad_tile(a, tile);
}
// linear_grad_any: any shape, tile 64x64. block 256.
KERNEL(256) linear_grad_any(const LinearGradArgs a) {
  __shared__ Small<64, 64, 16> tile;
  linear_grad_small<64, 64, 16, 4, 4>(a, tile);
}
