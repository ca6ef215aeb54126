package graph

import (
	"errors"
	"fmt"

	"github.com/sluice-ml/sluice/rng"
)

// This file is the contract between Plans and the devices that run them.

// A Device compiles Plans to programs and owns the memory they work on. Package cpu has one in plain Go and assembly; gfn
// is handed a Device and never knows which.
type Device interface {
	Name() string                     // "cpu/avx2", "cpu/ref64", for the manifest
	Compile(p *Plan) (Program, error) // the Plan must not change afterwards
	Alloc(n int) (Buffer, error)      // n zero floats in the device's memory
	Close() error                     // stops workers, frees memory
}

// A Buffer is floats in a device's memory. Reading and writing go through float64, which holds every device's float exactly.
type Buffer interface {
	Len() int
	Write(src []float64, at int) // floats [at, at+len(src))
	Read(dst []float64, at int)  // floats [at, at+len(dst))
}

// A Program is a compiled Plan: the four entries of one iteration, in this order, and Eval beside them.
// A program serves one caller at a time; several programs may share Buffers as long as none writes what another reads.
//
// Rollout returns what it drew, so it waits. Reward, Close, Backward and Update hand their work to the device and need not wait for it,
// so that between the rewards and the end of an iteration nothing does; Outcome waits, once. An error of work under way is returned by
// whatever call first learns of it, and Outcome does at the latest. Whatever reads a Buffer or the batch comes after all work handed in.
type Program interface {
	// Rollout repeats Step until every trajectory of src has ended, lane by lane. host steps worlds that are Go code and is nil for
	// Moves. Where the Plan has a Reward it sets log R of the batch, too. The Batch is valid until the next Rollout.
	Rollout(params Buffer, src Source, host Host) (Batch, error)
	// Reward sets log R of each trajectory, in trajectory order; logR is the caller's again when it returns. Of a Plan with a Reward it
	// takes the place of what Rollout set, until the next one.
	Reward(logR []float32)
	// Close sums along trajectories and computes the loss and its gradient down to rows.
	Close(params Buffer) error
	// Backward writes the loss's gradient by every parameter into grads (Len = Params.Len()): the pairwise tree of the
	// lanes' parts, plus the Close part.
	Backward(params, grads Buffer) error
	// Update applies the rule; moments holds Rule.Moments() x Params.Len() floats. Where the last Close's loss or the gradient's global
	// norm is not finite it leaves parameters and moments as they are: the device decides that, as the host has seen neither yet.
	Update(params, grads, moments Buffer, rule Rule, s Scalars) error
	// Outcome waits for all of the above and says what it showed. at is the float of params to bring along, -1 for none.
	Outcome(params Buffer, at int) (Outcome, error)

	// Eval is Step's forward slice at any states (n x Ints): dst[h], unless nil, receives head h of the Plan, n x Cols.
	// It appends nothing and draws nothing.
	Eval(params Buffer, states []int32, dst [][]float64) error

	// Actions appends the forward actions of trajectory i to dst, stop included.
	Actions(dst []int32, i int) []int32
	// Read copies output o of the Plan (one float a trajectory, or one) to dst.
	Read(dst []float64, o Ref)
	// Memory reports what the program holds now.
	Memory() Memory
	// Free gives the program's memory back.
	Free()
}

// Source says which trajectories a batch holds.
type Source struct {
	Key       rng.Key
	Iteration uint32
	Purpose   uint8     // of the draws (rng.Sample, rng.Eval)
	First     uint32    // the number of the batch's first trajectory
	Count     int       // trajectories
	Lanes     int       // 0: Lanes(Count, Params.Len())
	Epsilon   float32   // probability that an action is uniform over the allowed ones
	Given     [][]int32 // Given[i], unless nil, is trajectory i's forward actions in order, stop included; nil: all are drawn
}

// Batch is what a Rollout produced; its slices belong to the program.
type Batch struct {
	Count    int
	Rows     int     // all rows
	Steps    int     // rows but those of role end
	Terminal []int32 // [Count, Ints], the objects x in trajectory order
	Length   []int32 // [Count], steps of each trajectory

	LogR []float32 // [Count], RewardTable.At of each object, until the next Rollout or Reward; nil in a Plan without a Reward
}

// Outcome is what an iteration showed.
type Outcome struct {
	Loss  float64 // of the last Close; 0 in a plan without a loss
	Norm  float64 // the gradient's global norm before clipping, of the last Update; 0 before the first
	Param float64 // the float of the parameters that was asked for, after Update (log Z, which is not worth a wait of its own); else 0
}

// A Host steps a world that is Go code. Methods are called from several goroutines on disjoint batches of n states (n x Ints);
// masks are n x Words bitsets, cleared by the caller but for the stop bit, which is set.
type Host interface {
	Reset(states []int32)
	Forward(mask []uint32, states []int32)
	Backward(mask []uint32, states []int32)
	Step(undo, states, actions []int32)  // moves only; undo[i] is the undo action that takes it back
	Terminal(dst []bool, states []int32) // worlds without a stop action
}

// Memory is bytes held by a program.
type Memory struct {
	RowsHeld  int // rows there is room for
	RowBytes  int // row data, Kept and Saved of these rows
	GradBytes int // lane gradients
	Scratch   int // one block a worker, and what a device holds whatever the batch: a copy of the reward
	Packed    int // copies of weights in the order products read them
}

// ErrNoAction is wrapped by every *NoActionError. It is what a device says; package gfn, which knows the world's text of a state,
// returns gfn/world's error of the same name instead.
var ErrNoAction = errors.New("graph: every action is masked")

// NoActionError is a state that is not terminal and allows nothing.
type NoActionError struct {
	Trajectory, Step int
	State            []int32
}

func (e *NoActionError) Error() string {
	return fmt.Sprintf("%v: trajectory %d, step %d, state %v", ErrNoAction, e.Trajectory, e.Step, e.State)
}

func (e *NoActionError) Unwrap() error { return ErrNoAction }

// WorldError is a promise that a world broke.
type WorldError struct {
	Promise          string // "the trajectory ends within 9 steps"
	Trajectory, Step int
	State            []int32
}

func (e *WorldError) Error() string {
	return fmt.Sprintf("graph: trajectory %d, step %d, state %v: the world promised that %s", e.Trajectory, e.Step, e.State, e.Promise)
}

// Panic is what a device panics with where a world in Go panicked on one of the device's own goroutines; on the caller's the value comes as
// it is. The device can go on.
type Panic struct {
	Value any
	Stack []byte // where it happened
}

func (p *Panic) Error() string {
	return fmt.Sprintf("%v\n\non a goroutine of the device:\n%s", p.Value, p.Stack)
}

// Unwrap is the value, if it is an error.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// GivenError is a given trajectory the world does not allow.
type GivenError struct {
	Trajectory, Step int
	Action           int32 // -1: the list ends before the trajectory does
	State            []int32
}

func (e *GivenError) Error() string {
	if e.Action < 0 {
		return fmt.Sprintf("graph: given trajectory %d: the actions end at step %d, before the trajectory does, in state %v", e.Trajectory, e.Step, e.State)
	}
	return fmt.Sprintf("graph: given trajectory %d: action %d at step %d is not allowed in state %v", e.Trajectory, e.Action, e.Step, e.State)
}
