package graph

// This file is the layout of a parameter vector.

// ParamInfo is one tensor of the parameter vector.
type ParamInfo struct {
	Name   string // a path: "policy.torso.0.weight"
	Shape  []int  // row-major; a weight is [in, out]; nil is one float
	Group  string // optimiser group: "policy", "log_z"
	Offset int    // in floats; a multiple of 16 (64 bytes)
	Init   Init
}

// Init is an initial value as data: Value + uniform draws in (-Spread, Spread).
type Init struct{ Value, Spread float32 }

// Size is the number of floats.
func (p ParamInfo) Size() int {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	return n
}

// Params is the layout of a parameter vector, shared by every Plan of one Builder. Gaps between tensors hold 0.
type Params []ParamInfo

// Len is the length of the vector in floats, gaps included.
func (ps Params) Len() int {
	if len(ps) == 0 {
		return 0
	}
	last := ps[len(ps)-1]
	return align(last.Offset + last.Size())
}

// Groups are the distinct group names in order of first use.
func (ps Params) Groups() []string {
	var out []string
	seen := map[string]bool{}
	for _, p := range ps {
		if !seen[p.Group] {
			seen[p.Group] = true
			out = append(out, p.Group)
		}
	}
	return out
}

func align(n int) int { return (n + 15) &^ 15 }
