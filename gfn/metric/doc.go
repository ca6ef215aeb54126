// Package metric says how far a policy is from its target, exactly where the states can be listed and with the error of sampling
// beside the number where they cannot. Everything here is float64.
//
// [Terminal] pushes probability through an enumerated world and yields the law of the object a policy ends in; [Judge] compares
// it with R/Z. Both need every state once and no samples, so they see what a policy has never visited; a loss does not.
//
//	logP, err := metric.Terminal(space, logits) // logits(states, dst) asks the policy
//	exact, err := metric.Judge(space, logP, logR, logZ)
//	fmt.Println(exact.TV, exact.KLNats, exact.LogZError)
//
// Where states cannot be listed there are [ELBO] and [EUBO], which bracket log Z, and [SampledTV] with [NoiseFloor], the value a
// perfect sampler would show. What each can and cannot tell is at its declaration.
//
// The package draws no trajectories and runs no networks: it is handed numbers. Package gfn imports it for Policy.Exact and the
// sampled metrics, package run through gfn.
package metric
