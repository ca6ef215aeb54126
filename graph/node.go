package graph

import (
	"fmt"
	"strings"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// This file is the symbol a formula is written with, and the typed spaces it lives in.

// Extents that stand for "any number" in the graph's shapes. They are primes no layer has, so that Gorgonia's own shape
// checks tell rows from trajectories; instructions never see them.
const (
	rowExtent  = 1000003
	trajExtent = 1000033
)

// Node is a symbol of one Builder: Cols floats for each member of its Space. The zero Node is invalid; a Builder that had an error
// returns nothing else.
type Node struct {
	n     *gorgonia.Node
	space Space
	cols  int
}

// Valid says that the node is a symbol.
func (n Node) Valid() bool { return n.n != nil }

// Space is what the symbol has one of.
func (n Node) Space() Space { return n.space }

// Cols is the symbol's floats for each row, trajectory or batch; for a parameter, its size.
func (n Node) Cols() int { return n.cols }

func (n Node) String() string {
	if !n.Valid() {
		return "invalid"
	}
	s := n.n.Shape()
	if s.IsScalar() {
		if n.space == PerParam {
			return "param scalar"
		}
		return "scalar"
	}
	dims := make([]string, len(s))
	for i, d := range s {
		dims[i] = fmt.Sprint(d)
	}
	switch n.space {
	case PerRow:
		dims[0] = "rows"
	case PerTraj:
		dims[0] = "trajs"
	}
	list := "[" + strings.Join(dims, ", ") + "]"
	if n.space == PerParam {
		return "param " + list
	}
	return list
}

// matrix says that the node is [rows, N], not [rows].
func (n Node) matrix() bool { return n.Valid() && n.space == PerRow && len(n.n.Shape()) == 2 }

// vector says that the node is [rows].
func (n Node) vector() bool { return n.Valid() && n.space == PerRow && len(n.n.Shape()) == 1 }

// spaceOf reads space and columns off a shape that is no parameter's.
func spaceOf(s tensor.Shape) (Space, int) {
	cols := 1
	if len(s) == 2 {
		cols = s[1]
	}
	switch {
	case s.IsScalar():
		return PerBatch, 1
	case s[0] == rowExtent:
		return PerRow, cols
	case s[0] == trajExtent:
		return PerTraj, cols
	}
	return PerParam, s.TotalSize()
}

func rows(cols int) tensor.Shape { return tensor.Shape{rowExtent, cols} }

func rowVector() tensor.Shape { return tensor.Shape{rowExtent} }

func trajVector() tensor.Shape { return tensor.Shape{trajExtent} }
