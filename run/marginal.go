package run

import (
	"github.com/sluice-ml/sluice/gfn/metric"
)

// This file is what the heat maps show: a distribution over states, summed down to two coordinates.

// plane is a probability by the first two registers of a state. It is a plotter.GridXYZ.
type plane struct {
	Width, Height int
	P             []float64 // [Height x Width]; row is the second register
}

// marginal sums p over all registers but the first two. A world of one register is one row high.
func marginal(e *metric.Exact, p []float64) plane {
	m := plane{Width: 1, Height: 1}
	at := func(i int) (x, y int) {
		s := e.Space.State(i)
		if len(s) > 1 {
			y = int(s[1])
		}
		return int(s[0]), y
	}
	for i := range e.Space.N {
		x, y := at(i)
		m.Width, m.Height = max(m.Width, x+1), max(m.Height, y+1)
	}
	m.P = make([]float64, m.Width*m.Height)
	for i, v := range p {
		x, y := at(i)
		m.P[y*m.Width+x] += v
	}
	return m
}

// Dims is width and height.
func (m plane) Dims() (c, r int) { return m.Width, m.Height }

// X is the first register's value of column c.
func (m plane) X(c int) float64 { return float64(c) }

// Y is the second register's value of row r.
func (m plane) Y(r int) float64 { return float64(r) }

// Z is the probability at column c and row r.
func (m plane) Z(c, r int) float64 { return m.P[r*m.Width+c] }

func (m plane) max() float64 {
	top := 0.0
	for _, v := range m.P {
		top = max(top, v)
	}
	return top
}
