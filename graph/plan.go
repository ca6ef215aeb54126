package graph

import (
	"fmt"
	"math/bits"
)

// A Plan is what a graph was lowered to: straight lists of instructions over offsets, one list an entry, with no sizes but
// widths. Rows, trajectories and lanes come at run time, so one Plan serves any batch.
//
// Memory classes: see Class. An instruction's meaning is the loop beside its Op; package cpu is that loop.
type Plan struct {
	World  Shape  // the world the Step entry walks through
	Params Params // shared by every Plan of one Builder

	Step     []Instr // row-local forward part, once as rows are appended (OpSample splits it); all but OpSample and OpLogProb are functions of the state alone
	Close    []Instr // everything across rows: sums along trajectories, the loss, its gradient down to rows
	Backward []Instr // row-local gradients and sums into parameters, block by block

	KeptCols    int // float columns a row that live for the whole batch
	SavedCols   int // float columns a row that only Backward reads again
	ScratchCols int // float columns of one block, overlaid by lifetime, larger of Step's and Backward's need
	TrajCols    int // float columns a trajectory
	Scalars     int // float slots a batch
	GradLen     int // floats of one lane's gradient buffer: Params.Len() and what Folds needs beside it

	Folds      []Fold  // second and later contributions to one parameter, added after the lanes' tree
	LaneGrads  []Range // parameters with a Backward part; what Folds adds lies beyond Params.Len() and is not listed here
	CloseGrads []Range // parameters with a Close part (log Z)

	Reward  *RewardTable // the reward as data, which Rollout then computes; nil: whoever calls Reward does
	Loss    Ref          // Scalar; Class None in a plan without loss
	Heads   []Output     // row values Eval can be asked for: logits of the policies, log F
	Outputs []Output     // Traj or Scalar values that can be read after Close
}

// Class says where a value lives.
type Class uint8

const (
	None     Class = iota
	Param          // Off: float offset in the parameter vector; Cols: the tensor's size, here and in Grad
	Grad           // Off: float offset in a lane's gradient buffer (Backward) or the Close part's (Close)
	Kept           // Off: column; an array of all the lane's rows
	Saved          // Off: first column; dropped over the memory budget and recomputed block by block
	Scratch        // Off: first column; one block of rows a worker
	RowData        // Off: a Field, filled by the rollout
	Traj           // Off: column; an array of all the batch's trajectories
	TrajData       // Off: a Field, filled by the rollout or by the reward
	Scalar         // Off: slot; one float a batch
)

// This file is the Plan: instructions over places in memory, each defined by its loop.

// Space says what a symbol has one of: the outer extent of its shape.
type Space uint8

const (
	PerBatch Space = iota // one value
	PerTraj               // one a trajectory
	PerRow                // one a visited state
	PerParam              // a tensor of parameters
)

// Field names what the rollout or the reward writes and the graph reads.
type Field = int

const (
	LogPBUniform Field = iota // RowData: -log n(s'), n the number of undo actions of the state s' the step reaches; 0 for stop
	LogR                      // TrajData: log R(x)
)

// A Ref is one operand: Cols floats a row, trajectory or batch, from Off on (see Class).
// Columns of Saved and Scratch are grouped by value: a block of R rows holds value (Off, Cols) at floats [Off*R, (Off+Cols)*R),
// row-major with leading dimension Cols.
type Ref struct {
	Class Class
	Off   int
	Cols  int
}

// Range is floats [Off, Off+Len) of the parameter vector.
type Range struct{ Off, Len int }

// Fold adds floats [Src, Src+Len) of the summed lane buffers to [Dst, Dst+Len).
type Fold struct{ Dst, Src, Len int }

// Output is a named value a caller may read.
type Output struct {
	Name string
	Ref  Ref
}

// Act is an activation.
type Act uint8

const (
	Identity Act = iota
	ReLU         // if v < 0 { v = 0 }
	Leaky        // if v < 0 { v *= 0.01 }
	Tanh
)

