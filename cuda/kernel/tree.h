// The pairwise tree of one block.
#pragma once
#include "spans.h"

const i32 TREE = 1024; // threads

// tree is f32.Tree of x(0) .. x(n-1), for all threads of the block:
//   for s = 1, 2, 4, ...: y[i] = y[i] + y[i+s] for i a multiple of 2s, where i+s < n
// which are the pairs of f32.Tree without the moving up. A thread has a run of 2^k elements, whose tree it adds alone, in work (n
// floats, read only if a run is longer than one); the rest is in shared memory.
template <class X> FN float tree(float *room, float *work, i32 n, X x) {
  i32 t = thread(), run = 1;
  while ((u32)run * TREE < (u32)n) run *= 2;
  i32 lo = t * run, hi = lower(lo + run, n), left = cut(n, run);
  float v = 0;
  if (lo < n) {
    if (run == 1) {
      v = x(lo);
    } else {
      for (i32 i = lo; i < hi; i++) work[i] = x(i);
      for (i32 s = 1; s < run; s *= 2)
        for (i32 i = lo; i + s < hi; i += 2 * s) work[i] += work[i + s];
      v = work[lo];
    }
  }
  barrier(); // the sum before has been read
  room[t] = v;
  for (i32 s = 1; s < left; s *= 2) {
    barrier();
    if (t % (2 * s) == 0 && t + s < left) room[t] += room[t + s];
  }
  barrier();
  return room[0];
}
