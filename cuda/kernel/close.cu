// What crosses rows or trajectories: cpu/close.go.
#include "tree.h"

enum { SUM_T, LAST, FIRST };

// collect (OpSumT, OpLast, OpFirst): out[i] from the rows of trajectory i: the compensated sum of x in order up to the row of role end;
// x at its last row; x at its first. grid ceil(count/256), block 256.
KERNEL(256) collect(const CollectArgs a) {
  i32 i = block_x() * 256 + thread();
  if (i >= a.count) return;
  u64 ld = (u32)a.x.ld;
  if (a.op != SUM_T) {
    a.out[i] = a.x.p[(u64)(u32)(a.op == LAST ? a.trajs.last[i] : a.trajs.first[i]) * ld];
    return;
  }
  Sum s = {0, 0};
  for (i32 r = a.trajs.first[i]; r >= 0 && a.rows.role[r] != 2; r = a.rows.next[r]) add(s, a.x.p[(u64)(u32)r * ld]);
  a.out[i] = s.hi + s.lo;
}

enum { SPREAD_T, NEXT, NEXT_BACK, NEXT_FLOW, NEXT_FLOW_BACK, FIRST_BACK };

// carried is one row's.
FN float carried(const CarryArgs &a, i32 row) {
  i32 other = -1;
  bool of_traj = false;
  switch (a.op) {
  case SPREAD_T: of_traj = a.rows.role[row] != 2; break;
  case NEXT: other = a.rows.next[row]; break;
  case NEXT_BACK: other = a.rows.prev[row]; break;
  case NEXT_FLOW:
    of_traj = a.rows.role[row] == 1;
    if (a.rows.role[row] == 0) other = a.rows.next[row];
    break;
  case NEXT_FLOW_BACK:
    other = a.rows.prev[row];
    if (other >= 0 && a.rows.role[other] != 0) other = -1;
    break;
  case FIRST_BACK: of_traj = a.rows.prev[row] < 0; break;
  }
  if (of_traj) return a.joint[a.rows.traj[row]];
  return other >= 0 ? a.x.p[(u64)(u32)other * (u32)a.x.ld] : 0.0f;
}

// carry (OpSpreadT, OpNext, OpNextBack, OpNextFlow, OpNextFlowBack, OpFirstBack): out[r] from another row or from r's trajectory, +0
// where there is none. grid (ceil(rows/1024), lanes), block 256.
KERNEL(256) carry(const CarryArgs a) {
  Piece p = piece(a.span);
  i32 row = first_row(a.span, p);
  float *out = at(a.out, p);
  ROLLED for (i32 i = block_x() * 1024 + thread(), most = lower(p.n, (block_x() + 1) * 1024); i < most; i += 256)
    out[(u32)i * (u32)a.out.ld] = carried(a, row + i);
}

enum { SUM, MEAN, MEAN_BACK, DIV_STEPS, VARIANCE, VARIANCE_BACK, SPREAD };

// total (OpSum, OpMean, OpMeanBack, OpDivSteps, OpVariance, OpVarianceBack, OpSpread), B = count, m = Tree(a)/B:
//   out = Tree(a) | Tree(a)/B | out[i] = a/B | a/steps | Tree((a-m)²)/B | out[i] = (2/B · b)·(a[i]-m) | out[i] = a
// grid 1, block 1024. tree: count floats of room.
KERNEL(TREE) total(const TotalArgs a) {
  __shared__ float room[TREE];
  i32 t = thread(), n = a.count;
  float b = (float)n;
  if (a.op == MEAN_BACK || a.op == SPREAD) {
    float v = a.op == SPREAD ? *a.a : fdiv(*a.a, b);
    for (i32 i = t; i < n; i += TREE) a.out[i] = v;
    return;
  }
  if (a.op == DIV_STEPS) {
    if (t == 0) *a.out = fdiv(*a.a, (float)*a.steps);
    return;
  }
  float s = tree(room, a.tree, n, [&](i32 i) INLINE { return a.a[i]; });
  if (a.op == SUM || a.op == MEAN) {
    if (t == 0) *a.out = a.op == SUM ? s : fdiv(s, b);
    return;
  }
  float m = fdiv(s, b);
  if (a.op == VARIANCE_BACK) {
    float c = fdiv(2.0f, b) * *a.b;
    for (i32 i = t; i < n; i += TREE) a.out[i] = c * (a.a[i] - m);
    return;
  }
  s = tree(room, a.tree, n, [&](i32 i) INLINE {
    float d = a.a[i] - m;
    return d * d;
  });
  if (t == 0) *a.out = fdiv(s, b);
}
