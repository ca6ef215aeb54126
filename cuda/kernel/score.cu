// Rewards that are data: graph/rewardtable.go.
#include "spans.h"

// score: out[i] = log_r[key], key the least class of object i's registers (kind 0) or their classes as digits, the first one leading
// (kind 1). An object with a register that has no class gets NaN, which the host, who refuses such a world, never hands on.
// grid ceil(count/256), block 256.
KERNEL(256) score(const ScoreArgs a) {
  i32 i = block_x() * 256 + thread();
  if (i >= a.count) return;
  const i32 *x = a.state + (u64)(u32)i * (u32)a.ints;
  bool digits = a.kind == 1, known = true;
  i32 key = digits ? 0 : 0x7fffffff;
  ROLLED for (i32 k = 0; k < a.ints; k++) {
    i32 v = x[k];
    bool has = (u32)v < (u32)a.values;
    i32 c = a.classes[has ? v : 0];
    known &= has;
    key = digits ? key * a.base + c : lower(key, c);
  }
  float r = a.log_r[key];
  a.out[i] = known ? r : as_float(0x7fc00000u);
}
