// Rows for states that no rollout visits.
#include "spans.h"

// features: feat[r,k] = k*values + state[r,k], n states. grid ceil(n*ints/256), block 256.
KERNEL(256) features(const FeaturesArgs a) {
  i32 i = block_x() * 256 + thread();
  if (i < a.n * a.ints) a.feat[i] = i % a.ints * a.values + a.state[i];
}
