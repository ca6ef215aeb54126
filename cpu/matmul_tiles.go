//go:build (amd64 || arm64) && !noasm

// This file drives the kernels of the matrix product: it cuts k and the columns into blocks that fit the caches, packs
// what must be packed, and walks over the tiles.

package cpu

import "unsafe"

const (
	// blockK rows of a panel of B, 16 KiB at 16 columns, stay in the first-level cache while a panel of A passes.
	blockK = 256
	// blockB floats of packed B are 256 KiB: half of the smallest second-level cache we know (512 KiB, Zen 3).
	blockB = 64 << 10
	// inPlaceM is the most rows for which reading B where it is beats packing it (up to 96 at 256 columns, fewer where
	// the rows of B are whole pages apart).
	inPlaceM = 48
	// inPlaceN is the most columns for which A is read so few times that packing it does not pay.
	inPlaceN = 64
	// groupA is the number of panels of a transposed A that are packed at a time, so that whole cache lines are used.
	groupA = 8
	// aheadB is how many rows of an unpacked B are prefetched.
	aheadB = 8
	line   = 64 // bytes
	// unrolled is how many k steps the kernels take between two jumps; see gen/matmul.go.
	unrolled = 4
)

// packer is one worker's packing buffers and kernel arguments. It allocates until the buffers have the size that the
// largest product needs.
type packer struct {
	panelsB, tailB, panelsA []float32
	args                    tileArgs // here and not on the stack, since a call by table lets it escape
	shares                  bool     // whether products are offered to other workers
	offer                   offer
}

// block is the part of a product between k = p0 and p0+k and between the columns j0 and j0+n.
type block struct {
	*product[float32]
	kernels *kernels
	width   int // columns of a panel of B
	p0, k   int
	j0, n   int

	from               []float32 // column j of the block's B begins at from[fromAt + j*fromStep], j a multiple of width
	fromAt, fromStep   int
	rowB               int // from row to row, in bytes
	inPlace            bool
	tailB              []float32 // the last panel where B is read in place but must be padded
	panels             int       // of rows
	groupAt, groupStep int       // packed panels of a transposed A: the first row after them; floats from one to the next
}

// blocked is matmulDef by kernels.
func (w *packer) blocked(t tier, p *product[float32]) {
	p.check()
	if p.m == 0 || p.n == 0 || p.k == 0 {
		matmulDef(p) // there is nothing to multiply
		return
	}
	b := block{product: p, kernels: matmulKernels[t]}
	b.width = b.kernels.width(p.n)
	b.inPlace = p.packed == nil && !p.tB && p.m <= inPlaceM
	most := b.kernels.rows[b.width/b.kernels.lanes]
	b.panels = (p.m + most - 1) / most
	stepK := p.k
	if p.k > blockK {
		blocks := (p.k + blockK - 1) / blockK
		stepK = ((p.k+blocks-1)/blocks + 7) &^ 7
	}
	stepN := max(blockB/stepK/panelWidth, 1) * panelWidth
	if p.packed == nil && p.tB && p.m <= inPlaceM {
		stepN = b.width // few rows read a panel, so they do while it is in the first-level cache, where it was packed
	}
	for b.p0 = 0; b.p0 < p.k; b.p0 += stepK {
		b.k = min(stepK, p.k-b.p0)
		for b.j0 = 0; b.j0 < p.n; b.j0 += stepN {
			b.n = min(stepN, p.n-b.j0)
			w.bringB(&b)
			w.run(&b)
		}
	}
	w.args = tileArgs{} // keeps no matrix alive
}

// width is the number of columns of a panel of B for a product of n columns.
func (ks *kernels) width(n int) int {
	if n <= ks.lanes {
		return ks.lanes
	}
	return mostVectors * ks.lanes
}

// bringB sets where the block's panels of B are, and packs them where needed.
func (w *packer) bringB(b *block) {
	switch {
	case b.packed != nil:
		k := b.product.k
		b.from, b.fromAt, b.fromStep, b.rowB = b.packed, b.j0*k+b.p0*b.width, k, 4*b.width
	case b.inPlace:
		b.from, b.fromAt, b.fromStep, b.rowB = b.b, b.p0*b.ldb+b.j0, 1, 4*b.ldb
		if rest := b.n % b.kernels.lanes; rest > 0 && b.kernels.padded {
			w.tailB = room(w.tailB, b.k*b.width)
			b.tailB = w.tailB
			j := b.n - b.n%b.width
			b.kernels.pack(w.tailB, b.width, false, b.k, b.n-j, b.b[b.p0*b.ldb+b.j0+j:], b.ldb)
		}
	default:
		w.panelsB = room(w.panelsB, b.k*((b.n+b.width-1)/b.width*b.width))
		first := b.p0*b.ldb + b.j0
		if b.tB {
			first = b.j0*b.ldb + b.p0
		}
		b.kernels.pack(w.panelsB, b.width, b.tB, b.k, b.n, b.b[first:], b.ldb)
		b.from, b.fromAt, b.fromStep, b.rowB = w.panelsB, 0, b.k, 4*b.width
	}
}

