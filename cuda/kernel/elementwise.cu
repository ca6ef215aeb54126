// One rounding an element.
#include "spans.h"

enum { ADD, SUB, MUL, SCALE, SQUARE, CONST };

FN float element(i32 op, float c, const float *x, const float *y) {
  switch (op) {
  case ADD: return *x + *y;
  case SUB: return *x - *y;
  case MUL: return *x * *y;
  case SCALE: return c * *x;
  case SQUARE: return *x * *x;
  }
  return c;
}

// rows (OpAdd .. OpConst on rows): out[r,j] = a[r,j] op b[r,j]. grid (ceil(rows*n/1024), lanes), block 256.
KERNEL(256) rows(const ElementsArgs a) {
  Piece p = piece(a.span);
  float *out = at(a.out, p);
  const float *x = at(a.a, p), *y = at(a.b, p);
  u32 all = (u32)p.n * (u32)a.n;
  UNROLL for (u32 i = 0; i < 4; i++) {
    u32 e = (u32)block_x() * 1024 + i * 256 + (u32)thread();
    if (e >= all) return;
    u32 r = e / (u32)a.n, j = e % (u32)a.n;
    out[r * a.out.ld + j] = element(a.op, a.c, x + (r * a.a.ld + j), y + (r * a.b.ld + j));
  }
}

// joint (the same on trajectories, or on one value): out[i] = a[i] op b[i]. grid ceil(count/256), block 256.
KERNEL(256) joint(const JointArgs a) {
  i32 i = block_x() * 256 + thread();
  if (i < a.count) a.out[i] = element(a.op, a.c, a.a + i, a.b + i);
}
