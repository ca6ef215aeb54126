// This file is the engine's counter: which block a draw of a training run comes from.

package rng

// The purposes of draws. Each has its own counters, so draws for one purpose never repeat those for another under the
// same key. They are part of every recorded run: add new ones, never renumber.
const (
	Sample uint8 = 0 // the actions of a rollout in training
	Init   uint8 = 1 // the initial parameters
	Reset  uint8 = 2 // the start states of a rollout
	Data   uint8 = 3 // what a data set or a replay buffer is asked for
	Eval   uint8 = 4 // the actions of a rollout that is only looked at

	purposeNormal  uint8 = 253 // [Key.Normal]
	purposeUniform uint8 = 254 // [Key.Uniform]
	purposeFold    uint8 = 255 // [Key.Fold]
)

const badBlock = "rng: block number needs more than 24 bits"

// Counter returns the engine's counter
//
//	{trajectory, step, iteration, purpose<<24 | block}
//
// of a draw: under the run's key it names a block of four words, whoever draws it and in whatever order. The block
// number tells apart the blocks of a draw that needs more than four words; it must be below 2^24.
func Counter(trajectory, step, iteration uint32, purpose uint8, block uint32) [4]uint32 {
	if block>>24 != 0 {
		panic(badBlock)
	}
	return [4]uint32{trajectory, step, iteration, uint32(purpose)<<24 | block}
}
