// Activations.
#include "spans.h"

// Both kernels: grid (ceil(rows*n/1024), lanes), block 256; element e of the span is column e % n of row e / n.

// act (OpAct): out[r,j] = act(a[r,j]), or act(a[r,j] + b[j]) where there is a b: what a library's product leaves to do.
KERNEL(256) act(const ActArgs a) {
  Piece p = piece(a.span);
  float *out = at(a.out, p);
  const float *x = at(a.a, p), *bias = a.b.p;
  u32 all = (u32)p.n * (u32)a.n;
  UNROLL for (u32 i = 0; i < 4; i++) {
    u32 e = (u32)block_x() * 1024 + i * 256 + (u32)thread();
    if (e >= all) return;
    u32 r = e / (u32)a.n, j = e % (u32)a.n;
    float v = x[r * a.a.ld + j];
    if (bias) v += bias[j];
    out[r * a.out.ld + j] = activate(a.act, v);
  }
}

// act_back (OpActBack): out[r,j] = a[r,j]·act', from y = b[r,j].
KERNEL(256) act_back(const ActArgs a) {
  Piece p = piece(a.span);
  float *out = at(a.out, p);
  const float *d = at(a.a, p), *y = at(a.b, p);
  u32 all = (u32)p.n * (u32)a.n;
  UNROLL for (u32 i = 0; i < 4; i++) {
    u32 e = (u32)block_x() * 1024 + i * 256 + (u32)thread();
    if (e >= all) return;
    u32 r = e / (u32)a.n, j = e % (u32)a.n;
    float g = d[r * a.a.ld + j], v = y[r * a.b.ld + j];
    if (a.act == RELU) g = v > 0.0f ? g : 0.0f;
    else if (a.act == LEAKY) g = v > 0.0f ? g : g * 0.01f;
    else if (a.act == TANH) g = ffma(-(v * v), g, g);
    out[r * a.out.ld + j] = g;
  }
}
