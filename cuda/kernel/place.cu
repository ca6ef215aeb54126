// Lists as rows, of all steps at once: what replay leaves of lists that end as they should, without going from step to step.
//
// Uses functions of rollout.cu (the world, the lane): kernels.cu has it before.
#include "spans.h"

// Lengths being known, a row's place is: the rows of all steps before, and of its own step those of the trajectories before it.

const i32 PLACED = 1024; // rows of a trajectory at most

struct Places {
  i32 next[PLACED];             // where the next row of a step goes
  i32 warp[ROLL / 32][PLACED];  // how many rows of a step a warp has, then where the first of them goes
};

// number lets next be the first place of each step, and returns how many rows there are.
FN void number(const RolloutArgs &a, const Lane &v, Places &room, i32 first, i32 n, i32 steps, i32 ends) {
  for (i32 s = thread(); s < steps; s += ROLL) {
    i32 count = 0;
    _Pragma("unroll 4") for (i32 i = 0; i < n; i++) count += s < a.given_len[first + i] + ends;
    room.next[s] = count;
  }
  barrier();
  if (thread() >= 32) return;
  i32 rows = 0;
  ROLLED for (i32 s = thread(); s < steps + thread(); s += 32) { // all of the warp come to every shuffle
    i32 count = s < steps ? room.next[s] : 0, sum = count, all = count;
    UNROLL for (i32 d = 1; d < 32; d *= 2) {
      i32 x = shfl_up(sum, d);
      if (thread() >= d) sum += x;
      all += shfl_xor(all, d);
    }
    if (s < steps) room.next[s] = rows + sum - count;
    rows += all;
  }
  if (thread() == 0) {
    a.live.count[v.l] = 0;
    a.live.from[v.l] = a.live.rows[v.l] = rows;
    a.live.steps[v.l] = rows - n * ends;
    report(a, v, FAULT_NONE, -1, -1, -1, nullptr);
  }
}

// lay writes the rows of trajectory t; places is where each step's first row of the warp goes. All threads of the warp call it.
FN void lay(const RolloutArgs &a, const Lane &v, const i32 *places, i32 slot, i32 t, i32 rows, i32 ends) {
  const World &w = a.world;
  i32 *s = a.live.state + (u64)(u32)slot * (u32)w.ints, length = rows - ends, prev = -1, undo = -1;
  const i32 *list = a.given;
  if (rows > 0) {
    list += a.given_at[t];
    ROLLED for (i32 k = 0; k < w.ints; k++) s[k] = 0;
  }
  u32 below = (1u << (thread() & 31)) - 1u, votes;
  ROLLED for (i32 step = 0; (votes = ballot(step < rows)) != 0; step++) {
    if (step >= rows) continue;
    i32 row = v.row0 + places[step] + popcount(votes & below), action = -1;
    bool end = step == length;
    if (!end) action = list[step];
    ROLLED for (i32 k = 0; k < w.ints; k++) a.rows.feat[(u64)row * w.active + k] = k * w.values + s[k];
    ROLLED for (i32 b = 0; b < w.fw; b++) a.rows.mask[(u64)row * w.fw + b] = end ? 0 : forward_word(w, s, b);
    i32 count = 0;
    ROLLED for (i32 b = 0; b < w.bw; b++) {
      u32 m = backward_word(w, s, b);
      a.rows.bmask[(u64)row * w.bw + b] = m;
      count += popcount(m);
    }
    a.rows.action[row] = action;
    a.rows.undo[row] = undo;
    a.rows.traj[row] = t;
    a.rows.prev[row] = prev;
    a.rows.role[row] = end ? 2 : 0;
    if (prev >= 0) {
      a.rows.next[prev] = row;
      a.rows.log_pb[prev] = uniform(count);
    } else {
      a.trajs.first[t] = row;
    }
    if (step + 1 == rows) a.rows.next[row] = -1;
    if (action >= 0 && action != w.stop) undo = move_state(w, s, action);
    if (step + 1 == length) finish(a, row, t, step, s);
    if (step + 1 == rows) { // no row comes after it whose backward actions could be counted
      count = 0;
      if (!end && w.stop < 0) ROLLED for (i32 b = 0; b < w.bw; b++) count += popcount(backward_word(w, s, b));
      a.rows.log_pb[row] = count ? uniform(count) : 0.0f;
    }
    prev = row;
  }
}

// place: the rows of a batch whose lists are all given and end where their trajectories do, for a world that is data and has at most
// 1,024 rows a trajectory. grid lanes, block 256. Writes what replay does, but of Live's slots the states alone; faults: none.
extern "C" __global__ void __launch_bounds__(ROLL, 1) place(const RolloutArgs a) {
  __shared__ Places room;
  const World &w = a.world;
  Lane v = lane_of(a);
  i32 first = first_trajectory(a, v.l), n = first_trajectory(a, v.l + 1) - first, warp = thread() / 32;
  i32 ends = w.stop < 0 && w.end_rows, steps = w.steps + ends;
  ROLLED for (i32 i = thread(); i < w.ints; i += ROLL) a.live.fault_state[v.l * w.ints + i] = 0;
  number(a, v, room, first, n, steps, ends);
  ROLLED for (i32 g = 0; g < n; g += ROLL) {
    i32 i = g + thread(), rows = 0;
    if (i < n) rows = a.given_len[first + i] + ends;
    ROLLED for (i32 s = 0; s < steps; s++) {
      u32 votes = ballot(s < rows);
      if ((thread() & 31) == 0) room.warp[warp][s] = popcount(votes);
    }
    barrier();
    for (i32 s = thread(); s < steps; s += ROLL) {
      i32 at = room.next[s];
      UNROLL for (i32 c = 0; c < ROLL / 32; c++) {
        i32 count = room.warp[c][s];
        room.warp[c][s] = at;
        at += count;
      }
      room.next[s] = at;
    }
    barrier();
    lay(a, v, room.warp[warp], v.slot0 + i, first + i, rows, ends);
    warp_barrier(); // the warp's places have been read
  }
}
