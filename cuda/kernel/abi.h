// The arguments of every kernel: one struct each, passed by value, mirrored field by field in args.go (package kernel). Pointers are
// 8 bytes, everything else is 4; padding is written out. An instruction's meaning is the loop beside its Op in graph/plan.go.
// What a kernel does, and by which grid it is launched, stands beside it; grid.go has the grids.
#pragma once

// Rows of lane l live at [l*cap, l*cap + rows[l]) of every row array, in
// append order; next and prev are such global row numbers, -1 for none.

// Span is the rows of each lane an instruction works on: [from[l], to[l]) if from is there, else [begin, min(begin+len, to[l])).
// blockIdx.y is the lane; blocks beyond a lane's rows return at once.
struct Span {
  const i32 *from;
  const i32 *to;
  i32 begin, len;
  i32 cap;   // rows of a lane in row arrays
  i32 lanes;
};

// Val is a row operand: row r of lane l is at p + ((u64)l*rows + (local ? r - lo : r))*ld, lo the span's first row.
// Kept and Saved values are global (rows = cap), Scratch values local (rows = the longest span).
struct Val {
  float *p;
  i32 ld;
  i32 rows;
  i32 local;
  i32 pad;
};

// Several is the arguments of up to four instructions that one launch does: blockIdx.z says which, unless a kernel says otherwise.
const int SEVERAL = 4;
template <class A> struct Several { A of[SEVERAL]; };

// Rows are the row data, L*cap of each.
struct Rows {
  i32 *feat;   // [active]
  u32 *mask;   // [fw]
  u32 *bmask;  // [bw]
  i32 *action; // -1 on end rows
  i32 *undo;   // -1 on first rows
  i32 *traj;   // counted in the batch
  i32 *next, *prev;
  i32 *role;   // 0 move, 1 last, 2 end
  float *log_pb;
};

// World is graph.Shape and graph.Moves.
struct World {
  i32 ints, values, active, actions, stop, back, steps, end_rows;
  i32 fw, bw;          // mask words
  i32 kind;            // graph.MoveKind; -1: the host steps the world
  i32 pad;
};

// Live is what a lane's rollout keeps of its trajectories: P = ceil(B/L) slots a lane, live ones first, in index order.
struct Live {
  i32 *live;      // trajectory in the batch
  i32 *last_row;  // newest row, -1 before the first
  i32 *last_undo; // the backward action that leads back from state
  i32 *ending;    // 1: only its end row is left
  i32 *state;     // [ints]
  u32 *next_b;    // [bw] backward mask of state
  u32 *next_f;    // [fw] forward mask of state: written by the host for a world of its own; by advance otherwise unused
  i32 *moved;     // action taken, compacted; what the host's Step reads
  i32 *terminal;  // host: 1 where the world says the state is terminal
  i32 *count;     // [L] live slots
  i32 *from;      // [L] first row of this step
  i32 *rows;      // [L] rows so far
  i32 *steps;     // [L] rows that are steps
  i32 *fault;     // [L][4]: kind (Fault), trajectory, step, action of the lane's first fault; kind 0 is none
  i32 *fault_state; // [L][ints]
  i32 slots;      // P
  i32 batch;      // B
};

enum Fault { FAULT_NONE, FAULT_NO_ACTION, FAULT_STEPS, FAULT_GIVEN, FAULT_GIVEN_END, FAULT_GIVEN_MORE, FAULT_CAPACITY };

// Joint arrays of a batch.
struct Trajs {
  i32 *first, *last;   // [B] global rows
  i32 *length;         // [B]
  i32 *terminal;       // [B][ints]
};

// Key is rng.Key and what a draw's counter holds (rng.Counter). Values that change from iteration to iteration live in device memory,
// so that a captured graph can be replayed.
struct Draw {
  u32 key0, key1;
  u32 iteration, purpose, first;
  float epsilon;
  const i32 *pad;
};

// --- rollout.cu: one block of 256 threads a lane (gridDim.x = lanes); compaction by a block-wide scan, in index order.

