// Package sluice is the front page of the module and holds no code.
//
// Sluice trains and runs generative flow networks (GFlowNets): samplers that build an object x step by step and end in x with
// probability proportional to a reward R(x). Start at package gfn, whose Example trains a world of one's own; the command is
// cmd/sluice.
//
// The folders, in the order data flows: run (a run as people use it), gfn/world and gfn/reward (what is built and how good it is),
// nn and gfn/balance (networks and losses as formulas on package graph's symbols), graph (Gorgonia's expression graph, its symbolic
// gradient, lowered to a Plan), cpu (the device that runs Plans), gfn (rollout, training, policies), gfn/metric (how far a policy is
// from its target). Nothing imports this package; its tests keep the import table and the size of files.
package sluice
