// This file is the pairwise tree: sums over trajectories, lanes and blocks of parameters.

package f32

// Tree returns the sum of x by a tree of pairs, and destroys x. Each round is
//
//	for i < n/2: x[i] = x[2i] + x[2i+1];  an odd last element moves up unchanged
//
// until one element is left. The tree depends on len(x) alone, so whoever adds the parts, in whatever order they
// come in, gets the same bits; the error is at most ceil(log2 n) eps Σ|x|. An empty sum is +0, that of one element
// the element.
func Tree[T Float](x []T) T {
	if len(x) == 0 {
		return 0
	}
	for n := len(x); n > 1; n = (n + 1) / 2 {
		for i := range n / 2 {
			x[i] = x[2*i] + x[2*i+1]
		}
		if n%2 != 0 {
			x[n/2] = x[n-1]
		}
	}
	return x[0]
}
