// This file is the one error of the package.

package ptx

import "fmt"

// Error is what is wrong with a text, and where.
type Error struct {
	Line        int    // counted from 1
	Instruction string // as written, or "" outside an instruction
	Reason      string
}

func (e *Error) Error() string {
	if e.Instruction == "" {
		return fmt.Sprintf("ptx: line %d: %s", e.Line, e.Reason)
	}
	return fmt.Sprintf("ptx: line %d: %s: %s", e.Line, e.Instruction, e.Reason)
}