// begin: every lane's slots hold its trajectories (lane l: [l*B/L, (l+1)*B/L)), no rows; for Moves in the source state with its backward
// mask (empty), else state, next_b and next_f have been uploaded. Then append, of step 0: step is -1 before.
// leave: the first half of a move (cpu/rollout.go, move): trajectories that stopped get role last, last[], length[], terminal[];
// the others are compacted with moved[] = their action. Faults: a given action that is
// missing or not allowed (sample left -1), a given list that goes on.
// moves: for a world that is data: steps the compacted states (undo, backward mask), writes log_pb of the row left (uniform: 0 - log n
// by log_f, +0 for one), and, without a stop action, ends what is terminal (or marks it ending where end_rows).
// settle: the same second half where the host stepped (state, last_undo, next_b, terminal uploaded): log_pb, terminal handling.
// append: one row a live slot: feat, masks (forward mask from Moves, or from next_f), action -1, undo, traj, links, role, log_pb 0;
// end rows have an empty mask; no action allowed, or a step beyond world.steps, is a fault, and so is no room. Sets from[l], rows[l],
// steps[l].
// advance: leave, moves, append in one launch (worlds that are data). A lane with a fault or without live slots does nothing: its count is 0 and
// from[l] = rows[l], so that spans of its newest rows are empty.
// replay: begin and all steps in one launch, where every trajectory is given and the world is data.
// place (place.cu): what replay leaves of lists that all end where their trajectories do, without a barrier a step.
// All take RolloutArgs.
struct RolloutArgs {
  World world;
  Rows rows;
  Live live;
  Trajs trajs;
  const i32 *given_at;   // [B]: where trajectory i's actions begin in given, -1: drawn; null: all are drawn
  const i32 *given_len;  // [B]
  const i32 *given;
  i32 cap, lanes;
  i32 step;              // the step of the rows newest before this launch
  i32 pad;
};

// tally: {rows, steps, fault lane or -1} of the batch into out[3], one block.
struct TallyArgs { const i32 *rows, *steps, *fault; i32 *out; i32 lanes, pad; };

// --- score.cu. score: log R of count objects by graph.Score. kind: graph.ScoreKind.
struct ScoreArgs { const i32 *state, *classes; const float *log_r; float *out; i32 count, ints, values, kind, base, pad; };

// --- eval.cu. features: feat of n states in rows [0, n) of lane 0: feat[r,k] = k*values + state[r,k].
struct FeaturesArgs { const i32 *state; i32 *feat; i32 n, ints, values, pad; };

// --- gather.cu. gather: OpGather. a = weights [features, n], b = bias [n].
struct GatherArgs { Span span; Val out; const float *a, *b; const i32 *feat; i32 active, n, act, pad; };
// gather_grad: OpGatherGrad: per lane, out + l*grad_len is [features, n], bias + l*grad_len is [n]; chains over the span's rows in
// order, going on from what is there (first = 1: from 0; every element of out is then written). values: feature f of register k is in
// [k*values, (k+1)*values), one per register and row. Where there is a gate, d counts as +0 wherever it is not positive.
struct GatherGradArgs { Span span; Val d, gate; float *out, *bias; const i32 *feat; i32 active, values, n, grad_len, first, pad; };

// --- linear.cu. linear: OpLinear: out = act(A W + bias), W [k, n].
struct LinearArgs { Span span; Val out, a; const float *w, *bias; i32 k, n, act, pad; };
// linear_back: OpLinearBack: out[r, 0..k) = sum_j a[r,j] W[k,j] (+ out if acc), gated by gate > 0 (gate.p null: no gate).
struct LinearBackArgs { Span span; Val out, a, gate; const float *w; i32 k, n, acc, pad; };
// linear_grad: OpLinearGrad: per lane, out + l*grad_len [k, n] and bias + l*grad_len [n], chains over the span's rows, from what is
// there (first = 1: from 0).
struct LinearGradArgs { Span span; Val a, d; float *out, *bias; i32 k, n, grad_len, first; };

// --- act.cu. act: OpAct, b null or [n] floats added before; act_back: OpActBack (a gradient, b = y).
struct ActArgs { Span span; Val out, a, b; i32 n, act; };

