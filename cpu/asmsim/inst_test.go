// This file tests instructions, one by one, against results worked out by hand from Intel's manual (SDM volume 2).

package asmsim_test

import (
	"math"
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu/asmsim"
)

// memory is what a body finds at AX: x at 0, y at 64, and room for a result at 128.
type memory struct{ x, y, out [16]uint32 }

func run(t *testing.T, body string, m *memory) {
	t.Helper()
	p, err := asmsim.Parse("k.s", function(body+"\n\tVZEROUPPER"))
	require.NoError(t, err)
	require.NoError(t, p.Call("f", uintptr(unsafe.Pointer(m))), body)
	runtime.KeepAlive(m)
}

func floats(x ...float64) (v [16]uint32) {
	for i, f := range x {
		v[i] = math.Float32bits(float32(f))
	}
	return v
}

func ints(x ...int32) (v [16]uint32) {
	for i, n := range x {
		v[i] = uint32(n)
	}
	return v
}

// count is 0, 1, ..., 15 and from that number on.
func count(from int32) (v [16]uint32) {
	for i := range v {
		v[i] = uint32(from) + uint32(i)
	}
	return v
}

var (
	nan, inf = math.NaN(), math.Inf(1)
	negZero  = math.Copysign(0, -1)
)

// In every body the first operand in Intel's order is X1 and holds x, the second is X2 and holds y.
func TestLanewise(t *testing.T) {
	tiny := math.Ldexp(1, -75)
	for op, c := range map[string]struct{ x, y, want [16]uint32 }{
		"VADDPS X2, X1, X0":        {floats(1, inf, 3, negZero), floats(2, 1, -3, negZero), floats(3, inf, 0, negZero)},
		"VSUBPS X2, X1, X0":        {floats(1, 5, 0, 7), floats(2, 1, 1, 7), floats(-1, 4, -1, 0)},
		"VMULPS X2, X1, X0":        {floats(3, tiny, -1, 0), floats(2, tiny, 0, -1), floats(6, 0, negZero, negZero)},
		"VDIVPS X2, X1, X0":        {floats(1, 1, 0, -6), floats(2, 0, 5, 3), floats(.5, inf, 0, -2)},
		"VMAXPS X2, X1, X0":        {floats(0, nan, 2, 0), floats(negZero, 1, 1, 5), floats(negZero, 1, 2, 5)},
		"VMINPS X2, X1, X0":        {floats(0, nan, 2, 0), floats(negZero, 1, 1, 5), floats(negZero, 1, 1, 0)},
		"VSQRTPS X1, X0":           {floats(4, 2, 0, negZero), floats(), floats(2, math.Sqrt2, 0, negZero)},
		"VANDNPS X2, X1, X0":       {ints(6, 0, -1, 5), ints(3, 3, 3, 7), ints(1, 3, 0, 2)},
		"VPXOR X2, X1, X0":         {ints(6, 0, -1, 5), ints(3, 3, 3, 7), ints(5, 3, -4, 2)},
		"VPSUBD X2, X1, X0":        {ints(6, 0, -1, 5), ints(3, 3, 3, 7), ints(3, -3, -4, -2)},
		"VPCMPGTD X2, X1, X0":      {ints(6, 0, -1, 5), ints(3, 3, 3, 5), ints(-1, 0, 0, 0)},
		"VPMAXSD X2, X1, X0":       {ints(6, 0, -1, 5), ints(3, 3, -3, 7), ints(6, 3, -1, 7)},
		"VPMINUD X2, X1, X0":       {ints(6, 0, -1, 5), ints(3, 3, -3, 7), ints(3, 0, -3, 5)},
		"VPSLLD $23, X1, X0":       {ints(127, 1, 512, 0), ints(), ints(127<<23, 1<<23, 0, 0)},
		"VPSRAD $1, X1, X0":        {ints(-3, 3, 0, 1), ints(), ints(-2, 1, 0, 0)},
		"VCVTPS2DQ X1, X0":         {floats(2.5, -3.5, nan, 3e9), floats(), ints(2, -4, math.MinInt32, math.MinInt32)},
		"VCVTTPS2DQ X1, X0":        {floats(2.9, -3.9, 0, inf), floats(), ints(2, -3, 0, math.MinInt32)},
		"VCVTDQ2PS X1, X0":         {ints(1, -7, 1<<24+1, 0), ints(), floats(1, -7, 1<<24, 0)},
		"VROUNDPS $0x09, X1, X0":   {floats(2.5, -2.5, 0, 7), floats(), floats(2, -3, 0, 7)},
		"VRNDSCALEPS $8, X1, X0":   {floats(2.5, -1.5, 0, 7.6), floats(), floats(2, -2, 0, 8)},
		"VCMPPS $0x11, X2, X1, X0": {floats(1, 2, nan, negZero), floats(2, 1, 1, 0), ints(-1, 0, 0, 0)},
		"VCMPPS $0x05, X2, X1, X0": {floats(1, 2, nan, negZero), floats(2, 1, 1, 0), ints(0, -1, -1, -1)},
		"VCMPPS $0x0e, X2, X1, X0": {floats(1, 2, nan, 3), floats(2, 1, 1, 3), ints(0, -1, 0, 0)},
		"VADDSS X2, X1, X0":        {floats(1, 2, 3, 4), floats(10, 20, 30, 40), floats(11, 2, 3, 4)},
	} {
		m := &memory{x: c.x, y: c.y}
		run(t, "VMOVUPS (AX), X1\nVMOVUPS 64(AX), X2\n"+op+"\nVMOVUPS X0, 128(AX)", m)
		require.Equal(t, c.want, m.out, op)
	}
}

