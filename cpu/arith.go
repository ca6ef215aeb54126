package cpu

import (
	"math"

	"github.com/sluice-ml/sluice/f32"
)

// This file picks the arithmetic of an instance: f32's polynomials for float32, package math for float64 (the reference device,
// which is compared within tolerances and never hashed).

func fma[T f32.Float](x, y, z T) T {
	switch x := any(x).(type) {
	case float32:
		return T(f32.FMA(x, float32(y), float32(z)))
	case float64:
		return T(math.FMA(x, float64(y), float64(z)))
	}
	return 0
}

func exp[T f32.Float](x T) T {
	switch x := any(x).(type) {
	case float32:
		return T(f32.Exp(x))
	case float64:
		return T(math.Exp(x))
	}
	return 0
}

func log[T f32.Float](x T) T {
	switch x := any(x).(type) {
	case float32:
		return T(f32.Log(x))
	case float64:
		return T(math.Log(x))
	}
	return 0
}

func tanh[T f32.Float](x T) T {
	switch x := any(x).(type) {
	case float32:
		return T(f32.Tanh(x))
	case float64:
		return T(math.Tanh(x))
	}
	return 0
}

// sqrt is exact in both instances: a float64 square root of a float32 rounds once more to the same float32.
func sqrt[T f32.Float](x T) T { return T(math.Sqrt(float64(x))) }
