// Package metric says how far a policy is from its target: exactly where the states can be listed, else as far as samples tell, with
// their standard error beside the number. Everything here is float64.
//
// [Terminal] pushes probability through an enumerated world and yields the law of the object a policy ends in; [Judge] compares
// it with R/Z. Both need every state once and no samples, so they see what a policy has never visited; a loss does not.
//
//	logP, err := metric.Terminal(space, logits) // logits(states, dst) asks the policy
//	exact, err := metric.Judge(space, logP, logR, logZ)
//	fmt.Println(exact.TV, exact.KLNats, exact.LogZError)
//
// [ELBO] and [EUBO] are means over trajectories that bracket log Z. Only ELBO remains where states cannot be listed: EUBO starts from
// exact draws of the target ([Draw]). What each can and cannot tell is at its declaration. Counting draws against R/Z is left out
// on purpose: it needs the same list of states as Judge, and shows a perfect sampler at .06 on 256 states and 10,000 draws.
//
// The package draws no trajectories and runs no networks: it is handed numbers. Package gfn imports it for Policy.Exact and the
// sampled metrics, package run through gfn.
package metric
