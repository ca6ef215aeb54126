// The rollout's bookkeeping: cpu/rollout.go without the networks. Worlds that are data are stepped here (graph/moves.go).
#include "spans.h"

// One block of ROLL threads a lane: gridDim.x = lanes. Slots are worked on in groups of ROLL, so that "slot" below is a thread; slots that
// stay move down in index order by a scan over the block. Every phase ends with all of the block's writes visible to all of it.
const i32 ROLL = 256;

struct Room { u32 votes[ROLL / 32]; };

// poll tells every warp's votes to the whole block.
FN void poll(Room &room, bool yes) {
  u32 votes = ballot(yes);
  barrier(); // the poll before has been read
  if ((thread() & 31) == 0) room.votes[thread() / 32] = votes;
  barrier();
}

// places is the exclusive prefix sum of keep over the block; total is the sum.
FN i32 places(Room &room, bool keep, i32 &total) {
  poll(room, keep);
  i32 warp = thread() / 32, before = 0;
  u32 below = (1u << (thread() & 31)) - 1u;
  total = 0;
  UNROLL for (i32 w = 0; w < ROLL / 32; w++) {
    u32 votes = room.votes[w];
    before += popcount(w < warp ? votes : w == warp ? votes & below : 0);
    total += popcount(votes);
  }
  return before;
}

// first_of is the lowest thread of the block for which bad holds, -1 for none.
FN i32 first_of(Room &room, bool bad) {
  poll(room, bad);
  i32 who = -1;
  UNROLL for (i32 w = ROLL / 32 - 1; w >= 0; w--)
    if (room.votes[w] != 0) who = w * 32 + lowest(room.votes[w]);
  return who;
}

// Lane is one lane of the batch as its block sees it.
struct Lane {
  i32 l;
  i32 slot0; // its slots start here in the arrays of Live
  i32 row0;  // its rows start here in the arrays of Rows
  i32 step;  // the newest rows'
};

FN Lane lane_of(const RolloutArgs &a) {
  i32 l = block_x();
  return Lane{l, l * a.live.slots, l * a.cap, a.step};
}

// report notes the lane's first fault; the lane stands still from then on. One thread calls it.
FN void report(const RolloutArgs &a, const Lane &v, i32 kind, i32 traj, i32 step, i32 action, const i32 *state) {
  i32 *f = a.live.fault + 4 * v.l;
  f[0] = kind;
  f[1] = traj;
  f[2] = step;
  f[3] = action;
  if (state) ROLLED for (i32 k = 0; k < a.world.ints; k++) a.live.fault_state[v.l * a.world.ints + k] = state[k];
}

// stop_lane leaves no live slots and no newest rows. All threads of the block call it.
FN void stop_lane(const RolloutArgs &a, const Lane &v) {
  barrier();
  if (thread() == 0) {
    a.live.count[v.l] = 0;
    a.live.from[v.l] = a.live.rows[v.l];
  }
  barrier();
}

FN bool is_given(const RolloutArgs &a, i32 traj) { return a.given_at && a.given_at[traj] >= 0; }

// goes_on says that a given list holds more than the actions of steps 0 .. step.
FN bool goes_on(const RolloutArgs &a, i32 traj, i32 step) { return is_given(a, traj) && a.given_len[traj] != step + 1; }

// finish ends trajectory t with the step that leaves row.
FN void finish(const RolloutArgs &a, i32 row, i32 t, i32 step, const i32 *state) {
  a.rows.role[row] = 1;
  a.trajs.last[t] = row;
  a.trajs.length[t] = step + 1;
  ROLLED for (i32 k = 0; k < a.world.ints; k++) a.trajs.terminal[t * a.world.ints + k] = state[k];
}

// shift moves n words of slot to place to, for the slots that stay, group by group: to <= slot, so only words of the same group are in
// the way, and those have been read before the barrier.
FN void shift(u32 *words, i32 n, i32 slot, i32 to, bool stays) {
  ROLLED for (i32 k = 0; k < n; k++) {
    u32 v = stays ? words[slot * n + k] : 0;
    barrier();
    if (stays) words[to * n + k] = v;
  }
}

