package kernel

import "unsafe"

// This file mirrors abi.h field by field. A device pointer is a uint64, 0 is null; padding is written out as blank fields, so that
// every byte is defined. What a field means is said in abi.h.

type (
	// Span is the rows of each lane an instruction works on.
	Span struct {
		From, To   uint64
		Begin, Len int32
		Cap        int32
		Lanes      int32
	}
	// Several is the arguments of up to four instructions of one launch.
	Several[A any] [Most]A
	// Val is a row operand.
	Val struct {
		P     uint64
		LD    int32
		Rows  int32
		Local int32
		_     int32
	}
	// Rows are the row data.
	Rows struct {
		Feat, Mask, BMask, Action, Undo, Traj, Next, Prev, Role, LogPB uint64
	}
	// World is graph.Shape and graph.Moves.
	World struct {
		Ints, Values, Active, Actions, Stop, Back, Steps, EndRows int32
		FW, BW                                                    int32
		Kind                                                      int32
		_                                                         int32
	}
	// Live is what a lane's rollout keeps of its trajectories.
	Live struct {
		Live, LastRow, LastUndo, Ending, State, NextB, NextF, Moved, Terminal uint64
		Count, From, Rows, Steps, Fault, FaultState                           uint64
		Slots, Batch                                                          int32
	}
	// Trajs are the arrays of a batch.
	Trajs struct {
		First, Last, Length, Terminal uint64
	}
	// Draw is what a draw's counter holds beside trajectory and step. It lies in device memory.
	Draw struct {
		Key0, Key1                uint32
		Iteration, Purpose, First uint32
		Epsilon                   float32
		_                         uint64
	}
)

// Most is how many instructions a launch does at most.
const Most = 4

// Fault says what went wrong first in a lane.
type Fault = int32

const (
	FaultNone      Fault = iota
	FaultNoAction        // every action is masked
	FaultSteps           // the trajectory is longer than the world said
	FaultGiven           // a given action is not allowed
	FaultGivenEnd        // the given actions end before the trajectory does
	FaultGivenMore       // the given actions go on after the trajectory has ended
	FaultCapacity        // the lane's row arrays are full
)

// NoMoves is World.Kind of a world that the host steps.
const NoMoves = -1

// Layers is how many layers WalkArgs has room for.
const Layers = 8

// Layer is one layer of WalkArgs.
type Layer struct {
	W, Bias   uint64
	K, N, Act int32
	_         int32
}

// The arguments of the kernels.
type (
	RolloutArgs struct {
		World                    World
		Rows                     Rows
		Live                     Live
		Trajs                    Trajs
		GivenAt, GivenLen, Given uint64
		Cap, Lanes               int32
		Step                     int32
		_                        int32
	}
	TallyArgs struct {
		Rows, Steps, Fault uint64
		Out                uint64
		Lanes              int32
		_                  int32
	}
	ScoreArgs struct {
		State, Classes, LogR, Out       uint64
		Count, Ints, Values, Kind, Base int32
		_                               int32
	}
	FeaturesArgs struct {
		State, Feat     uint64
		N, Ints, Values int32
		_               int32
	}
	GatherArgs struct {
		Span           Span
		Out            Val
		A, B           uint64
		Feat           uint64
		Active, N, Act int32
		_              int32
	}
	GatherGradArgs struct {
		Span                              Span
		D, Gate                           Val
		Out, Bias                         uint64
		Feat                              uint64
		Active, Values, N, GradLen, First int32
		_                                 int32
	}
	LinearArgs struct {
		Span      Span
		Out, A    Val
		W, Bias   uint64
		K, N, Act int32
		_         int32
	}
	LinearBackArgs struct {
		Span         Span
		Out, A, Gate Val
		W            uint64
		K, N, Acc    int32
		_            int32
	}
	LinearGradArgs struct {
		Span                 Span
		A, D                 Val
		Out, Bias            uint64
		K, N, GradLen, First int32
	}
	ActArgs struct {
		Span      Span
		Out, A, B Val
		N, Act    int32
	}
	LogProbArgs struct {
		Span      Span
		Out, A, B Val
		Mask      uint64
		Choice    uint64
		N, Words  int32
	}
	SampleArgs struct {
		Span                     Span
		Logits                   Val
		Rows                     Rows
		Live                     Live
		Draw                     uint64
		GivenAt, GivenLen, Given uint64
		Actions, FW, Step        int32
		_                        int32
	}
	WalkArgs struct {
		World                    World
		Draw                     uint64
		Layer                    [Layers]Layer
		GivenAt, GivenLen, Given uint64
		Length, State            uint64
		Layers, Batch            int32
	}
	ElementsArgs struct {
		Span      Span
		Out, A, B Val
		Op, N     int32
		C         float32
		_         int32
	}
	JointArgs struct {
		Out       uint64
		A, B      uint64
		Op, Count int32
		C         float32
		_         int32
	}
	CollectArgs struct {
		Out       uint64
		X         Val
		Rows      Rows
		Trajs     Trajs
		Op, Count int32
	}
	CarryArgs struct {
		Span   Span
		Out, X Val
		Joint  uint64
		Rows   Rows
		Op     int32
		_      int32
	}
	TotalArgs struct {
		Out       uint64
		A, B      uint64
		Tree      uint64
		Steps     uint64
		Op, Count int32
	}
	ReduceArgs struct {
		Grads, Out        uint64
		GradLen, Lanes, N int32
		_                 int32
	}
	AddArgs struct {
		Out, X uint64
		N      int32
		_      int32
	}
	NormArgs struct {
		G, Part uint64
		N       int32
		_       int32
	}
	ScaleArgs struct {
		Part, Out, Loss uint64
		Clip            float32
		Blocks          int32
	}
	StepArgs struct {
		W, G, M, V                                      uint64
		Scale                                           uint64
		Rates                                           uint64
		N, Group, Groups, Decay                         int32
		Beta1, OneMinusBeta1, Beta2, OneMinusBeta2, Eps float32
		_                                               int32
	}
)

// Bytes is the argument struct as a kernel's only parameter. It shares the memory of a.
func Bytes[T any](a *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(a)), unsafe.Sizeof(*a))
}