// LeakySlope is Leaky's factor below zero.
const LeakySlope float32 = 0.01

// Op is an instruction's kind. In the loops below r runs over rows, i over trajectories, j over the N columns of Out;
// fma(a, b, c) rounds once; sums "in chain" start from what Out holds.
type Op uint8

const (
	// OpGather (Step): Out[r,j] = act(B[j] + Σ_f A[feat[r,f],j]); the chain starts at 0, runs over f, bias last. A [K,N] Param, B [N] Param.
	OpGather Op = iota
	// OpLinear (Step): Out[r,j] = act(C[j] + Σ_k A[r,k]·B[k,j]); one fma chain over k from 0, bias last. B [K,N] Param, C [N] Param.
	OpLinear
	// OpAct (Step): Out[r,j] = act(A[r,j]).
	OpAct
	// OpSample (Step, once): the action of row r, drawn from the logits A[r,:] under the forward mask (rng.Categorical), or given.
	OpSample
	// OpLogProb (Step): Out[r] = x[a] - m - log(Σ exp(x - m)) over allowed x = A[r,:], m their maximum, sum by f32.RowSum;
	// 0 where a = -1. Forward: a = action, forward mask. Otherwise: a = undo, the backward mask of the same row.
	OpLogProb

	// OpLogProbBack (Backward): Out[r,j] = A[r]·([j = a] - exp(x[j]-m)/Σ) for allowed j, +0 for others and where a = -1. B logits.
	OpLogProbBack
	// OpLinearBack (Backward): Out[r,k] = Σ_j A[r,j]·B[k,j], one fma chain over j, from Out if Acc else 0; then 0 unless C[r,k] > 0, if
	// C is there. B [K,N] Param; Out has K columns.
	OpLinearBack
	// OpLinearGrad (Backward): Out[k,j] += Σ_r A[r,k]·B[r,j] and C[j] += Σ_r B[r,j], each a chain over the lane's rows. Out [K,N] Grad, C [N] Grad.
	OpLinearGrad
	// OpGatherGrad (Backward): for r, f: Out[feat[r,f],j] += B[r,j]; C[j] += B[r,j]; each a chain over the lane's rows. Out [K,N] Grad, C [N] Grad.
	OpGatherGrad
	// OpActBack (Backward): Out[r,j] = A[r,j]·act'(·), from Y = B: ReLU A if Y > 0 else 0; Leaky A if Y > 0 else A·slope; Tanh A·(1 - Y·Y) as fma(-(Y·Y), A, A).
	OpActBack

	// Elementwise, in the space of Instr.Space (PerRow: any entry; PerTraj, PerBatch: Close). Out and inputs have N columns.
	OpAdd    // Out = A + B
	OpSub    // Out = A - B
	OpMul    // Out = A·B
	OpScale  // Out = Const·A
	OpSquare // Out = A·A
	OpConst  // Out = Const

	// OpSumT (Close): Out[i] = compensated sum (f32.Sum) of A over the rows of trajectory i in order, those of role end left out.
	OpSumT
	// OpSpreadT (Close): Out[r] = A[traj[r]], 0 on end: the gradient of OpSumT.
	OpSpreadT
	// OpSpread (Close): Out[i] = A, a Scalar or a one-float Param, in the space of Instr.Space (PerTraj).
	OpSpread
	// OpSum (Close): Out = f32.Tree of A over trajectories. Out is Scalar or Grad (one float).
	OpSum
	// OpMean (Close): Out = f32.Tree(A) / B, B the number of trajectories.
	OpMean
	// OpMeanBack (Close): Out[i] = A / B: the gradient of OpMean.
	OpMeanBack
	// OpDivSteps (Close): Out = A / number of steps of the batch (rows but those of role end). Scalar; its own gradient.
	OpDivSteps
	// OpVariance (Close): m = f32.Tree(A)/B; Out = f32.Tree((A-m)·(A-m))/B. Scalar.
	OpVariance
	// OpVarianceBack (Close): Out[i] = (2/B · B_in)·(A[i] - m), A the values, B the scalar gradient.
	OpVarianceBack
	// OpNext (Close): Out[r] = A[next[r]], 0 where next = -1.
	OpNext
	// OpNextBack (Close): Out[r] = A[prev[r]], 0 where prev = -1.
	OpNextBack
	// OpNextFlow (Close): Out[r] = A[next[r]] on move, B[traj[r]] (log R) on last, 0 on end.
	OpNextFlow
	// OpNextFlowBack (Close): Out[r] = A[prev[r]] where the row before is a move, else 0.
	OpNextFlowBack
	// OpLast (Close): Out[i] = A[last[i]], last[i] the row of role last: OpNextFlow's gradient to log R.
	OpLast
	// OpFirst (Close): Out[i] = A[first[i]].
	OpFirst
	// OpFirstBack (Close): Out[r] = A[traj[r]] where prev = -1, else 0.
	OpFirstBack
)

