package world

import (
	"fmt"
	"math"

	"github.com/sluice-ml/sluice/graph"
)

// This file is worlds that are data.

// FromMoves is the world that m describes. It is a Mover, an Enumerator and a Texter; what is wrong with m is kept
// until Err asks.
func FromMoves(m graph.Moves) World {
	w := moves{m: m, bad: m.Validate()}
	if w.bad == nil {
		w.spec = Spec{Ints: m.Registers, Values: m.Values, Forward: m.Forward(), Backward: m.Backward(),
			Stop: m.Stop == graph.StopAnywhere, Steps: m.Steps()}
	}
	return w
}

// Hypergrid is the grid of side^dim cells: a move adds 1 to one coordinate, every cell may stop, and no border ends an
// episode. Bengio et al., arXiv:2106.04399, whose code (GFNOrg/gflownet) differs: there reaching the border ends it.
func Hypergrid(dim, side int) World {
	w := FromMoves(graph.Moves{Kind: graph.Increment, Registers: dim, Values: side, Stop: graph.StopAnywhere}).(moves)
	if w.bad != nil {
		w.bad = fmt.Errorf("world: hypergrid of %d dimensions and side %d: %w", dim, side, w.bad)
	}
	return w
}

type moves struct {
	m    graph.Moves
	spec Spec
	bad  error
}

func (w moves) err() error { return w.bad }

func (w moves) Spec() Spec { return w.spec }

func (w moves) Moves() graph.Moves { return w.m }

func (w moves) AllTerminal() bool { return w.spec.Stop }

func (w moves) Reset(s []int32) { clear(s) }

func (w moves) Forward(m Masks, s []int32) {
	n := w.m.Registers
	for i := range len(s) / n {
		w.m.MaskForward(m.Bits[i*m.Words:(i+1)*m.Words], s[i*n:(i+1)*n])
	}
}

func (w moves) Backward(m Masks, s []int32) {
	n := w.m.Registers
	for i := range len(s) / n {
		w.m.MaskBackward(m.Bits[i*m.Words:(i+1)*m.Words], s[i*n:(i+1)*n])
	}
}

func (w moves) Step(undo []int32, s []int32, a []int32) {
	n := w.m.Registers
	for i, move := range a {
		undo[i] = int32(w.m.Step(s[i*n:(i+1)*n], int(move)))
	}
}

func (w moves) Undo(act []int32, s []int32, b []int32) {
	n := w.m.Registers
	for i, undo := range b {
		act[i] = int32(w.m.Undo(s[i*n:(i+1)*n], int(undo)))
	}
}

func (w moves) Terminal(dst []bool, s []int32) {
	n := w.m.Registers
	for i := range dst {
		dst[i] = w.m.Terminal(s[i*n : (i+1)*n])
	}
}

// Text is the coordinates, "(3,0,7)", or for Append the letters so far, "[2 1 3]".
func (w moves) Text(s []int32) string {
	if w.m.Kind == graph.Increment {
		return registers(s)
	}
	return fmt.Sprint(s[:w.m.Filled(s)])
}

// States counts Values^Registers cells, or for Append the words of length 0..Registers over Values-1 letters.
func (w moves) States() (int, error) {
	if w.bad != nil {
		return 0, w.bad
	}
	n := math.Pow(float64(w.m.Values), float64(w.m.Registers))
	if w.m.Kind == graph.Append {
		n = 0
		for range w.m.Registers + 1 {
			n = n*float64(w.m.Values-1) + 1
		}
	}
	// Floats are exact below 2^53, so whatever passes this test is the true count.
	if n > math.MaxInt32 {
		return 0, &TooLargeError{States: n, Limit: math.MaxInt32}
	}
	return int(n), nil
}

// Index is, for Increment, the registers read as digits, the first one leading; for Append, words in order of length
// and then of their letters: a word's number is letters times the number of the word without its last letter, plus
// that letter.
func (w moves) Index(s []int32) int {
	i := 0
	if w.m.Kind == graph.Increment {
		for _, v := range s {
			i = i*w.m.Values + int(v)
		}
		return i
	}
	end := w.m.Filled(s)
	for _, v := range s[:end] {
		i = i*(w.m.Values-1) + int(v)
	}
	for _, v := range s[end:] {
		if v != 0 {
			return -1 // a letter after a gap
		}
	}
	return i
}

func (w moves) State(dst []int32, i int) {
	if w.m.Kind == graph.Increment {
		for r := len(dst) - 1; r >= 0; r-- {
			dst[r] = int32(i % w.m.Values)
			i /= w.m.Values
		}
		return
	}
	clear(dst)
	letters := w.m.Values - 1
	end := 0
	for n := i; n > 0; n = (n - 1) / letters {
		end++
	}
	for r := end - 1; r >= 0; r-- {
		dst[r] = int32((i-1)%letters) + 1
		i = (i - 1) / letters
	}
}