// The fused multiply-adds, with a = 3 in X0 (the destination), b = 5 in X1 (second) and c = 7 in X2 (third operand).
func TestMultiplyAdds(t *testing.T) {
	for op, want := range map[string]float64{
		"VFMADD132": 3*7 + 5, "VFMADD213": 5*3 + 7, "VFMADD231": 5*7 + 3,
		"VFMSUB132": 3*7 - 5, "VFMSUB213": 5*3 - 7, "VFMSUB231": 5*7 - 3,
		"VFNMADD132": -3*7 + 5, "VFNMADD213": -5*3 + 7, "VFNMADD231": -5*7 + 3,
		"VFNMSUB132": -3*7 - 5, "VFNMSUB213": -5*3 - 7, "VFNMSUB231": -5*7 - 3,
	} {
		m := &memory{x: floats(3, 5, 7)}
		load := "VBROADCASTSS (AX), X0\nVBROADCASTSS 4(AX), X1\nVBROADCASTSS 8(AX), X2\n"
		run(t, load+op+"PS X2, X1, X0\nVMOVUPS X0, 128(AX)", m)
		require.Equal(t, floats(want, want, want, want), m.out, op)
		run(t, load+op+"SS 8(AX), X1, X0\nVMOVUPS X0, 128(AX)", m)
		require.Equal(t, floats(want, 3, 3, 3), m.out, op)
	}
	// One rounding: (1+2^-12)^2 - (1+2^-11) = 2^-24.
	m := &memory{x: floats(1 + math.Ldexp(1, -12)), y: floats(-1 - math.Ldexp(1, -11))}
	run(t, "VMOVUPS (AX), Z1\nVMOVUPS 64(AX), Z0\nVFMADD231PS.BCST (AX), Z1, Z0\nVMOVUPS Z0, 128(AX)", m)
	require.Equal(t, floats(math.Ldexp(1, -24))[0], m.out[0])
}

// Z1 holds 0..15 and Z2 holds 100..115.
func TestShuffles(t *testing.T) {
	for op, want := range map[string][]int32{
		"VUNPCKLPS Z2, Z1, Z0":         {0, 100, 1, 101, 4, 104, 5, 105, 8, 108, 9, 109, 12, 112, 13, 113},
		"VUNPCKHPS Y2, Y1, Y0":         {2, 102, 3, 103, 6, 106, 7, 107},
		"VUNPCKLPD X2, X1, X0":         {0, 1, 100, 101},
		"VUNPCKHPD X2, X1, X0":         {2, 3, 102, 103},
		"VSHUFPS $0x1b, X2, X1, X0":    {3, 2, 101, 100},
		"VPERMILPS $0x4e, Y1, Y0":      {2, 3, 0, 1, 6, 7, 4, 5},
		"VMOVSHDUP X1, X0":             {1, 1, 3, 3},
		"VPERM2F128 $0x20, Y2, Y1, Y0": {0, 1, 2, 3, 100, 101, 102, 103},
		"VPERM2F128 $0x31, Y2, Y1, Y0": {4, 5, 6, 7, 104, 105, 106, 107},
		"VPERM2F128 $0x83, Y2, Y1, Y0": {104, 105, 106, 107},
		"VSHUFF32X4 $0x88, Z2, Z1, Z0": {0, 1, 2, 3, 8, 9, 10, 11, 100, 101, 102, 103, 108, 109, 110, 111},
		"VSHUFF32X4 $0xdd, Z2, Z1, Z0": {4, 5, 6, 7, 12, 13, 14, 15, 104, 105, 106, 107, 112, 113, 114, 115},
		"VSHUFF64X2 $0x4e, Z1, Z1, Z0": {8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7},
		"VEXTRACTF128 $1, Y1, X0":      {4, 5, 6, 7},
		"VEXTRACTF32X4 $3, Z1, X0":     {12, 13, 14, 15},
		"VEXTRACTF64X4 $1, Z1, Y0":     {8, 9, 10, 11, 12, 13, 14, 15},
		"VINSERTF128 $1, X2, Y1, Y0":   {0, 1, 2, 3, 100, 101, 102, 103},
		"VBLENDPS $0x05, X2, X1, X0":   {100, 1, 102, 3},
		"VBLENDMPS X2, X1, K1, X0":     {0, 101, 2, 103},
		"VBROADCASTSS X2, Y0":          {100, 100, 100, 100, 100, 100, 100, 100},
		"VMOVUPS.Z Z1, K1, Z0":         {0, 1, 0, 3, 0, 5, 0, 7, 0, 9, 0, 11, 0, 13, 0, 15},
		"VPERMD Y2, Y1, Y0":            {100, 101, 102, 103, 104, 105, 106, 107},
	} {
		m := &memory{x: count(0), y: count(100)}
		run(t, "MOVQ $0xaaaa, CX\nKMOVW CX, K1\nVMOVUPS (AX), Z1\nVMOVUPS 64(AX), Z2\n"+op+"\nVMOVUPS Z0, 128(AX)", m)
		require.Equal(t, ints(want...), m.out, op)
	}
	m := &memory{x: count(0), y: count(100), out: count(50)}
	run(t, "MOVQ $3, CX\nKMOVW CX, K1\nVMOVUPS (AX), Z1\nVMOVUPS 64(AX), Z0\nVMOVUPS Z1, K1, Z0\nVMOVUPS Z0, 128(AX)", m)
	require.Equal(t, ints(0, 1, 102, 103), ints(int32(m.out[0]), int32(m.out[1]), int32(m.out[2]), int32(m.out[3])))
}