// forward_word is word b of graph.Moves.MaskForward.
FN u32 forward_word(const World &w, const i32 *s, i32 b) {
  u32 m = 0;
  if (w.kind == 0) {
    i32 n = lower(32, w.ints - 32 * b);
    ROLLED for (i32 i = 0; i < n; i++) m |= (u32)(s[32 * b + i] + 1 < w.values) << i;
  } else if (s[w.ints - 1] == 0) {
    i32 n = w.values - 1 - 32 * b;
    m = n >= 32 ? 0xffffffffu : n > 0 ? (1u << n) - 1u : 0u;
  }
  if (w.stop >= 0 && w.stop / 32 == b) m |= 1u << (w.stop % 32);
  return m;
}

// forward_mask is graph.Moves.MaskForward; it says whether any action is allowed.
FN bool forward_mask(const World &w, u32 *mask, const i32 *s) {
  u32 any = 0;
  ROLLED for (i32 b = 0; b < w.fw; b++) {
    u32 m = forward_word(w, s, b);
    mask[b] = m;
    any |= m;
  }
  return any != 0;
}

// backward_word is word b of graph.Moves.MaskBackward.
FN u32 backward_word(const World &w, const i32 *s, i32 b) {
  u32 m = 0;
  if (w.kind == 0) {
    i32 n = lower(32, w.ints - 32 * b);
    ROLLED for (i32 i = 0; i < n; i++) m |= (u32)(s[32 * b + i] > 0) << i;
  } else if (b == 0) {
    m = s[0] != 0;
  }
  return m;
}

// backward_mask is graph.Moves.MaskBackward.
FN void backward_mask(const World &w, u32 *mask, const i32 *s) {
  ROLLED for (i32 b = 0; b < w.bw; b++) mask[b] = backward_word(w, s, b);
}

// uniform is log P_B of a state that count backward actions leave.
FN float uniform(i32 count) { return 0.0f - log_f((float)count); }

// move_state is graph.Moves.Step: it returns the undo action.
FN i32 move_state(const World &w, i32 *s, i32 action) {
  if (w.kind == 0) {
    s[action]++;
    return action;
  }
  i32 i = 0;
  ROLLED while (i < w.ints - 1 && s[i] != 0) i++;
  s[i] = action + 1;
  return 0;
}

// is_terminal is graph.Moves.Terminal of a world without a stop action.
FN bool is_terminal(const World &w, const i32 *s) {
  if (w.kind != 0) return s[w.ints - 1] != 0;
  ROLLED for (i32 i = 0; i < w.ints; i++) if (s[i] + 1 < w.values) return false;
  return true;
}

// do_append gives every live slot a row.
FN void do_append(const RolloutArgs &a, const Lane &v, i32 step, Room &room) {
  const World &w = a.world;
  i32 n = a.live.count[v.l], from = a.live.rows[v.l];
  if (n > a.cap - from) {
    if (thread() == 0) report(a, v, FAULT_CAPACITY, -1, step, -1, nullptr);
    stop_lane(a, v);
    return;
  }
  i32 steps = 0;
  for (i32 g = 0; g < n; g += ROLL) {
    i32 i = g + thread(), slot = v.slot0 + i, row = v.row0 + from + i;
    bool here = i < n, is_step = false, none = false;
    const i32 *s = a.live.state + (u64)slot * w.ints;
    if (here) {
      bool end = a.live.ending[slot] != 0, any = false;
      ROLLED for (i32 k = 0; k < w.ints; k++) a.rows.feat[(u64)row * w.active + k] = k * w.values + s[k];
      u32 *mask = a.rows.mask + (u64)row * w.fw;
      if (end) {
        ROLLED for (i32 b = 0; b < w.fw; b++) mask[b] = 0;
      } else if (w.kind >= 0) {
        any = forward_mask(w, mask, s);
      } else {
        ROLLED for (i32 b = 0; b < w.fw; b++) {
          u32 m = a.live.next_f[(u64)slot * w.fw + b];
          mask[b] = m;
          any |= m != 0;
        }
      }
      ROLLED for (i32 b = 0; b < w.bw; b++) a.rows.bmask[(u64)row * w.bw + b] = a.live.next_b[(u64)slot * w.bw + b];
      i32 t = a.live.live[slot], prev = a.live.last_row[slot];
      a.rows.action[row] = -1;
      a.rows.undo[row] = a.live.last_undo[slot];
      a.rows.traj[row] = t;
      a.rows.next[row] = -1;
      a.rows.prev[row] = prev;
      a.rows.role[row] = end ? 2 : 0;
      a.rows.log_pb[row] = 0.0f;
      if (prev >= 0) a.rows.next[prev] = row;
      else a.trajs.first[t] = row;
      a.live.last_row[slot] = row;
      is_step = !end;
      none = !any;
    }
    i32 bad = first_of(room, is_step && (none || step >= w.steps));
    if (bad >= 0) {
      if (thread() == bad) report(a, v, none ? FAULT_NO_ACTION : FAULT_STEPS, a.live.live[slot], step, -1, s);
      if (thread() == 0) a.live.rows[v.l] = from + n;
      stop_lane(a, v);
      return;
    }
    i32 total;
    places(room, is_step, total);
    steps += total;
  }
  if (thread() == 0) {
    a.live.from[v.l] = from;
    a.live.rows[v.l] = from + n;
    a.live.steps[v.l] += steps;
  }
}