// Instr is one instruction.
type Instr struct {
	Op      Op
	Space   Space // the space Out lives in (for OpSum, OpMean, OpSumT...: of A)
	Act     Act
	Acc     bool    // OpLinearBack continues the chain Out holds
	Forward bool    // OpLogProb, OpLogProbBack: forward policy, else backward
	Const   float32 // OpScale, OpConst
	Out     Ref
	A, B, C Ref // in formula order; Class None when unused
	K, N    int // inner and outer widths
}

// Shape is what a program must know of a world.
type Shape struct {
	Ints     int    // registers of a state
	Active   int    // active one-hot features of a state
	Features int    // all features
	Actions  int    // forward actions, stop included
	Stop     int    // the stop action's number, -1 when there is none
	Back     int    // undo actions
	Steps    int    // longest trajectory, stop counted
	Values   int    // a register holds 0..Values-1; feature f of a state is f*Values + s[f]
	EndRows  bool   // the terminal state has a row of its own (role end): learned P_B and no stop action
	Moves    *Moves // the world as data; nil for Go code
}

// Words is the number of 32-bit mask words of n actions.
func Words(n int) int { return (n + 31) / 32 }

// Beyond is the first of the actions from n on that a mask allows, -1 if none: a mask says nothing of them.
func Beyond(mask []uint32, n int) int {
	for w := n / 32; w < len(mask); w++ {
		m := mask[w]
		if w == n/32 {
			m &= ^uint32(0) << (n % 32)
		}
		if m != 0 {
			return 32*w + bits.TrailingZeros32(m)
		}
	}
	return -1
}

// Role of a row in its trajectory.
type Role = int32

const (
	Move Role = iota // the step leads to a row of its own
	Last             // the step ends the trajectory (stop, or into a terminal state)
	End              // the terminal state itself: only its backward head is read
)

// BlockRows is the number of rows Saved and Scratch are laid out by; rows grow by whole blocks.
const BlockRows = 256

// RowDataBytes is the row data of one row: features, both masks, action, undo, traj, next, prev, role and log P_B.
func (s Shape) RowDataBytes() int {
	return 4 * (s.Active + Words(s.Actions) + Words(s.Back) + 6 + 1)
}

// BytesPerRow is row data + Kept + Saved.
func (p *Plan) BytesPerRow() int { return p.World.RowDataBytes() + 4*(p.KeptCols+p.SavedCols) }

// Lanes is L = clamp(⌊batch/8⌋, 1, 32), halved while L x params > 64 Mi: how many lanes a batch is cut into.
// Lane l holds trajectories [l*batch/L, (l+1)*batch/L).
func Lanes(batch, params int) int {
	l := min(max(batch/8, 1), 32)
	for l > 1 && l*params > 64<<20 {
		l /= 2
	}
	return l
}

// Find returns the output called name.
func Find(list []Output, name string) (Ref, error) {
	for _, o := range list {
		if o.Name == name {
			return o.Ref, nil
		}
	}
	return Ref{}, fmt.Errorf("graph: the plan has no output %q", name)
}
