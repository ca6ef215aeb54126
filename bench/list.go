package bench

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// This file is the list of workloads, the one list that the command and the Go benchmarks measure.

// Sizes choose among the workloads; nil is the list's own. A workload is measured for every combination.
type Sizes struct {
	Rows     []int    // of the loss path; rounded to whole trajectories of LongestRows
	Embeds   []int    // of the loss path; the list's own is none, and Features once
	Batches  []int    // of iterations and rollouts
	Policies []Policy // of iterations and rollouts
	Widths   []int
	Workers  []int // the list's own is one a processor; the loss path of width 256 is measured on one worker too
	Products []Product
}

// What the list itself asks for.
var (
	lossRows   = []int{256, 1232, 8192, 65536}
	lossWidths = []int{128, 256, 512}
	batches    = []int{16, 256, 4096}
)

// products are the shapes of a step of 1,232 rows (forward, to the row below, to the weights), of one step of a rollout, and of
// larger nets.
var products = []Product{
	{M: 16, K: 256, N: 256}, {TB: true, M: 16, K: 256, N: 256},
	{M: 1232, K: 80, N: 256}, {M: 1232, K: 256, N: 256}, {TB: true, M: 1232, K: 256, N: 256}, {M: 1232, K: 256, N: 5},
	{TA: true, M: 256, K: 1232, N: 256}, {TA: true, M: 80, K: 1232, N: 256},
	{M: 4096, K: 256, N: 256}, {TB: true, M: 4096, K: 256, N: 256}, {M: 8192, K: 512, N: 512},
}

// ParseProduct reads what Product.String writes: nn, nt or tn, a slash, and m x k x n, as in tn/256x1232x256.
func ParseProduct(text string) (Product, error) {
	var p Product
	op, shape, _ := strings.Cut(text, "/")
	if _, err := fmt.Sscanf(shape, "%dx%dx%d", &p.M, &p.K, &p.N); err == nil {
		p.TA, p.TB = op == "tn", op == "nt"
	}
	if p.String() != text || min(p.M, p.K, p.N) < 1 || max(p.M, p.K, p.N) > 1<<16 {
		return Product{}, fmt.Errorf("bench: product: want nn, nt or tn and sizes of 1..%d, as in tn/256x1232x256, is %q", 1<<16, text)
	}
	return p, nil
}

// Trajectories is how many given trajectories come nearest to a number of rows.
func Trajectories(rows int) int {
	return max(1, int(math.Round(float64(rows)/LongestRows)))
}

// List is the workloads of a kind; cores is the number of processors. An error names the size that cannot be had.
func List(kind Kind, s Sizes, cores int) ([]Workload, error) {
	for _, f := range []struct {
		name string
		list []int
	}{{"rows", s.Rows}, {"embed", s.Embeds}, {"batch", s.Batches}, {"width", s.Widths}, {"workers", s.Workers}} {
		for _, n := range f.list {
			if n < 1 || n > 1<<24 {
				return nil, fmt.Errorf("bench: %s: must be 1..%d, is %d", f.name, 1<<24, n)
			}
		}
	}
	for _, p := range s.Policies {
		if !slices.Contains(Policies, p) {
			return nil, fmt.Errorf("bench: policy: must be fresh, early or converged, is %q", string(p))
		}
	}
	switch kind {
	case Loss:
		return lossPath(s, cores), nil
	case Iteration, Rollout:
		return drawn(kind, s, cores)
	case GEMM:
		var list []Workload
		for _, p := range or(s.Products, products) {
			list = append(list, Workload{Kind: GEMM, Workers: 1, Product: p})
		}
		return list, nil
	}
	return nil, fmt.Errorf("bench: no workload is called %q; there are loss, iteration, rollout and gemm", string(kind))
}

func lossPath(s Sizes, cores int) []Workload {
	var list []Workload
	for _, width := range or(s.Widths, lossWidths) {
		own := []int{cores}
		if width == PolicyWidth && cores > 1 {
			own = []int{1, cores}
		}
		for _, workers := range or(s.Workers, own) {
			for _, embed := range or(s.Embeds, []int{0}) {
				for _, rows := range or(s.Rows, lossRows) {
					w := Workload{Kind: Loss, Batch: Trajectories(rows), Embed: embed, Width: width, Workers: workers}
					if !slices.Contains(list, w) { // two numbers of rows that round to the same
						list = append(list, w)
					}
				}
			}
		}
	}
	if s.Rows == nil && s.Widths == nil && s.Embeds == nil { // the same rows as a dense input, which JAX and PyTorch are usually given
		for _, workers := range or(s.Workers, slices.Compact([]int{1, cores})) {
			list = append(list, denseLoss(workers))
		}
	}
	return list
}

// Features is the width of a dense layer of as many inputs as states have one-hot features.
const Features = Dim * Side

// denseLoss is the loss path at 1,232 rows whose states come to the two hidden layers as dense rows of Features floats: what a policy
// with an embedding, or one on states that are no one-hot vectors, costs.
func denseLoss(workers int) Workload {
	return Workload{Kind: Loss, Batch: Trajectories(1232), Embed: Features, Width: PolicyWidth, Workers: workers}
}

func drawn(kind Kind, s Sizes, cores int) ([]Workload, error) {
	var list []Workload
	for _, policy := range or(s.Policies, Policies) {
		for _, width := range or(s.Widths, []int{PolicyWidth}) {
			if policy != Fresh && width != PolicyWidth {
				if s.Policies == nil {
					continue // of other widths there is the fresh one
				}
				return nil, fmt.Errorf("bench: the %s policy is of width %d, not %d", policy, PolicyWidth, width)
			}
			for _, workers := range or(s.Workers, []int{cores}) {
				for _, batch := range or(s.Batches, batches) {
					list = append(list, Workload{Kind: kind, Policy: policy, Batch: batch, Width: width, Workers: workers})
				}
			}
		}
	}
	return list, nil
}

// or is list, or the default where it is nil.
func or[T any](list, standard []T) []T {
	if list == nil {
		return standard
	}
	return list
}
