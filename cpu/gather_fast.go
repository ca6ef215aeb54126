package cpu

import "github.com/sluice-ml/sluice/f32"

// This file drives the kernels of gather and gatherGrad.

const badFeature = "cpu: a state's feature is not below the number of features"

// checkFeatures panics where a kernel would leave the weights, as the plain loop does by itself.
func checkFeatures(feats []int32, k int) {
	for _, f := range feats {
		if uint32(f) >= uint32(k) {
			panic(badFeature)
		}
	}
}

// gatherRows is how many rows one call takes, so that it stays under some tens of microseconds: assembly is not preempted.
func gatherRows(active int) int { return max(1, 8192/active) }

// gatherFast is gather on m rows, without activations but ReLU.
func gatherFast[T f32.Float](k *rowKernels, out []T, ld int, weight, bias []T, feats []int32, m int, relu bool) {
	n, active, flag := len(bias), len(feats)/m, 0
	if relu {
		flag = 1
	}
	j := 0
	for ; j+wideColumns <= n; j += wideColumns {
		k.gather(first(out[j:]), 4*ld, first(weight[j:]), 4*n, first(bias[j:]), &feats[0], active, m, nil, flag)
	}
	for ; j < n; j += k.lanes {
		k.gatherOne(first(out[j:]), 4*ld, first(weight[j:]), 4*n, first(bias[j:]), &feats[0], active, m, firstLanes(min(k.lanes, n-j)), flag)
	}
}

// scatterFast is gatherGrad on m rows.
func scatterFast[T f32.Float](k *rowKernels, dw, db, d []T, ld int, feats []int32, m int) {
	n, active := len(db), len(feats)/m
	j := 0
	for ; j+wideColumns <= n; j += wideColumns {
		k.scatter(first(dw[j:]), 4*n, first(db[j:]), first(d[j:]), 4*ld, &feats[0], active, m, nil)
	}
	for ; j < n; j += k.lanes {
		k.scatterOne(first(dw[j:]), 4*n, first(db[j:]), first(d[j:]), 4*ld, &feats[0], active, m, firstLanes(min(k.lanes, n-j)))
	}
}