// rows computes panels [from, to) of a block, one after the other.
func (w *packer) rows(b *block, from, to int) {
	b.groupAt = 0
	i := from*(b.m/b.panels) + min(from, b.m%b.panels)
	for t := from; t < to; t++ {
		h := b.height(t)
		w.bringA(b, i, h, t, to)
		w.row(b, i, h)
		i += h
	}
}

// height is the rows of panel t: they are split evenly (16 rows are 6+5+5, not 6+6+4).
func (b *block) height(t int) int {
	h := b.m / b.panels
	if t < b.m%b.panels {
		h++
	}
	return h
}

// bringA sets where the h rows of A from row i on are, panel t of those up to end, and packs them where needed.
func (w *packer) bringA(b *block, i, h, t, end int) {
	x := &w.args
	x.ahead, x.aheadBy = address(b.a, 0), 0
	switch {
	case b.tA && b.product.n > inPlaceN:
		if i >= b.groupAt {
			w.packGroup(b, i, h, t, end)
		}
		from := (groupA - (b.groupAt-i)/h) * b.groupStep
		x.a, x.rowA, x.stepA = &w.panelsA[from], 4, 4*h
	case b.tA:
		x.a, x.rowA, x.stepA = at(b.a, b.p0*b.lda+i), 4, 4*b.lda
	default:
		x.a, x.rowA, x.stepA = at(b.a, i*b.lda+b.p0), 4*b.lda, 4
		if i+h < b.m {
			x.ahead, x.aheadBy = address(b.a, (i+h)*b.lda+b.p0), line
		}
	}
}

// packGroup packs the panels of a transposed A from t on that are all h high, at most groupA of them and none from end on. The group
// ends in the last place of its buffer, whatever its size.
func (w *packer) packGroup(b *block, i, h, t, end int) {
	count, next := 0, i
	for count < groupA && t+count < end && b.height(t+count) == h {
		next += h
		count++
	}
	lanes := b.kernels.lanes
	b.groupStep = (b.k*h + lanes + line/4 - 1) &^ (line/4 - 1) // the kernel stores full vectors
	w.panelsA = room(w.panelsA, groupA*b.groupStep)
	b.groupAt = next
	b.kernels.cut[1](&w.panelsA[(groupA-count)*b.groupStep], 4*b.groupStep, 4*h, at(b.a, b.p0*b.lda+i), 4*b.lda,
		b.k, count, firstLanes(h))
}

// row computes the tiles of one panel of rows: those that are whole in one call or two, and what is left at the end.
func (w *packer) row(b *block, i, h int) {
	x := &w.args
	x.k, x.rowC, x.rowGate, x.flags = b.k, 4*b.ldc, 4*b.ldg, 0
	if b.acc || b.p0 > 0 {
		x.flags = tileAcc
	}
	last := b.p0+b.k == b.product.k
	if last && b.relu {
		x.flags |= tileReLU
	}
	steps := 1 // between two moves of ahead
	switch {
	case x.stepA == 4:
		x.flags |= tileSteps
		steps = unrolled
	case x.rowA == 4:
		x.flags |= tileRows
		steps = unrolled
	}
	fetching := 0 // tiles that prefetch the next panel of A
	if b.inPlace {
		x.flags |= tilePlace
		x.aheadOn = 4 * b.width
	} else if x.aheadBy > 0 {
		lines := max(b.k/steps, 1) // by one tile
		fetching = 1 + h*b.lda*4/line/lines
		x.aheadOn = line * lines
	}
	lanes := b.kernels.lanes
	for j := 0; j < b.n; {
		n, panels := min(b.width, b.n-j), max((b.n-j)/b.width, 1)
		vectors := (n + lanes - 1) / lanes
		if x.flags |= tileWhole; n < vectors*lanes {
			x.flags &^= tileWhole
		}
		x.lanes = firstLanes(n)
		x.b, x.rowB, x.stepB = at(b.from, b.fromAt+j*b.fromStep), b.rowB, 4*b.width*b.fromStep
		switch {
		case b.inPlace && b.kernels.padded && n%lanes > 0:
			x.b, x.rowB = &b.tailB[0], 4*b.width
		case b.inPlace:
			x.ahead, x.aheadBy = address(b.from, b.fromAt+j+aheadB*b.ldb), 4*b.ldb*steps
		case fetching == 0:
			x.aheadBy = 0
		default:
			panels = min(panels, fetching)
			fetching = 0
		}
		x.panels = panels
		col := b.j0 + j
		x.c = at(b.c, i*b.ldc+col)
		x.bias, x.gate = nil, nil
		if last && b.bias != nil {
			x.bias = at(b.bias, col)
		}
		if last && b.gate != nil {
			x.gate = at(b.gate, i*b.ldg+col)
		}
		b.kernels.tile[h][vectors]((*byte)(unsafe.Pointer(x)))
		j += panels * b.width
	}
}
