// This file is the constraint of the generic definitions.

package f32

// Float is the element type of a definition that is written once: float32 is what every device must repeat bit for
// bit, float64 serves as the reference for tolerances and finite differences.
type Float interface{ float32 | float64 }
