package kernel_test

import "flag"

// This file is the longer command: every size with every other, where the tests vary one at a time.
//
//	go test ./cuda/kernel -run 'TestLinear|TestLogProb|TestSample' -cross -timeout 60m

var cross = flag.Bool("cross", false, "products and softmaxes at every size with every other: minutes")

// someProducts is the sizes of dense layers to test.
func someProducts() []product {
	if !*cross {
		return products
	}
	var all []product
	for _, rows := range []int{1, 31, 32, 33, 255, 1000} {
		for _, k := range []int{1, 4, 7, 32, 33} {
			for _, n := range []int{1, 4, 5, 9, 16, 17, 64, 68, 132} {
				all = append(all, product{rows, k, n})
			}
		}
	}
	return all
}

// someSizes is the sizes of softmaxes to test.
func someSizes() []size {
	if !*cross {
		return sizes
	}
	var all []size
	for _, rows := range []int{1, 31, 32, 33, 255, 1000} {
		for _, n := range []int{1, 2, 5, 8, 9, 31, 32, 33, 64, 65, 1000, 4096} {
			all = append(all, size{rows, n})
		}
	}
	return all
}
