// Package world is where a GFlowNet moves: states, the moves between them, and the moves that take them back.
//
// A state is Spec.Ints small integers. A world answers, for a batch of states, which actions are allowed, what a step
// does, and which undo actions lead to parents; it says nothing about reward (package reward) and keeps no mutable
// state, so its methods may run concurrently on disjoint batches. There are three ways to get one: write the batch
// methods (World), lift five per-state methods (Each), or describe the moves as data (FromMoves, Hypergrid), which
// every device steps by itself.
//
// Enumerate lists the states of a small world in topological order, with their children, for exact evaluation. The
// laws a world has to keep are in package worldtest.
//
// The package is not a catalogue of environments and not a rollout: the loop, the policy and exploration are gfn's.
//
//	w := world.Hypergrid(2, 8)
//	space, err := world.Enumerate(w, 0)
//	fmt.Println(space.N, world.Text(w, space.State(63)), err) // 64 (7,7) <nil>
//
// It is imported by reward, metric, gfn and everything above.
package world