// do_leave takes the ended out. It says whether the lane goes on.
FN bool do_leave(const RolloutArgs &a, const Lane &v, Room &room) {
  const World &w = a.world;
  i32 n = a.live.count[v.l], from = a.live.from[v.l];
  // What sample could not give: it comes before everything else of this step.
  if (a.given_at) for (i32 g = 0; g < n; g += ROLL) {
    i32 i = g + thread(), slot = v.slot0 + i;
    bool bad = i < n && !a.live.ending[slot] && a.rows.action[v.row0 + from + i] < 0;
    i32 who = first_of(room, bad);
    if (who >= 0) {
      if (thread() == who) {
        i32 t = a.live.live[slot];
        bool more = v.step < a.given_len[t];
        report(a, v, more ? FAULT_GIVEN : FAULT_GIVEN_END, t, v.step, more ? a.given[a.given_at[t] + v.step] : -1,
               a.live.state + (u64)slot * w.ints);
      }
      stop_lane(a, v);
      return false;
    }
  }
  i32 kept = 0;
  for (i32 g = 0; g < n; g += ROLL) {
    i32 i = g + thread(), slot = v.slot0 + i, row = v.row0 + from + i, t = 0, action = -1;
    bool moves = false, ends = false;
    if (i < n && !a.live.ending[slot]) {
      t = a.live.live[slot];
      action = a.rows.action[row];
      ends = action == w.stop;
      moves = !ends;
    }
    const i32 *s = a.live.state + (u64)slot * w.ints;
    if (ends) finish(a, row, t, v.step, s);
    if (a.given_at) {
      i32 who = first_of(room, ends && goes_on(a, t, v.step));
      if (who >= 0) {
        if (thread() == who) report(a, v, FAULT_GIVEN_MORE, t, v.step + 1, a.given[a.given_at[t] + v.step + 1], s);
        stop_lane(a, v);
        return false;
      }
    }
    i32 total, to = places(room, moves, total) + kept + v.slot0;
    shift((u32 *)a.live.state, w.ints, slot, to, moves);
    barrier();
    if (moves) {
      a.live.live[to] = t;
      a.live.last_row[to] = row;
      a.live.moved[to] = action;
      a.live.ending[to] = 0;
    }
    kept += total;
  }
  barrier();
  if (thread() == 0) a.live.count[v.l] = kept;
  barrier();
  return kept > 0;
}

