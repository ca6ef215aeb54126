package oracle

// This file is matrices.

// Matrix is row-major; a vector is a matrix of one column, a scalar is 1x1.
type Matrix struct {
	Rows, Cols int
	X          []float64
}

// Column is x as a matrix of one column.
func Column(x []float64) Matrix { return Matrix{len(x), 1, x} }

// Row is x as a matrix of one row.
func Row(x []float64) Matrix { return Matrix{1, len(x), x} }

// zeros is a matrix of zeros.
func zeros(rows, cols int) Matrix { return Matrix{rows, cols, make([]float64, rows*cols)} }

// ones is a matrix of ones.
func ones(rows, cols int) Matrix {
	m := zeros(rows, cols)
	for i := range m.X {
		m.X[i] = 1
	}
	return m
}

// pick is the 0/1 matrix with a 1 in column index[r] of row r; a negative index gives a row of zeros.
func pick(index []int, cols int) Matrix {
	m := zeros(len(index), cols)
	for r, j := range index {
		if j >= 0 {
			m.X[r*cols+j] = 1
		}
	}
	return m
}

// transposed is mᵀ.
func (m Matrix) transposed() Matrix {
	t := zeros(m.Cols, m.Rows)
	for r := range m.Rows {
		for c := range m.Cols {
			t.X[c*m.Rows+r] = m.X[r*m.Cols+c]
		}
	}
	return t
}
