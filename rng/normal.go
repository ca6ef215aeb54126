// This file is the normal distribution.

package rng

import (
	"math"

	"github.com/sluice-ml/sluice/f32"
)

const twoPi = 6.28318530717958647692

// Normal fills dst with elements at, at+1, ... of the key's standard normal numbers, by Box and Muller's transform
// (Ann. Math. Statist. 29 (1958), 610). With u_j = [Uniform] of word j of k.Block({low word of e/4, high word of e/4,
// 0, 253<<24}), element e is
//
//	e mod 4 = 0: r(u_0) cos(2π u_1)      1: r(u_0) sin(2π u_1)
//	          2: r(u_2) cos(2π u_3)      3: r(u_2) sin(2π u_3)      r(u) = sqrt(-2 log u)
//
// with float32's log, cos, sin and IEEE square root: the same bits everywhere. It depends on k and e alone. No number
// is beyond ±5.77, since u is at least 2^-24; that leaves out 8e-9 of the distribution.
func (k Key) Normal(dst []float32, at uint64) {
	for len(dst) > 0 {
		z := normals(k.element(at, purposeNormal))
		n := copy(dst, z[at%4:])
		dst = dst[n:]
		at += uint64(n)
	}
}

func normals(b [4]uint32) (z [4]float32) {
	z[0], z[1] = boxMuller(Uniform(b[0]), Uniform(b[1]))
	z[2], z[3] = boxMuller(Uniform(b[2]), Uniform(b[3]))
	return z
}

func boxMuller(u, v float32) (x, y float32) {
	// The square root of a float32 is correctly rounded by way of float64, which has more than twice the digits.
	r := float32(math.Sqrt(float64(-2 * f32.Log(u))))
	angle := twoPi * v
	return r * f32.Cos(angle), r * f32.Sin(angle)
}