// do_settle is the second half of a move, after the states have changed: log P_B, and what ends by itself.
FN bool do_settle(const RolloutArgs &a, const Lane &v, Room &room) {
  const World &w = a.world;
  i32 n = a.live.count[v.l], kept = 0;
  for (i32 g = 0; g < n; g += ROLL) {
    i32 i = g + thread(), slot = v.slot0 + i, t = 0, row = 0, undo = 0;
    bool here = i < n, ends = false;
    const i32 *s = a.live.state + (u64)slot * w.ints;
    if (here) {
      i32 count = 0;
      ROLLED for (i32 b = 0; b < w.bw; b++) count += popcount(a.live.next_b[(u64)slot * w.bw + b]);
      t = a.live.live[slot];
      row = a.live.last_row[slot];
      undo = a.live.last_undo[slot];
      a.rows.log_pb[row] = uniform(count);
      if (w.stop < 0) ends = w.kind >= 0 ? is_terminal(w, s) : a.live.terminal[slot] != 0;
    }
    if (w.stop >= 0) continue;
    if (ends) finish(a, row, t, v.step, s);
    if (a.given_at) {
      i32 who = first_of(room, ends && goes_on(a, t, v.step));
      if (who >= 0) {
        if (thread() == who) report(a, v, FAULT_GIVEN_MORE, t, v.step + 1, a.given[a.given_at[t] + v.step + 1], s);
        stop_lane(a, v);
        return false;
      }
    }
    bool stays = here && (!ends || w.end_rows);
    i32 total, to = places(room, stays, total) + kept + v.slot0;
    shift((u32 *)a.live.state, w.ints, slot, to, stays);
    shift(a.live.next_b, w.bw, slot, to, stays);
    barrier();
    if (stays) {
      a.live.live[to] = t;
      a.live.last_row[to] = row;
      a.live.last_undo[to] = undo;
      a.live.ending[to] = ends;
    }
    kept += total;
  }
  if (w.stop >= 0) return true;
  barrier();
  if (thread() == 0) a.live.count[v.l] = kept;
  barrier();
  return kept > 0;
}

// do_moves steps the states of a world that is data.
FN bool do_moves(const RolloutArgs &a, const Lane &v, Room &room) {
  const World &w = a.world;
  i32 n = a.live.count[v.l];
  for (i32 i = thread(); i < n; i += ROLL) {
    i32 slot = v.slot0 + i;
    i32 *s = a.live.state + (u64)slot * w.ints;
    a.live.last_undo[slot] = move_state(w, s, a.live.moved[slot]);
    backward_mask(w, a.live.next_b + (u64)slot * w.bw, s);
  }
  barrier();
  return do_settle(a, v, room);
}

// idle says that a lane has nothing to do: a fault, or no live slots. Its newest rows are then none.
FN bool idle(const RolloutArgs &a, const Lane &v) {
  bool works = a.live.fault[4 * v.l] == FAULT_NONE && a.live.count[v.l] > 0;
  barrier(); // all have read before one reports a fault
  if (!works) stop_lane(a, v);
  return !works;
}

// first_trajectory is l*B/L: with B = q*L + r that is l*q + l*r/L, without a product beyond 32 bits.
FN i32 first_trajectory(const RolloutArgs &a, i32 l) {
  u32 lanes = (u32)a.lanes, q = (u32)a.live.batch / lanes, r = (u32)a.live.batch % lanes;
  return (i32)((u32)l * q + (u32)l * r / lanes);
}

// do_begin puts the lane's trajectories at the source and gives them a row each.
FN void do_begin(const RolloutArgs &a, const Lane &v, Room &room) {
  const World &w = a.world;
  i32 first = first_trajectory(a, v.l), n = first_trajectory(a, v.l + 1) - first;
  ROLLED for (i32 g = 0; g < n; g += ROLL) {
    i32 i = g + thread(), slot = v.slot0 + i;
    if (i >= n) break;
    a.live.live[slot] = first + i;
    a.live.last_row[slot] = -1;
    a.live.last_undo[slot] = -1;
    a.live.ending[slot] = 0;
    if (w.kind < 0) continue;
    ROLLED for (i32 k = 0; k < w.ints; k++) a.live.state[(u64)slot * w.ints + k] = 0;
    ROLLED for (i32 b = 0; b < w.bw; b++) a.live.next_b[(u64)slot * w.bw + b] = 0;
  }
  ROLLED for (i32 i = thread(); i < w.ints; i += ROLL) a.live.fault_state[v.l * w.ints + i] = 0;
  if (thread() == 0) {
    a.live.count[v.l] = n;
    a.live.from[v.l] = a.live.rows[v.l] = a.live.steps[v.l] = 0;
    report(a, v, FAULT_NONE, -1, -1, -1, nullptr);
  }
  barrier();
  do_append(a, v, 0, room);
}

// begin: lane l gets trajectories [l*B/L, (l+1)*B/L), no rows, no fault, then a row each (a.step is -1). grid lanes, block 256.
// Writes all of Live but moved, terminal and next_f, the first rows of Rows, trajs.first. A world that the host steps has state, next_b
// and next_f uploaded before; for Moves they are the source's.
KERNEL(ROLL) begin(const RolloutArgs a) {
  __shared__ Room room;
  do_begin(a, lane_of(a), room);
}