// --- softmax.cu. log_prob: OpLogProb; log_prob_back: OpLogProbBack (a.ld 1). words: mask words a row; choice: action or undo.
struct LogProbArgs { Span span; Val out, a, b; const u32 *mask; const i32 *choice; i32 n, words; };
// sample: OpSample (rng.Categorical, rng.Counter): the action of each new row; rows of role end are left alone; given ones are taken
// from the list, -1 where the list ends or the action is not allowed (leave reports it). Logits of rows that are not drawn are not read.
struct SampleArgs {
  Span span; Val logits; Rows rows; Live live;
  const Draw *draw;
  const i32 *given_at, *given_len, *given;
  i32 actions, fw, step, pad;
};

// --- walk.cu. walk: the drawn actions of batch trajectories of a world that is data, which is all it leaves: trajectory i's from
// given + i*world.steps on. place (of RolloutArgs) makes rows of them, or where one has not ended replay.
struct Layer { const float *w, *bias; i32 k, n, act, pad; }; // w [k, n]
const int LAYERS = 8;
struct WalkArgs {
  World world;
  const Draw *draw;
  Layer layer[LAYERS]; // a gather, linear ones, the head: layers of them
  i32 *given_at, *given_len, *given; // [batch], [batch], [batch][steps]
  i32 *length;         // [batch]: steps taken; ~steps where a state allows nothing or the world promised fewer
  i32 *state;          // [batch][ints]: terminal in the end
  i32 layers, batch;
};

// --- elementwise.cu. rows: OpAdd..OpConst on rows; joint: the same on count floats (a trajectory each, or one).
struct ElementsArgs { Span span; Val out, a, b; i32 op, n; float c; i32 pad; }; // op: graph.Op minus graph.OpAdd
struct JointArgs { float *out; const float *a, *b; i32 op, count; float c; i32 pad; };

// --- close.cu. collect: OpSumT, OpLast, OpFirst by trajectory (op 0, 1, 2). carry: OpSpreadT, OpNext, OpNextBack, OpNextFlow,
// OpNextFlowBack, OpFirstBack by row (op 0..5). total: OpSum, OpMean, OpMeanBack, OpDivSteps, OpVariance, OpVarianceBack, OpSpread
// (op 0..6), one block of 1,024 threads; tree: [count] floats of room; steps: the batch's steps (tally's out[1]).
struct CollectArgs { float *out; Val x; Rows rows; Trajs trajs; i32 op, count; };
struct CarryArgs { Span span; Val out, x; const float *joint; Rows rows; i32 op, pad; };
struct TotalArgs { float *out; const float *a, *b; float *tree; const i32 *steps; i32 op, count; };

// --- reduce.cu. reduce: f32.Tree over lanes of grads + l*grad_len, element by element, into out[0, n) for the n parameters, and in
// lane 0's buffer beyond n. add: out[i] += x[i], i < n (Folds and Close parts).
struct ReduceArgs { float *grads, *out; i32 grad_len, lanes, n, pad; };
struct AddArgs { float *out; const float *x; i32 n, pad; };

// --- update.cu. norm: part[i] = Butterfly of the 32 strided partials of squares of block i of 4,096 gradients (one warp each).
// scale: one block: norm = sqrt(Tree(part)); out[0] = norm, out[1] = min(1, clip/norm) (1 if clip is 0), out[2] = 1 if norm
// and loss are finite, else 0.
// adam, sgd: graph.Rule on w[0, n) of one tensor, unless out[2] is 0.
struct NormArgs { const float *g; float *part; i32 n, pad; };
struct ScaleArgs { float *part; float *out; const float *loss; float clip; i32 blocks; }; // loss: null is 0
// Rates are the iteration's scalars in device memory: rate[group], keep[group], then c1, c2 at [2*groups].
struct StepArgs {
  float *w; const float *g; float *m, *v;
  const float *scale;  // ScaleArgs.out
  const float *rates;
  i32 n, group, groups, decay; // decay: 1 if keep is to be multiplied in
  float beta1, one_minus_beta1, beta2, one_minus_beta2, eps;
  i32 pad;
};
