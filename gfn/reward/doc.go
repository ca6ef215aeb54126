// Package reward says how good a finished object is. Rewards are separate from worlds: a world is cheap and asked at
// every step, a reward may be dear and is asked for a whole batch at a time.
//
// A Reward returns log R, natural logarithm, of terminal states; R = 0 is -Inf. Each lifts a plain function, Hypergrid
// and Table are rewards with a known log Z, and Check finds NaN, +Inf and wrong counts and names the state.
//
//	logR, err := reward.HypergridEasy(8).LogReward(nil, []int32{1, 1}, 2) // one cell of an 8x8 grid
//
// Hypergrid and Table are data, too (see Data): a device then computes log R where the objects are, and LogReward is asked only where all
// states are judged at once.
//
// The package does not scale, clip or temper: what it returns is what the trained model is proportional to. It is
// imported by gfn and everything above.
package reward
