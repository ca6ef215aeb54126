package kernel

import _ "embed"

//go:generate go run ./gen

//go:embed kernels.ptx
var ptx []byte

// PTX is the module that holds every kernel. It is not to be written to.
func PTX() []byte { return ptx }

// ID names a kernel.
type ID uint8

// The kernels; each is described beside its code.
const (
	Begin ID = iota // rollout.cu
	Leave
	Moves
	Settle
	Append
	Advance
	Replay
	Tally

	Place // place.cu

	Score // score.cu

	Features // eval.cu

	Gather // gather.cu
	GatherAny
	GatherGrad
	GatherGradAny
	GatherGradWide

	Linear128x64 // linear.cu
	Linear64x64
	LinearAny
	LinearFew
	LinearBack128x64
	LinearBack64x64
	LinearBackAny
	LinearGrad128x64
	LinearGrad64x64
	LinearGradAny

	LinearNarrow // narrow.cu
	LinearBackNarrow
	LinearGradNarrow

	Act // act.cu
	ActBack

	LogProb // softmax.cu
	LogProbBack
	LogProbWide
	LogProbBackWide
	Sample
	SampleWide

	Walk // walk.cu
	WalkFew

	Rows_ // elementwise.cu; Rows are the row data
	Joint

	Collect // close.cu
	Carry
	Total

	Reduce // reduce.cu
	Add

	Norm // update.cu
	Scale
	SGD
	Adam

	Count // of kernels
)

var names = [Count]string{
	Begin: "begin", Leave: "leave", Moves: "moves", Settle: "settle", Append: "append", Advance: "advance", Replay: "replay", Tally: "tally",
	Place:    "place",
	Score:    "score",
	Features: "features",
	Gather:   "gather", GatherAny: "gather_any", GatherGrad: "gather_grad", GatherGradAny: "gather_grad_any",
	GatherGradWide: "gather_grad_wide",
	Linear128x64:   "linear_128x64", Linear64x64: "linear_64x64", LinearAny: "linear_any", LinearFew: "linear_few",
	LinearBack128x64: "linear_back_128x64", LinearBack64x64: "linear_back_64x64", LinearBackAny: "linear_back_any",
	LinearGrad128x64: "linear_grad_128x64", LinearGrad64x64: "linear_grad_64x64", LinearGradAny: "linear_grad_any",
	LinearNarrow: "linear_narrow", LinearBackNarrow: "linear_back_narrow", LinearGradNarrow: "linear_grad_narrow",
	Act: "act", ActBack: "act_back",
	LogProb: "log_prob", LogProbBack: "log_prob_back", LogProbWide: "log_prob_wide", LogProbBackWide: "log_prob_back_wide",
	Sample: "sample", SampleWide: "sample_wide",
	Walk: "walk", WalkFew: "walk_few",
	Rows_: "rows", Joint: "joint",
	Collect: "collect", Carry: "carry", Total: "total",
	Reduce: "reduce", Add: "add",
	Norm: "norm", Scale: "scale", SGD: "sgd", Adam: "adam",
}

// String is the kernel's name in the module.
func (k ID) String() string { return names[k] }