// The result of every body is in CX.
func TestMasksAndIntegers(t *testing.T) {
	minus := int64(-3)
	for body, want := range map[string]uint64{
		"VMOVUPS (AX), Z1\nVPMOVD2M Z1, K1\nKMOVW K1, CX":                                           0b100,
		"VMOVUPS (AX), Z1\nVMOVUPS 64(AX), Z2\nVCMPPS $0x11, Z2, Z1, K1\nKMOVW K1, CX":              0b101,
		"MOVQ $4, DX\nKMOVW DX, K2\nVMOVUPS 64(AX), Z1\nVCMPPS $12, (AX), Z1, K2, K1\nKMOVW K1, CX": 0b100,
		"VMOVUPS (AX), Z1\nVPTESTMD Z1, Z1, K1\nKMOVW K1, CX":                                       0b111,
		"VMOVUPS (AX), Y1\nVMOVMSKPS Y1, CX":                                                        0b100,
		"MOVQ $0x35, DX\nKMOVW DX, K1\nKSHIFTRW $2, K1, K2\nKMOVW K2, CX":                           0xd,
		"MOVQ $6, DX\nKMOVW DX, K1\nMOVQ $3, DX\nKMOVW DX, K2\nKANDNW K1, K2, K3\nKMOVW K3, CX":     4,
		"KXNORW K1, K1, K1\nKMOVQ K1, CX":                                                           0xffff,
		"MOVQ $-3, CX\nSARQ $1, CX":                                                                 ^uint64(1),
		"MOVQ $-3, CX\nSHRL $1, CX":                                                                 0x7ffffffe,
		"MOVQ $-1, DX\nMOVL DX, CX\nADDL $2, CX":                                                    1,
		"MOVQ $-3, DX\nIMUL3Q $0x20, DX, CX":                                                        0xffffffffffffffa0,
		"MOVQ $-1, DX\nMOVQ $5, BX\nBZHIQ BX, DX, CX":                                               31,
		"MOVQ $3, DX\nMOVQ $10, BX\nLEAQ 7(BX)(DX*4), CX":                                           29,
		"MOVLQSX 8(AX), CX":                                                                         0xffffffffc0000000,
		"MOVQ $10, DX\nXORQ CX, CX\nagain:\nADDQ DX, CX\nDECQ DX\nJNZ again":                        55,
		"MOVQ $-3, DX\nXORQ CX, CX\nCMPQ DX, $2\nJLT yes\nJMP no\nyes:\nINCQ CX\nno:":               1,
		"MOVQ $-3, DX\nXORQ CX, CX\nCMPQ DX, $2\nJCS yes\nJMP no\nyes:\nINCQ CX\nno:":               0,
		"MOVQ $2, DX\nXORQ CX, CX\nCMPQ DX, $2\nJGE yes\nJMP no\nyes:\nINCQ CX\nno:":                1,
		"XORQ CX, CX\nTESTQ $4, CX\nJZ yes\nJMP no\nyes:\nSUBQ $3, CX\nno:":                         uint64(minus),
		"VMOVUPS (AX), X1\nVMOVD X1, CX":                                                            0x3f800000,
	} {
		m := &memory{x: floats(1, 2, -2), y: floats(2, 2, 0)} // the bits of -2 are 0xc0000000
		run(t, body+"\nMOVQ CX, 128(AX)", m)
		require.Equal(t, want, uint64(m.out[0])|uint64(m.out[1])<<32, body)
	}
}

// A vector instruction clears its register beyond the vector, and VZEROUPPER keeps the low quarter.
func TestUpperLanesAreCleared(t *testing.T) {
	m := &memory{x: count(1), y: count(1)}
	run(t, "VMOVUPS (AX), Z0\nVMOVUPS 64(AX), X0\nVMOVUPS Z0, 128(AX)", m)
	require.Equal(t, ints(1, 2, 3, 4), m.out)
	run(t, "VMOVUPS (AX), Z0\nVZEROUPPER\nVMOVUPS Z0, 128(AX)", m)
	require.Equal(t, ints(1, 2, 3, 4), m.out)
}
