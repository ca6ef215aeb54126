// Package rng is randomness as a value: counter-based draws that are the same on every machine and in every order.
//
// A draw is a function of a [Key] and of a counter that says what the draw is for, computed by Philox4x32-10; there
// is no hidden state, nothing to lock and nothing to save. The action that trajectory 7 takes at step 3 of iteration
// 100 is
//
//	w := rng.NewKey(seed).Block(rng.Counter(7, 3, 100, rng.Sample, 0))
//	a := rng.Categorical(w[0], w[1], epsilon, logits, mask)
//
// whoever asks for it: one worker or many, a CPU or a GPU. [Key.Uniform] and [Key.Normal] give sequences whose
// elements can be drawn one by one, and [Key.Fold] derives independent keys.
//
// It is not a cryptographic generator, and no source for math/rand: a generator that is asked for "the next number"
// is what this package replaces. It imports package f32 alone; graph, cpu, nn and gfn import it.
//
// Every number this package returns is part of recorded runs. The golden tests say so: their values must not change.
package rng
