// Package sluice is the front page of the module and holds no code.
//
// Sluice trains and runs generative flow networks (GFlowNets): samplers that build an object x step by step and end in x with
// probability proportional to a reward R(x). Start at package gfn, whose Example trains a world of one's own; the command is
// cmd/sluice.
//
// The folders, in the order data flows: cmd/sluice (the command), run (a run as people use it), gfn/world and gfn/reward (what is built
// and how good it is), nn and gfn/balance (networks and losses as formulas on package graph's symbols), graph (Gorgonia's expression
// graph, its symbolic gradient, lowered to a Plan), cpu and cuda (the devices that run Plans, to the same bits), gfn (rollout, training,
// policies), gfn/metric (how far a policy is from its target). Under everything lie f32 (the defined arithmetic) and rng (draws as
// values); beside it bench (the workloads Sluice is measured on), testdata
// (committed hashes) and docs.
//
// Nothing imports this package; its tests keep the import table, the size of files, and what this page and README.md show.
package sluice