// leave: the first half of a move (cpu/rollout.go, move): what stopped or has its end row goes. grid lanes, block 256.
// Reads action, role; writes role, trajs of the ended, Live compacted, moved. Faults: the first row without an allowed given action, then
// the first list that goes on.
KERNEL(ROLL) leave(const RolloutArgs a) {
  __shared__ Room room;
  Lane v = lane_of(a);
  if (!idle(a, v)) do_leave(a, v, room);
}

// moves: the second half for a world that is data: states, last_undo, next_b, log_pb of the row left; without a stop action the
// terminal end, or stay for their end row. grid lanes, block 256.
KERNEL(ROLL) moves(const RolloutArgs a) {
  __shared__ Room room;
  Lane v = lane_of(a);
  if (!idle(a, v)) do_moves(a, v, room);
}

// settle: the second half where the host stepped: state, last_undo, next_b and terminal have been uploaded. grid lanes, block 256.
KERNEL(ROLL) settle(const RolloutArgs a) {
  __shared__ Room room;
  Lane v = lane_of(a);
  if (!idle(a, v)) do_settle(a, v, room);
}

// append: one row a live slot, of step a.step + 1. grid lanes, block 256. Faults: the first row that allows nothing, or is one step too
// many; no room.
KERNEL(ROLL) append(const RolloutArgs a) {
  __shared__ Room room;
  Lane v = lane_of(a);
  if (!idle(a, v)) do_append(a, v, a.step + 1, room);
}

// advance: leave, moves and append. grid lanes, block 256.
KERNEL(ROLL) advance(const RolloutArgs a) {
  __shared__ Room room;
  Lane v = lane_of(a);
  if (idle(a, v)) return;
  if (!do_leave(a, v, room) || !do_moves(a, v, room)) {
    stop_lane(a, v);
    return;
  }
  do_append(a, v, a.step + 1, room);
}

// do_give takes the newest rows' actions from the lists: -1 where a list has ended or its action is not allowed; do_leave reports it.
FN void do_give(const RolloutArgs &a, const Lane &v) {
  i32 n = a.live.count[v.l], from = a.live.from[v.l];
  ROLLED for (i32 i = thread(); i < n; i += ROLL) {
    i32 slot = v.slot0 + i, row = v.row0 + from + i;
    if (a.live.ending[slot]) continue;
    i32 t = a.live.live[slot], action = v.step < a.given_len[t] ? a.given[a.given_at[t] + v.step] : -1;
    if (action < 0 || action >= a.world.actions || !(a.rows.mask[(u64)(u32)row * (u32)a.world.fw + (u32)(action / 32)] >> (action % 32) & 1)) action = -1;
    a.rows.action[row] = action;
  }
  barrier();
}

// replay: begin, then as many steps as the lists have, all of which are given, for a world that is data. grid lanes, block 256. Writes
// and faults of begin and advance; actions as sample gives them.
extern "C" __global__ void __launch_bounds__(ROLL, 1) replay(const RolloutArgs a) {
  __shared__ Room room;
  Lane v = lane_of(a);
  do_begin(a, v, room);
  ROLLED for (v.step = 0; !idle(a, v); v.step++) {
    do_give(a, v);
    if (!do_leave(a, v, room) || !do_moves(a, v, room)) break;
    do_append(a, v, v.step + 1, room);
  }
  stop_lane(a, v);
}

// tally: out = {rows, steps, first lane with a fault or -1}. grid 1, block 32.
KERNEL(32) tally(const TallyArgs a) {
  i32 rows = 0, steps = 0, bad = 0x7fffffff;
  for (i32 l = thread(); l < a.lanes; l += 32) {
    rows += a.rows[l];
    steps += a.steps[l];
    if (a.fault[4 * l] != FAULT_NONE) bad = lower(bad, l);
  }
  UNROLL for (i32 o = 16; o > 0; o /= 2) {
    rows += shfl_xor(rows, o);
    steps += shfl_xor(steps, o);
    bad = lower(bad, shfl_xor(bad, o));
  }
  if (thread() == 0) {
    a.out[0] = rows;
    a.out[1] = steps;
    a.out[2] = bad == 0x7fffffff ? -1 : bad;
  }
}
