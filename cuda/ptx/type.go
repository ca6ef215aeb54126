// This file is the types of registers, variables and operations.

package ptx

// Type is a PTX type: a kind and a width.
type Type uint8

// The types. None is the zero value, of an instruction that has no type.
const (
	None Type = iota
	Pred
	B8
	B16
	B32
	B64
	U8
	U16
	U32
	U64
	S8
	S16
	S32
	S64
	F32
	F64
)

var typeNames = [...]string{"", "pred", "b8", "b16", "b32", "b64", "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "f32", "f64"}

var typeBytes = [...]int{0, 0, 1, 2, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8}

// String is the name as PTX writes it, without the dot.
func (t Type) String() string { return typeNames[t] }

// Bytes is the width in memory; 0 for None and Pred, which are never there.
func (t Type) Bytes() int { return typeBytes[t] }

// Bits is the width in a register: 8 × Bytes.
func (t Type) Bits() int { return 8 * typeBytes[t] }

// Signed says whether values are integers with a sign.
func (t Type) Signed() bool { return t >= S8 && t <= S64 }

// Float says whether values are floating point numbers.
func (t Type) Float() bool { return t >= F32 }

func typeByName(name string) Type {
	for t, n := range typeNames {
		if n == name {
			return Type(t)
		}
	}
	return None
}
